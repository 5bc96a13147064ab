"""Fold the events of one call into one answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Literal, assert_never

from gateway_core.inference.events import (
    CitationAdded,
    Finished,
    LogprobsReported,
    PartEnded,
    RefusalDelta,
    Started,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    TokenChosen,
    ToolCallDelta,
    Usage,
    UsageReported,
)
from gateway_core.inference.request import Citation, Refusal, Text, Thinking, ToolCall

AnswerPart = Text | Refusal | Thinking | ToolCall


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; `parts` keep the order in which they began. `logprobs` are those of its text."""

    id: str
    model: str
    parts: tuple[AnswerPart, ...]
    finished: Finished
    usage: Usage | None
    logprobs: tuple[TokenChosen, ...] = ()

    @property
    def text(self) -> str:
        """All text of the answer, joined."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))


@dataclass(slots=True)
class _Open:
    """A part that still grows: its kind, its key and its pieces."""

    kind: Literal["text", "refusal", "thinking", "tool"]
    key: int
    pieces: list[str] = field(default_factory=list)
    id: str = ""
    name: str = ""
    signature: str = ""
    redacted: bool = False
    citations: list[Citation] = field(default_factory=list)

    def close(self) -> AnswerPart:
        joined = "".join(self.pieces)
        match self.kind:
            case "text":
                return Text(joined, citations=tuple(self.citations))
            case "refusal":
                return Refusal(joined)
            case "thinking":
                return Thinking(joined, self.signature, self.redacted, self.id)
            case "tool":
                return ToolCall(self.id, self.name, joined, self.signature)


class Collector:
    """Take events one at a time; `answer` may be asked at any moment."""

    def __init__(self) -> None:
        self._id = ""
        self._model = ""
        self._parts: list[_Open] = []
        self._usage: Usage | None = None
        self._finished = Finished("unknown")
        self._logprobs: list[TokenChosen] = []
        self._cut = False

    def add(self, event: StreamEvent) -> None:
        """Take one event."""
        match event:
            case TextDelta():
                self._part("text").pieces.append(event.text)
            case ToolCallDelta():
                self._take_call(event)
            case ThinkingDelta():
                self._take_thought(event)
            case RefusalDelta():
                self._part("refusal").pieces.append(event.text)
            case PartEnded():
                self._cut = True
            case CitationAdded():
                self._last_text().citations.append(event.citation)
            case _:
                self._note(event)

    def answer(self, *, model: str = "") -> Answer:
        """Give what has come so far; `model` is told in place of the vendor's name for it."""
        parts = tuple([part.close() for part in self._parts])
        return Answer(self._id, model or self._model, parts, self._finished, self._usage, tuple(self._logprobs))

    def _note(self, event: Started | UsageReported | LogprobsReported | Finished) -> None:
        match event:
            case Started():
                self._id, self._model = event.id, event.model
            case UsageReported():
                self._usage = event.usage
            case LogprobsReported():
                self._logprobs.extend(event.tokens)
            case Finished():
                self._finished = event
            case _:
                assert_never(event)

    def _take_call(self, event: ToolCallDelta) -> None:
        call = self._tool(event.index)
        call.id = call.id or event.id
        call.name = call.name or event.name
        call.signature = call.signature or event.signature
        call.pieces.append(event.arguments)

    def _take_thought(self, event: ThinkingDelta) -> None:
        thought = self._part("thinking", int(event.redacted))
        thought.pieces.append(event.text)
        thought.signature += event.signature
        thought.redacted = event.redacted
        thought.id = thought.id or event.id
        # A signature seals a thought, and opaque ones are never joined: what comes after is a new one.
        self._cut = self._cut or bool(event.signature) or event.redacted

    def _tool(self, key: int) -> _Open:
        for part in self._parts:
            if part.kind == "tool" and part.key == key:
                return part
        return self._begin("tool", key)

    def _last_text(self) -> _Open:
        """Give the text that a citation is about, even when its `PartEnded` came first."""
        for part in reversed(self._parts):
            if part.kind == "text":
                return part
        return self._begin("text", 0)

    def _part(self, kind: Literal["text", "refusal", "thinking"], key: int = 0) -> _Open:
        last = self._parts[-1] if self._parts and not self._cut else None
        if last is not None and last.kind == kind and last.key == key:
            return last
        return self._begin(kind, key)

    def _begin(self, kind: Literal["text", "refusal", "thinking", "tool"], key: int) -> _Open:
        self._cut = False
        self._parts.append(_Open(kind, key))
        return self._parts[-1]


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
