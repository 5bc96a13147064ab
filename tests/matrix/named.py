"""Whether the name of what was lost leads to a place in the caller's body."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway_core.inference.request import Json

STEP = re.compile(r"(?P<name>\w+)|\[(?P<number>\d+)\]")


def leads_somewhere(name: str, body: Json) -> bool:
    """Tell whether a name leads to a place in the body, and its label, if it is a member's, to one below."""
    place, _, label = name.partition(": ")
    found = list(_walk(place.partition(" ")[0], body)) or list(_anywhere(place.rpartition(".")[2], body))
    member = label.rpartition(".")[2]
    return bool(found) and (" " in label or "_" not in label or any(_anywhere(member, inner) for inner in found))


def _walk(path: str, body: Json) -> Iterator[Json]:
    value: Json = body
    for step in STEP.finditer(path):
        match value:
            case dict() if step["name"] in value:
                value = value[step["name"]]
            case list() if step["number"] and int(step["number"]) < len(value):
                value = value[int(step["number"])]
            case _:
                return
    yield value


def _anywhere(member: str, body: Json) -> Iterator[Json]:
    match body:
        case dict():
            for name, value in body.items():
                if name == member:
                    yield value
                yield from _anywhere(member, value)
        case list():
            for value in body:
                yield from _anywhere(member, value)
