"""One line for the operator about settings that do not fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from gateway_core.kernel.errors import SettingInvalid
from gateway_core.settings.catalogue import Setting
from gateway_core.settings.given import Given

# Our words for pydantic's error types: for the whole type, else for its first word.
_WORDS = {
    "int": "is not a whole number",
    "float": "is not a number",
    "finite": "is not a finite number",
    "bool": "is neither true nor false",
    "literal": "is not one of the known words",
    "greater": "is too small",
    "less": "is too large",
    "string_type": "is not text",
    "string": "does not have the right form",
    "dict": "is not an object",
    "model": "is not an object",
    "tuple": "is not a list",
    "frozen": "is not a list",
    "path": "is not a path",
    "missing": "is missing",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """One setting that does not fit: the name the operator wrote, and the whole sentence."""

    name: str
    sentence: str


def list_refusals(error: ValidationError, *, given: Mapping[tuple[str, ...], tuple[Setting, Given]]) -> list[Refusal]:
    """Say for each refused setting, once, what is wrong with it; `given` leads from the path of a field to its source."""
    refusals: dict[str, Refusal] = {}
    for detail in error.errors(include_url=False, include_input=False):
        path = tuple(str(part) for part in detail["loc"])
        setting, source = next(given[path[:length]] for length in range(len(path), 0, -1) if path[:length] in given)
        inner = ".".join(path[len(setting.path) :])
        what = _what_is_wrong(detail["type"], raised=detail.get("ctx", {}).get("error"))
        if inner:
            what = "does not fit" if setting.is_secret else f"does not fit: {inner!r} {what}"
        sentence = f"{source.called(setting)} {what}; give {setting.accepts}."
        refusals.setdefault(source.name, Refusal(source.name, sentence))
    return list(refusals.values())


def _what_is_wrong(kind: str, *, raised: object) -> str:
    """Put an error type of pydantic in our words; `raised` is the error of a check of ours."""
    if kind == "value_error":
        return str(raised)
    return _WORDS.get(kind) or _WORDS.get(kind.split("_", maxsplit=1)[0], "does not fit")


def to_failure(refusals: list[Refusal]) -> SettingInvalid:
    """Put refusals, of which there is at least one, into one line: the first in full, the others by name."""
    first, *others = refusals
    if not others:
        return SettingInvalid(first.sentence)
    names = ", ".join(refusal.name for refusal in others)
    return SettingInvalid(f"{first.sentence} (and {len(others)} more: {names})")
