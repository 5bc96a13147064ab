"""The generated reference pages are fresh, and the example file says what the code does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gateway_core.settings.catalogue import Setting, all_settings
from gateway_core.settings.load import load_settings, unknown_names

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "example.env"
PAGE = ROOT / "docs" / "reference" / "settings.md"


def generate(*arguments: str) -> subprocess.CompletedProcess[str]:
    # A fresh process is the door that make uses; it needs the sources on its path and the rest as it is here.
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(
        [sys.executable, "-m", "scripts.gen_reference", *arguments],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_reference_pages_are_fresh() -> None:
    done = generate("--check")

    assert (done.stdout, done.returncode) == ("", 0)


def test_a_stale_page_is_named_and_written_anew(tmp_path: Path) -> None:
    assert generate("--root", str(tmp_path)).returncode == 0
    page = tmp_path / "docs" / "reference" / "settings.md"
    page.write_text(page.read_text(encoding="utf-8") + "more", encoding="utf-8")

    done = generate("--root", str(tmp_path), "--check")

    assert done.returncode == 1
    assert done.stdout == "docs/reference/settings.md is stale; run: python -m scripts.gen_reference\n"
    assert page.read_text(encoding="utf-8").endswith("more")


def test_the_example_names_every_setting_once() -> None:
    names = re.findall(r"^#([A-Z][A-Z0-9_]*)=", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert names == [setting.variable for setting in all_settings()]


def test_every_line_of_the_example_is_a_comment_until_it_is_uncommented() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()

    assert [line for line in lines if line and not line.startswith("#")] == []


def test_the_example_uncommented_equals_the_defaults(tmp_path: Path) -> None:
    text = re.sub(r"^#(?=[A-Z][A-Z0-9_]*=)", "", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    file = tmp_path / "whole.env"
    file.write_text(text, encoding="utf-8")

    assert load_settings({"HOME": "/home/op"}, env_file=file) == load_settings({"HOME": "/home/op"}, env_file=None)
    assert unknown_names({}, env_file=file) == []
    assert text.count("\nAIGW_") > 100


@pytest.mark.parametrize("setting", all_settings(), ids=lambda setting: str(setting.variable))
def test_the_page_has_one_row_with_a_meaning_for_every_setting(setting: Setting) -> None:
    rows = [row for row in PAGE.read_text(encoding="utf-8").splitlines() if row.startswith(f"| `{setting.variable}` |")]

    assert len(rows) == 1
    cells = rows[0].strip("| ").split(" | ")
    assert all(cells[:4])
