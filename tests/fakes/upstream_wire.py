"""The recorded exchanges in tests/wire, and how one becomes another answer of the same shape."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fakes.upstream_reply import SseFraming
from gateway_core.inference.request import Json

WIRE = Path(__file__).resolve().parents[1] / "wire"
NEWLINES: Mapping[str, str] = {"lf": "\n", "crlf": "\r\n", "cr": "\r"}
DONE = "[DONE]"

Change = tuple[tuple[str | int, ...], Json]
"""A path into a JSON value, and what to put there."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a request shapes the answer."""

    model: str
    chunks: tuple[str, ...]
    include_usage: bool = False


@dataclass(frozen=True, slots=True)
class WireEvent:
    """One server-sent event; `data` is JSON text, except OpenAI's `[DONE]`."""

    name: str
    data: str
    is_chunk: bool = False
    """It carries text or tool arguments, so a reply counts it."""

    def put(self, *changes: Change) -> WireEvent:
        """Set members of the data by their paths."""
        return WireEvent(self.name, render_compact(put(json.loads(self.data), *changes)), self.is_chunk)

    def without(self, member: str) -> WireEvent:
        """Leave a top-level member out."""
        kept = {name: value for name, value in json.loads(self.data).items() if name != member}
        return WireEvent(self.name, render_compact(kept), self.is_chunk)

    def counted(self) -> WireEvent:
        """Mark this event as a chunk."""
        return WireEvent(self.name, self.data, is_chunk=True)


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes written together; `is_chunk` as in `WireEvent`."""

    data: bytes
    is_chunk: bool = False


@dataclass(frozen=True, slots=True)
class Recording:
    """One recorded answer: `body` when it was whole, `events` when it was streamed."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: Json
    events: tuple[WireEvent, ...]


def put(value: Json, *changes: Change) -> Json:
    """Give a copy with members set by their paths; the objects on the way must exist."""
    for path, new in changes:
        value = _put_one(value, path, new=new)
    return value


def _put_one(value: Json, path: tuple[str | int, ...], *, new: Json) -> Json:
    match value, path:
        case _, ():
            return new
        case dict(), (str(name), *rest):
            return {**value, name: _put_one(value.get(name), tuple(rest), new=new)}
        case list(), (int(index), *rest):
            return [*value[:index], _put_one(value[index], tuple(rest), new=new), *value[index + 1 :]]
        case _:
            raise LookupError(f"the recording has nothing at {path!r}")


def render_compact(value: Json) -> str:
    """Write JSON as the vendors write it in events."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


@cache
def load_recording(provider: str, case: str) -> Recording:
    """Read one recorded answer; a missing case raises FileNotFoundError."""
    stem = WIRE / provider
    head = json.loads((stem / f"{case}.headers.json").read_text(encoding="utf-8"))
    headers = tuple(head["response_headers"].items())
    streamed = stem / f"{case}.response.sse"
    if streamed.exists():
        return Recording(head["status"], headers, None, parse_events(streamed.read_text(encoding="utf-8")))
    body = json.loads((stem / f"{case}.response.json").read_text(encoding="utf-8"))
    return Recording(head["status"], headers, body, ())


def has_recording(provider: str, case: str) -> bool:
    """Tell whether the case was recorded."""
    return (WIRE / provider / f"{case}.headers.json").exists()


def parse_events(recorded: str) -> tuple[WireEvent, ...]:
    """Read recorded events: LF, one data line each, a blank line after every one."""
    events = []
    for block in recorded.removesuffix("\n\n").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        events.append(WireEvent(fields.get("event", ""), fields["data"]))
    return tuple(events)


def layout_events(events: tuple[WireEvent, ...], framing: SseFraming) -> tuple[Piece, ...]:
    """Write events one by one in the framing asked for, with what it puts between them."""
    newline = NEWLINES[framing.newline]
    pieces: list[Piece] = []
    for event in events:
        if framing.comments and pieces:
            pieces.append(Piece(f": still here{newline}{newline}".encode()))
        if framing.pings and pieces:
            pieces.append(Piece(_render_ping(event, framing)))
        pieces.append(Piece(_render_event(event, framing), event.is_chunk))
    if pieces and not framing.last_blank:
        last = pieces.pop()
        pieces.append(Piece(last.data.removesuffix(newline.encode()), last.is_chunk))
    return tuple(pieces)


def _render_event(event: WireEvent, framing: SseFraming) -> bytes:
    colon = ": " if framing.space else ":"
    lines = [f"event{colon}{event.name}"] if event.name else []
    data = event.data
    if framing.multiline and data != DONE:
        data = json.dumps(json.loads(data), indent=1, ensure_ascii=False)
    lines += [f"data{colon}{line}" for line in data.split("\n")]
    return NEWLINES[framing.newline].join([*lines, "", ""]).encode()


def _render_ping(event: WireEvent, framing: SseFraming) -> bytes:
    if event.name:
        return _render_event(WireEvent("ping", '{"type":"ping"}'), framing)
    newline = NEWLINES[framing.newline]
    return f": ping{newline}{newline}".encode()
