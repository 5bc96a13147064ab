"""A file's language: its name tells it, or else the editor does."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_gateway.code import language
from ai_gateway.code.language import language_of, suffix_of
from unit.ai_gateway.code.engine_cases import CASES, LanguageCase, each

folders = st.text(st.characters(codec="utf-8", exclude_characters="/"), max_size=5)


@each(CASES.language_of_file_name)
def test_the_name_of_a_file_tells_its_language(case: LanguageCase) -> None:
    assert language_of(case.file_name) == case.language


@each(CASES.language_of_editor_id)
def test_the_editor_tells_it_when_the_name_does_not(case: LanguageCase) -> None:
    assert language_of("Makefile.unheard-of", case.editor_id) == case.language


@each(CASES.language_of_both)
def test_the_name_wins_over_the_editor(case: LanguageCase) -> None:
    assert language_of(case.file_name, case.editor_id) == case.language


@pytest.mark.parametrize(
    ("file_name", "language"),
    [
        ("a.hpp", "cpp"),
        ("a.h++", "cpp"),
        ("a.H", "cpp"),
        ("a.h", "c"),
        ("a.s", "asm"),
        ("a.S", "asm"),
        ("a.R", "r"),
        ("a.PY", ""),
        ("a.phpt", "php"),
        ("a.tsx", "ts"),
        ("a.jsx", "js"),
        ("a.v", "verilog"),
        ("a.vsh", "v"),
        ("a.m", "objc"),
        ("a.tfvars", "terraform"),
        ("archive.tar.gz", ""),
        ("Dockerfile", ""),
        ("app.dockerfile", "dockerfile"),
        ("py", ""),
        ("a.", ""),
        ("", ""),
        ("folder.py/", ""),
        ("folder.py/README", ""),
    ],
)
def test_only_the_last_suffix_counts_with_its_case(file_name: str, language: str) -> None:
    assert language_of(file_name) == language


@pytest.mark.parametrize(
    ("editor_id", "language"),
    [
        ("javascriptreact", "js"),
        ("typescriptreact", "ts"),
        ("shellscript", "bash"),
        ("objective-cpp", "objc"),
        ("FortranFreeForm", "fortran"),
        ("matlab", "matlab"),
        ("Python", ""),
        ("python ", ""),
        ("", ""),
    ],
)
def test_an_editors_id_must_match_to_the_letter(editor_id: str, language: str) -> None:
    assert language_of("", editor_id) == language


def test_a_hundred_languages_have_a_name_of_their_own() -> None:
    names = [name for name, _, _ in language._LANGUAGES]

    assert len(names) == 100
    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(r"[a-z0-9]+", name)] == []


def test_no_suffix_and_no_editors_id_stands_for_two_languages() -> None:
    for column in (1, 2):
        words = Counter(word for row in language._LANGUAGES for word in row[column].split())
        assert [word for word, times in words.items() if times > 1] == []


def test_each_language_can_be_told_by_its_suffixes_and_its_ids() -> None:
    for name, suffixes, editor_ids in language._LANGUAGES:
        assert {language_of(f"x.{suffix}") for suffix in suffixes.split()} <= {name}
        assert {language_of("", editor_id) for editor_id in editor_ids.split()} == {name}


@given(st.lists(folders, max_size=3), st.sampled_from(["main.go", "a.test.ts", ".rb", "x", "é.py", "a.b/c.cs"]))
def test_folders_say_nothing_about_a_language(above: list[str], file_name: str) -> None:
    assert language_of("/".join([*above, file_name])) == language_of(file_name)


@given(st.text(st.characters(codec="utf-8")))
def test_a_suffix_is_the_end_of_the_name_and_has_no_dot(file_name: str) -> None:
    suffix = suffix_of(file_name)

    assert "." not in suffix
    assert not suffix or file_name.endswith(f".{suffix}")
