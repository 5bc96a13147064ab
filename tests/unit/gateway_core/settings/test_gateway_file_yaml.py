"""The text of a gateway.yaml, as plain values with their places."""

from __future__ import annotations

import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.settings.gateway_file_findings import Mark
from gateway_core.settings.gateway_file_yaml import Plain, read_document


def tree(text: str) -> dict[str, Plain]:
    document = read_document(text)
    assert document.findings == ()
    return document.tree


def findings(text: str) -> list[tuple[int, int, str]]:
    return [(found.mark.line, found.mark.column, found.what) for found in read_document(text).findings]


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "~", "null", "{}"])
def test_a_file_without_values_is_an_empty_mapping(text: str) -> None:
    assert tree(text) == {}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", 0),
        ("-12", -12),
        ("1.5", 1.5),
        ("1e+3", "1e+3"),
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("012", "012"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2026-12-31", "2026-12-31"),
        ("1e999", "1e999"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("9" * 19, "9" * 19),
        ('"5"', "5"),
        ("'true'", "true"),
        ("|\n  a\n  b\n", "a\nb\n"),
    ],
)
def test_a_word_means_what_it_looks_like(written: str, meant: Plain) -> None:
    assert tree(f"a: {written}") == {"a": meant}


def test_a_value_is_found_at_its_name_and_an_item_where_it_begins() -> None:
    marks = read_document("a:\n  b: [x,\n   {c: 1}]\n").marks

    assert marks.at(("a",)) == Mark(1, 1)
    assert marks.at(("a", "b")) == Mark(2, 3)
    assert marks.at(("a", "b", 0)) == Mark(2, 7)
    assert marks.at(("a", "b", 1, "c")) == Mark(3, 5)


def test_what_has_no_place_stands_where_its_surroundings_do() -> None:
    assert read_document("a:\n  b: 1").marks.at(("a", "nothing", 3)) == Mark(1, 1)


def test_anchors_and_merges_bring_what_is_not_written_again() -> None:
    text = "x-usual: &usual {a: 1, b: 2}\nx-more: &more {b: 3, c: 4}\nd:\n  <<: [*usual, *more]\n  a: 5\ne: *usual\n"

    read = tree(text)

    assert read["d"] == {"a": 5, "b": 2, "c": 4}
    assert read["e"] == {"a": 1, "b": 2}


def test_what_is_written_here_wins_over_what_a_merge_within_a_merge_brings() -> None:
    assert tree("x: &x {a: 1, b: 1}\ny: &y {<<: *x, b: 2}\nd: {<<: *y, a: 3}\n")["d"] == {"a": 3, "b": 2}


def test_a_merge_does_not_move_the_place_of_what_overrules_it() -> None:
    marks = read_document("x: &x {a: 1}\nd:\n  <<: *x\n  a: 5\n").marks

    assert marks.at(("d", "a")) == Mark(4, 3)


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("a: 1\nb: 2\na: 3", 3, 1, "twice, first in line 1"),
        ("a:\n  <<: {b: 1}\n  <<: {c: 1}", 3, 3, "twice"),
        ("- a", 1, 1, "no mapping"),
        ("text", 1, 1, "no mapping"),
        ("a:\n\tb: 1", 2, 1, "a tab"),
        ("a: [\n\t]", 2, 1, "a tab"),
        ("a: 'open", 1, 9, "quotation marks"),
        ("a: b: c", 1, 5, "':'"),
        ("a: 1\n b: 2", 2, 3, "':'"),
        ("a: *b", 1, 4, "anchor"),
        ("a: 1\n---\nb: 2", 2, 1, "second document"),
        ("a: 1\nb: \x07", 2, 4, "control character"),
        ('a: "\\ud800"', 1, 4, "surrogate"),
        ("a: !!python/object/apply:os.system [ls]", 1, 4, "a tag"),
        ("a: !secret b", 1, 4, "a tag"),
        ("? [a]\n: b", 1, 3, "plain text"),
        ("? {a: b}\n: c", 1, 3, "plain text"),
        ('"": b', 1, 1, "a name is missing"),
        ("a: &a [*a]", 1, 4, "inside its own anchor"),
        ("a: &a\n  <<: *a", 1, 4, "inside its own anchor"),
        ("a:\n  <<: 5", 2, 7, "the alias of one"),
        ("a: " + "[" * 40, 1, 35, "deep"),
    ],
)
def test_what_cannot_be_read_is_said_with_line_and_column(text: str, line: int, column: int, words: str) -> None:
    [(found_line, found_column, what)] = findings(text)

    assert (found_line, found_column) == (line, column)
    assert words in what
    assert "; " in what


def test_other_findings_of_the_same_file_are_listed_too() -> None:
    assert len(findings("a: 1\na: 2\nb: !x 3\n? [c]\n: d")) == 3


def test_aliases_that_multiply_are_refused_before_they_cost_anything() -> None:
    text = "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        text += f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]\n"
    started = time.process_time()

    [(_, _, what)] = findings(text)

    assert "aliases blow the file up" in what
    assert time.process_time() - started < 10


def test_merges_that_multiply_are_refused_too() -> None:
    text = "a: &a {" + ", ".join(f"k{number}: v" for number in range(200)) + "}\n"
    text += "".join(f"m{number}:\n  <<: *a\n" for number in range(800))

    assert "aliases blow the file up" in findings(text)[0][2]


def test_a_file_with_too_many_values_is_not_built_at_all() -> None:
    assert "more than" in findings("a: [" + "1," * 110_000 + "]")[0][2]


def test_no_piece_of_the_text_is_repeated_for_it_may_be_a_secret() -> None:
    for text in ("sk-very-secret: 'sk-very-secret", "a: sk-very: secret", "a: *sk-very-secret", "a: !sk-very-secret x"):
        [(_, _, what)] = findings(text)
        assert "sk-very" not in what


# Not the line ends of Unicode: the program that writes here folds them.
readable = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=20)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**16), 10**16) | readable,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc-", min_size=1, max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=8), plain, max_size=4))
def test_what_another_program_wrote_is_read_as_it_was_meant(values: dict[str, Plain]) -> None:
    text = yaml.safe_dump(values, allow_unicode=True)

    document = read_document(text)

    assert document.tree == values
    assert document.findings == ()


@pytest.mark.parametrize("text", ["0E0", "1e3", "1.5e3", "1e-3"])
def test_what_some_read_as_a_number_and_others_as_text_stays_text(text: str) -> None:
    assert read_document(f"a: {text}").tree == {"a": text}


@pytest.mark.parametrize(("text", "number"), [("0.5", 0.5), ("-.5", -0.5), ("1.5e+3", 1500.0), ("2.", 2.0)])
def test_what_all_read_as_a_number_is_one(text: str, number: float) -> None:
    assert read_document(f"a: {text}").tree == {"a": number}


@given(st.text(max_size=200))
def test_no_text_at_all_breaks_the_reader(text: str) -> None:
    document = read_document(text)

    assert all(found.mark.line >= 1 and found.mark.column >= 1 and found.what for found in document.findings)
