"""Generated requests and answers, and a reader of rendered streams, for the tests of every dialect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from hypothesis import strategies as st

from gateway_core.dialects.sse import ServerSentEvent, SseDecoder
from gateway_core.inference.collect import Answer
from gateway_core.inference.events import (
    Started,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    Usage,
    UsageReported,
)
from gateway_core.inference.request import Image, Json, Text, Thinking, Tool, ToolCall

characters = st.characters(exclude_categories=["Cs"])
texts = st.text(characters, min_size=1, max_size=12).filter(lambda text: bool(text.strip()))
names = st.from_regex(r"[a-z][a-z0-9_-]{0,11}", fullmatch=True)
counts = st.integers(0, 10**6)
json_values: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(characters),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(characters), inner, max_size=3),
    max_leaves=6,
)
schemas = st.dictionaries(names, json_values, max_size=2).map(lambda members: {"type": "object", **members})
tools = st.builds(Tool, name=names, description=st.just("") | texts, parameters=schemas)
images = st.builds(
    Image, media_type=st.sampled_from(["image/png", "image/jpeg"]), data=st.just("iVBORw0KGgo=")
) | st.builds(Image, url=names.map(lambda name: f"https://pictures.example/{name}.png"))
usages = st.builds(
    lambda fresh, read, written, output: Usage(fresh + read + written, output, read, written, output // 2),
    counts,
    counts,
    counts,
    counts,
)


class StreamParser(Protocol):
    """What the event parsers of all dialects have in common."""

    @property
    def finished(self) -> bool: ...

    def feed(self, event: ServerSentEvent) -> list[StreamEvent]: ...

    def close(self) -> list[StreamEvent]: ...


def server_events(wire: bytes, cuts: Iterable[int] = ()) -> Iterator[ServerSentEvent]:
    """Decode a stream that arrives cut at these places."""
    decoder = SseDecoder()
    last = 0
    for cut in [*sorted(cut % (len(wire) + 1) for cut in cuts), len(wire)]:
        yield from decoder.feed(wire[last:cut])
        last = cut
    yield from decoder.close()


def parse_stream(parser: StreamParser, wire: bytes, cuts: Iterable[int] = ()) -> list[StreamEvent]:
    """Read a whole stream with one parser."""
    events = [event for server_event in server_events(wire, cuts) for event in parser.feed(server_event)]
    return events + parser.close()


def events_of(answer: Answer, *, cut: int) -> list[StreamEvent]:
    """Give the events that stream this answer, each part cut in two at the same place."""
    events: list[StreamEvent] = [Started(answer.id, answer.model)]
    number = 0
    for part in answer.parts:
        match part:
            case Text():
                events += [TextDelta(part.text[:cut]), TextDelta(part.text[cut:])]
            case Thinking(redacted=True):
                events.append(ThinkingDelta(part.text, redacted=True))
            case Thinking():
                events += [ThinkingDelta(part.text[:cut]), ThinkingDelta(part.text[cut:])]
                events += [ThinkingDelta("", part.signature)] if part.signature else []
            case ToolCall():
                events.append(ToolCallDelta(number, part.id, part.name, part.arguments[:cut]))
                events.append(ToolCallDelta(number, arguments=part.arguments[cut:]))
                number += 1
    if answer.usage is not None:
        events.append(UsageReported(answer.usage))
    return [*events, answer.finished]
