"""Reading a `.env` file."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway_core.kernel.errors import SettingInvalid
from gateway_core.settings.env_file import find_env_file, parse_env_file
from gateway_core.settings.load import load_settings


def parse(folder: Path, text: str, **environ: str) -> dict[str, str]:
    path = folder / ".env"
    path.write_text(text, encoding="utf-8")
    return parse_env_file(path, environ=environ)


def test_comments_exports_and_quotes_are_understood(tmp_path: Path) -> None:
    values = parse(tmp_path, "# note\nexport A=1 # one\nB='x # y'\nC=\"l1\\nl2\"\nD=\nE\n")

    assert values == {"A": "1", "B": "x # y", "C": "l1\nl2", "D": ""}


def test_a_quoted_value_may_span_lines(tmp_path: Path) -> None:
    assert parse(tmp_path, 'KEY="-----BEGIN\nabc\n-----END"\n') == {"KEY": "-----BEGIN\nabc\n-----END"}


def test_names_in_braces_stand_for_earlier_lines_then_for_the_environment(tmp_path: Path) -> None:
    values = parse(tmp_path, "A=1\nB=${A}-${C}-${D:-d}-$A\n", A="0", C="c")

    assert values["B"] == "1-c-d-$A"


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    assert parse(tmp_path, "\ufeffA=1\n") == {"A": "1"}


def test_no_file_is_found_where_there_is_only_a_folder_of_that_name(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    (inner / ".env").mkdir(parents=True)
    (tmp_path / ".env").touch()

    assert find_env_file(inner) == tmp_path / ".env"


def test_a_line_that_is_no_setting_is_refused_with_its_number_and_without_its_text(tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid) as refused:
        parse(tmp_path, "A=1\nB='never closed\n")

    assert str(refused.value) == (
        f"Line 2 of the settings file {str(tmp_path / '.env')!r} is not NAME=value; mend or remove it."
    )


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid) as refused:
        load_settings({}, env_file=tmp_path / "absent.env")

    assert str(refused.value) == (
        f"The settings file {str(tmp_path / 'absent.env')!r} cannot be read: No such file or directory."
    )


def test_a_file_in_another_encoding_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"A=\xff\xfe\n")

    with pytest.raises(SettingInvalid, match=r"is not UTF-8 text; save it as UTF-8\.$"):
        parse_env_file(path, environ={})
