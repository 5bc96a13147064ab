"""Cases of the engine specification that the simple engines of today promise to pass."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

T = TypeVar("T")

_FILE = Path(__file__).parent.parent / "data" / "engine_cases.json"


class LanguageCase(msgspec.Struct, forbid_unknown_fields=True):
    """What a file is called, and what it is written in."""

    language: str
    file_name: str = ""
    editor_id: str = ""


class Cut(msgspec.Struct, forbid_unknown_fields=True):
    """The parts after the cut, and tokens of other files offered and used."""

    prefix: str
    suffix: str
    context_sent: int
    context_used: int


class FitCase(msgspec.Struct, forbid_unknown_fields=True):
    """A room, what is offered for it, and what goes in."""

    tokens: int
    suffix_share: float
    context_share: float
    prefix: str
    suffix: str
    context: list[str]
    fitted: Cut


class RepairCase(msgspec.Struct, forbid_unknown_fields=True):
    """A generated answer, and what is inserted of it."""

    above: str
    answer: str
    engine: str
    text: str


class _Cases(msgspec.Struct, forbid_unknown_fields=True):
    language_of_file_name: dict[str, LanguageCase]
    language_of_editor_id: dict[str, LanguageCase]
    language_of_both: dict[str, LanguageCase]
    fit: dict[str, FitCase]
    repair_generation: dict[str, RepairCase]


CASES = msgspec.json.decode(_FILE.read_bytes(), type=_Cases)


def each(cases: dict[str, T]) -> pytest.MarkDecorator:
    """Run a test once for each case; its argument is `case`."""
    return pytest.mark.parametrize("case", cases.values(), ids=cases.keys())
