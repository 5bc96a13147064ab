"""The list of all settings with the names of their variables, read off the tree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import UnionType

# Any: the annotation of a field is any type expression at all.
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import Secret, SecretStr
from pydantic.fields import FieldInfo

from gateway_core.settings.aliases import ALIASES
from gateway_core.settings.kinds import Accepts, Derived, Env, Section, Verbatim
from gateway_core.settings.model import GROUPS

PREFIX = "AIGW_"
_PLAIN_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    SecretStr: "text",
}
Mark = TypeVar("Mark")


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable: `path` leads to its field in `Settings`, and `owner` is the section that declares it."""

    path: tuple[str, ...]
    variable: str
    owner: type[Section]
    group: type[Section]
    info: FieldInfo = field(repr=False)

    @property
    def aliases(self) -> tuple[str, ...]:
        """List the other spellings, in the order in which they are tried."""
        return tuple(alias for alias, variable in ALIASES.items() if variable == self.variable)

    @property
    def accepts(self) -> str:
        """Say what the setting takes, in words that fit after "give"."""
        mark = self._mark(Accepts)
        if mark:
            return mark.words
        return next((_PLAIN_WORDS[part] for part in self._parts() if part in _PLAIN_WORDS), "a value")

    @property
    def derived(self) -> str | None:
        """Say where the default comes from; None when it is a constant."""
        mark = self._mark(Derived)
        return mark.words if mark else None

    @property
    def is_secret(self) -> bool:
        """Tell whether the value must never be shown."""
        return any(part is SecretStr or get_origin(part) is Secret or part is Secret for part in self._parts())

    @property
    def is_verbatim(self) -> bool:
        """Tell whether white space around the value counts."""
        return self._mark(Verbatim) is not None

    @property
    def is_path(self) -> bool:
        """Tell whether the value is a path."""
        return Path in self._parts()

    # Any: default of a field of any type.
    @property
    def default(self) -> Any:
        """Give the default as it stands in the tree, before anything is derived."""
        return self.info.default

    def _parts(self) -> list[object]:
        return [*_unfolded(self.info.annotation), *self.info.metadata]

    def _mark(self, kind: type[Mark]) -> Mark | None:
        return next((part for part in self._parts() if isinstance(part, kind)), None)


def _unfolded(annotation: object) -> Iterator[object]:
    """List the types and marks inside optional and annotated types, outermost first."""
    origin = get_origin(annotation)
    if origin in {Union, UnionType, Annotated}:
        for part in get_args(annotation):
            yield from _unfolded(part)
    else:
        yield annotation
        # Parametrised Secret[...] is a class of its own, whose origin only its metadata tells.
        if isinstance(annotation, type) and issubclass(annotation, Secret):
            yield Secret


def _named(info: FieldInfo) -> str | None:
    return next((mark.name for mark in info.metadata if isinstance(mark, Env)), None)


def _walk(owner: type[Section], *, path: tuple[str, ...], prefix: str, group: type[Section]) -> Iterator[Setting]:
    """List the settings of one section and of those inside it, in the order of the source."""
    for name, info in owner.model_fields.items():
        kind = info.annotation
        own_name = _named(info)
        if isinstance(kind, type) and issubclass(kind, Section):
            inner = own_name if own_name is not None else f"{prefix}{name.upper()}__"
            yield from _walk(kind, path=(*path, name), prefix=inner, group=group)
        else:
            yield Setting((*path, name), own_name or f"{prefix}{name.upper()}", owner, group, info)


@cache
def all_settings() -> tuple[Setting, ...]:
    """List every setting, group by group."""
    return tuple(setting for group in GROUPS for setting in _walk(group, path=(), prefix=PREFIX, group=group))


@cache
def section_variables() -> frozenset[str]:
    """Name the variables that take a whole section as one JSON object."""
    sections: set[str] = set()
    for setting in all_settings():
        parts = setting.variable.split("__")
        if setting.variable == PREFIX + "__".join(setting.path).upper():
            sections.update("__".join(parts[:length]) for length in range(1, len(parts)))
    return frozenset(sections)


@cache
def known_variables() -> frozenset[str]:
    """Name every variable that means something to us, aliases and sections included."""
    return frozenset({setting.variable for setting in all_settings()} | set(ALIASES) | section_variables())
