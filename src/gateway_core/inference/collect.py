"""Fold the events of one call into one answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import assert_never

from gateway_core.inference.events import (
    Finished,
    Started,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    Usage,
    UsageReported,
)
from gateway_core.inference.request import Text, Thinking, ToolCall


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; `parts` keep the order in which they began."""

    id: str
    model: str
    parts: tuple[Text | Thinking | ToolCall, ...]
    finished: Finished
    usage: Usage | None

    @property
    def text(self) -> str:
        """All text of the answer, joined."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))


@dataclass(slots=True)
class _Open:
    """A part that still grows: its kind, its key and its pieces."""

    kind: str
    key: int
    pieces: list[str] = field(default_factory=list)
    id: str = ""
    name: str = ""
    signature: str = ""
    redacted: bool = False

    def close(self) -> Text | Thinking | ToolCall:
        joined = "".join(self.pieces)
        if self.kind == "text":
            return Text(joined)
        if self.kind == "thinking":
            return Thinking(joined, self.signature, self.redacted)
        return ToolCall(self.id, self.name, joined)


class Collector:
    """Take events one at a time; `answer` may be asked at any moment."""

    def __init__(self) -> None:
        self._id = ""
        self._model = ""
        self._parts: list[_Open] = []
        self._usage: Usage | None = None
        self._finished = Finished("unknown")

    def add(self, event: StreamEvent) -> None:
        """Take one event."""
        match event:
            case TextDelta():
                self._part("text", 0).pieces.append(event.text)
            case ToolCallDelta():
                call = self._part("tool", event.index)
                call.id = call.id or event.id
                call.name = call.name or event.name
                call.pieces.append(event.arguments)
            case ThinkingDelta():
                thought = self._part("thinking", int(event.redacted))
                thought.pieces.append(event.text)
                thought.signature += event.signature
                thought.redacted = event.redacted
            case Started():
                self._id, self._model = event.id, event.model
            case UsageReported():
                self._usage = event.usage
            case Finished():
                self._finished = event
            case _:
                assert_never(event)

    def answer(self) -> Answer:
        """Give what has come so far."""
        parts = tuple(part.close() for part in self._parts)
        return Answer(self._id, self._model, parts, self._finished, self._usage)

    def _part(self, kind: str, key: int) -> _Open:
        if kind == "tool":
            for part in self._parts:
                if part.kind == kind and part.key == key:
                    return part
        elif self._parts and self._parts[-1].kind == kind and self._parts[-1].key == key:
            last = self._parts[-1]
            # A signature seals a thought, and opaque ones are never joined: what comes after is a new one.
            if not (last.signature or last.redacted):
                return last
        opened = _Open(kind, key)
        self._parts.append(opened)
        return opened


def collect(events: Iterable[StreamEvent]) -> Answer:
    """Fold events that are already here."""
    collector = Collector()
    for event in events:
        collector.add(event)
    return collector.answer()


async def collect_stream(events: AsyncGenerator[StreamEvent]) -> Answer:
    """Fold a stream and close it."""
    collector = Collector()
    async with aclosing(events):
        async for event in events:
            collector.add(event)
    return collector.answer()
