"""What a dialect calls what our vocabulary has a name for, and where it stands in a caller's body."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

LONGEST_NAME = 60
"""Characters of a caller's own name that are said again."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a message of ours stands in the body, and each of its parts, where that can be told.

    The parts of an assistant's turn cannot: dialects count them differently.
    """

    place: str
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Places:
    """Where in the body our messages and tools stand, in our order; `others` names the tools that are not ours."""

    messages: Sequence[Spot] = ()
    tools: Sequence[str] = ()
    others: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A dialect's words. For each of ours those that may stand in the body, the likeliest first.

    `find_places` reads a body that the dialect's parser has taken.
    """

    words: Mapping[str, tuple[str, ...]]
    find_places: Callable[[bytes], Places]


def other_tool(place: str, kind: str, name: object) -> str:
    """Name a tool that the caller's vendor runs or defines."""
    named = f" named {name[:LONGEST_NAME]!r}" if isinstance(name, str) and name else ""
    return f"{place} of type {kind[:LONGEST_NAME]!r}{named}"
