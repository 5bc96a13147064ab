"""The security page promises tests: each one it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from architecture.project import ROOT, read

PAGE = ROOT / "docs" / "security.md"
_NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")

NAMED = sorted(set(_NAMED.findall(read(PAGE))))


@pytest.mark.parametrize(("file", "test"), NAMED, ids=[test for _, test in NAMED])
def test_each_test_that_the_page_names_exists(file: str, test: str) -> None:
    assert re.search(rf"^(?:async )?def {test}\(", read(ROOT / file), re.MULTILINE)


def test_each_attack_names_a_test() -> None:
    rows = [line for line in read(PAGE).splitlines() if line.startswith("| **")]

    assert len(rows) > 20
    assert [row for row in rows if not _NAMED.search(row)] == []
    assert Path(ROOT / "docs" / "decisions" / "0006-issuers-are-checked-except-gitlab.md").is_file()
