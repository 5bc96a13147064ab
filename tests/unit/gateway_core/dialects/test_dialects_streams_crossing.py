"""Answers on their way from any vendor to any client: whole, in order, wherever the bytes are cut."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.cuts import STRIDES, places_to_cut
from gateway_core.dialects.failures import StreamedError
from gateway_core.dialects.framing import build_decoder
from gateway_core.dialects.sse import ServerSentEvent
from gateway_core.inference.collect import Answer, collect
from gateway_core.inference.events import (
    PartEnded,
    RefusalDelta,
    Started,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    UsageReported,
)
from gateway_core.inference.request import Refusal, Text, Thinking, ToolCall
from matrix.answer_cells import plain
from matrix.vendors import ANTHROPIC, BEDROCK, CHAT, EVENTS, GEMINI, NAMES, RESPONSES, VENDORS, Name
from unit.gateway_core.dialects.crossing_samples import answers, calling_answers, ordered_answers

WIRE = Path(__file__).resolve().parents[3] / "wire"
PAIRS = list(permutations(NAMES, 2))
# Chat completions say what is thought, then what is said, then what is called; the others keep any order.
ORDERED = [pair for pair in PAIRS if CHAT not in pair]
PATHS: tuple[tuple[str, Name], ...] = (
    ("/chat/completions", CHAT),
    ("/responses", RESPONSES),
    ("/messages", ANTHROPIC),
    (":streamGenerateContent?alt=sse", GEMINI),
    ("/converse-stream", BEDROCK),
)
unhurried = settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
cuts = st.lists(st.integers(0, 10**6), max_size=6)


def events_of(answer: Answer, *, size: int, interleaved: bool) -> list[StreamEvent]:
    """Stream an answer in pieces; the calls one after the other, or a piece of each in turn."""
    events: list[StreamEvent] = [Started(answer.id, answer.model)]
    waiting: list[list[StreamEvent]] = []
    number = 0
    last: type = type(None)
    for part in answer.parts:
        if type(part) is last:
            events.append(PartEnded())
        last = type(part)
        match part:
            case Text():
                events += [TextDelta(piece) for piece in _pieces(part.text, size)]
            case Refusal():
                events += [RefusalDelta(piece) for piece in _pieces(part.text, size)]
            case Thinking(redacted=True):
                events.append(ThinkingDelta(part.text, redacted=True))
            case Thinking():
                events += [ThinkingDelta(piece) for piece in _pieces(part.text, size)]
                events += [ThinkingDelta("", part.signature)] if part.signature else []
            case ToolCall():
                begun = ToolCallDelta(number, part.id, part.name, signature=part.signature)
                said = [ToolCallDelta(number, arguments=piece) for piece in _pieces(part.arguments, size)]
                if interleaved:
                    events.append(begun)
                    waiting.append([*said])
                else:
                    events += [begun, *said]
                number += 1
    while any(waiting):
        events += [pieces.pop(0) for pieces in waiting if pieces]
    return [*events, *([UsageReported(answer.usage)] if answer.usage else []), answer.finished]


def _pieces(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def comparable(answer: Answer) -> Answer:
    """Leave out names; arguments count as what they say, for some formats hold them as an object."""
    parts = tuple(
        replace(part, arguments=json.dumps(json.loads(part.arguments))) if isinstance(part, ToolCall) else part
        for part in plain(answer).parts
    )
    return replace(plain(answer), parts=parts)


@pytest.mark.parametrize(("vendor", "caller"), PAIRS)
@unhurried
@given(answer=answers(), size=st.integers(1, 9), cut=cuts)
def test_a_stream_reaches_every_client_as_it_was_answered(
    vendor: Name, caller: Name, *, answer: Answer, size: int, cut: list[int]
) -> None:
    wire = VENDORS[vendor].stream_of(events_of(answer, size=size, interleaved=False))

    told = VENDORS[vendor].read_stream(wire, cut)
    read = VENDORS[caller].read_stream(VENDORS[caller].stream_of(told), cut)

    assert comparable(collect(told)) == comparable(answer)
    assert comparable(collect(read)) == comparable(answer)


@pytest.mark.parametrize(("vendor", "caller"), PAIRS)
@unhurried
@given(answer=calling_answers(), size=st.integers(1, 9), cut=cuts)
def test_pieces_of_parallel_calls_that_come_in_turn_stay_with_their_call(
    vendor: Name, caller: Name, *, answer: Answer, size: int, cut: list[int]
) -> None:
    events = events_of(answer, size=size, interleaved=True)

    told = VENDORS[vendor].read_stream(VENDORS[vendor].stream_of(events), cut)
    read = VENDORS[caller].read_stream(VENDORS[caller].stream_of(told), cut)

    assert comparable(collect(told)) == comparable(answer)
    assert comparable(collect(read)) == comparable(answer)


@pytest.mark.parametrize(("vendor", "caller"), ORDERED)
@unhurried
@given(answer=ordered_answers(), size=st.integers(1, 9), cut=cuts)
def test_where_order_can_be_said_it_stays(
    vendor: Name, caller: Name, *, answer: Answer, size: int, cut: list[int]
) -> None:
    wire = VENDORS[vendor].stream_of(events_of(answer, size=size, interleaved=False))

    told = VENDORS[vendor].read_stream(wire, cut)
    read = VENDORS[caller].read_stream(VENDORS[caller].stream_of(told), cut)

    assert comparable(collect(read)) == comparable(answer)


@pytest.mark.parametrize(("vendor", "caller"), PAIRS)
@unhurried
@given(answer=answers())
def test_a_whole_answer_reaches_every_client_as_it_was_answered(vendor: Name, caller: Name, answer: Answer) -> None:
    given_, taken = VENDORS[vendor].dialect, VENDORS[caller].dialect

    told = collect(given_.parse_answer(given_.render_answer(answer, created=1)))
    read = collect(taken.parse_answer(taken.render_answer(told, created=1)))

    assert comparable(read) == comparable(answer)


def recordings() -> Iterator[Path]:
    yield from sorted(path for path in WIRE.glob("*/*.response.*") if path.suffix in {".sse", ".bin"})


def dialect_of(recording: Path) -> Name | None:
    """Tell the dialect of a recording by the path that was asked."""
    headers = json.loads(recording.with_name(recording.name.split(".")[0] + ".headers.json").read_bytes())
    path: str = headers["path"]
    return next((name for end, name in PATHS if path.endswith(end)), None)


def decoded(wire: bytes, content_type: str, cut: int) -> list[ServerSentEvent]:
    decoder = build_decoder(content_type)
    return [*decoder.feed(wire[:cut]), *decoder.feed(wire[cut:]), *decoder.close()]


def read(name: Name, wire: bytes, chunks: list[int]) -> tuple[Answer, str]:
    """Give the answer, and the error that ended it if there was one."""
    parser, decoder = VENDORS[name].dialect.EventParser(), build_decoder(VENDORS[name].framing)
    events: list[StreamEvent] = []
    try:
        for start, end in zip([0, *chunks], [*chunks, len(wire)], strict=True):
            for item in decoder.feed(wire[start:end]):
                events += parser.feed(item)
        events += parser.close()
    except StreamedError as error:
        return collect(events), error.message
    return collect(events), ""


@pytest.mark.parametrize(
    "recording", [pytest.param(path, id=f"{path.parent.name}-{path.stem}") for path in recordings()]
)
@pytest.mark.parametrize("stride", STRIDES)
def test_no_split_point_changes_the_events_of_a_recorded_stream(recording: Path, stride: int) -> None:
    wire = recording.read_bytes()
    kind = EVENTS if recording.suffix == ".sse" else VENDORS[BEDROCK].framing
    whole = decoded(wire, kind, len(wire))

    assert whole
    assert all(decoded(wire, kind, cut) == whole for cut in [0, *places_to_cut(wire, stride)])


@pytest.mark.parametrize(
    "recording", [pytest.param(path, id=f"{path.parent.name}-{path.stem}") for path in recordings()]
)
def test_a_recorded_stream_is_the_same_byte_for_byte_at_once_and_for_every_client(recording: Path) -> None:
    name = dialect_of(recording)
    if name is None:
        return
    wire = recording.read_bytes()

    whole, error = read(name, wire, [])

    assert read(name, wire, list(range(1, len(wire)))) == (whole, error)
    if error:
        return
    events = VENDORS[name].read_stream(wire)
    for caller in NAMES:
        client = VENDORS[caller]
        told = collect(client.read_stream(client.stream_of(events)))
        # Its answer counts reasoning apart, which only its provider knows and mends.
        counted = whole.usage if recording.parent.name != "xai" else told.usage
        assert comparable(told) == comparable(replace(whole, usage=counted))


def test_streams_of_every_dialect_were_recorded() -> None:
    assert {dialect_of(path) for path in recordings()} - {None} == set(NAMES)
