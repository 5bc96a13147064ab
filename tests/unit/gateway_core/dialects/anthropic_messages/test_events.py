from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.dialects.anthropic_messages import EventParser, parse_answer
from gateway_core.dialects.failures import StreamedError, WireShapeWrong
from gateway_core.dialects.sse import ServerSentEvent
from gateway_core.inference.collect import collect
from gateway_core.inference.events import Finished, Started, StreamEvent, TextDelta, Usage
from gateway_core.inference.request import ToolCall
from unit.gateway_core.dialects.anthropic_messages.stream_samples import (
    SERVER_TOOL_EVENTS,
    SERVER_TOOL_STREAM,
    TEXT_EVENTS,
    TEXT_STREAM,
    TOOL_EVENTS,
    TOOL_STREAM,
    began,
    block,
    ended,
    sent,
    stop,
)
from unit.gateway_core.dialects.wire_samples import parse_stream

STREAMS = [(TEXT_STREAM, TEXT_EVENTS), (TOOL_STREAM, TOOL_EVENTS), (SERVER_TOOL_STREAM, SERVER_TOOL_EVENTS)]


@pytest.mark.parametrize(("wire", "events"), STREAMS)
def test_a_stream_from_the_vendors_reference_is_read(wire: bytes, events: list[StreamEvent]) -> None:
    parser = EventParser()

    assert parse_stream(parser, wire) == events
    assert parser.finished
    assert parser.close() == []


@pytest.mark.parametrize(("wire", "events"), STREAMS)
@given(cuts=st.lists(st.integers(0, 5000), max_size=8))
def test_a_stream_cut_anywhere_gives_the_same_events(wire: bytes, events: list[StreamEvent], cuts: list[int]) -> None:
    assert parse_stream(EventParser(), wire, cuts) == events


@pytest.mark.parametrize(("wire", "events"), STREAMS)
def test_a_stream_may_arrive_byte_by_byte(wire: bytes, events: list[StreamEvent]) -> None:
    assert parse_stream(EventParser(), wire, range(len(wire))) == events


def test_a_stream_that_ends_before_its_stop_reason_is_not_finished() -> None:
    parser = EventParser()

    assert parse_stream(parser, sent(began(), block(0, type="text", text="a")))[-1] == TextDelta("a")
    assert not parser.finished


def test_a_stop_reason_finishes_the_answer_without_message_stop() -> None:
    parser = EventParser()

    assert parse_stream(parser, sent(began(), ended("max_tokens")[0]))[-1] == Finished("length", "max_tokens")
    assert parser.finished


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("model_context_window_exceeded", "length"),
        ("pause_turn", "pause"),
        ("refusal", "refusal"),
        ("some_later_word", "unknown"),
    ],
)
def test_every_stop_reason_has_a_word_of_ours(word: str, reason: str) -> None:
    last = parse_stream(EventParser(), sent(*ended(word)))[-1]

    assert isinstance(last, Finished)
    assert (last.reason, last.raw) == (reason, word)


def test_counts_that_come_late_or_as_zero_do_not_undo_earlier_ones() -> None:
    late = parse_stream(EventParser(), sent(began(input_tokens=0), *ended("end_turn", input_tokens=9, output_tokens=2)))
    zero = parse_stream(EventParser(), sent(began(), *ended("end_turn", input_tokens=0, output_tokens=2)))

    assert collect(late).usage == Usage(9, 2)
    assert collect(zero).usage == Usage(25, 2)


def test_an_input_that_comes_whole_with_its_start_is_not_lost() -> None:
    events = parse_stream(EventParser(), sent(block(0, type="tool_use", id="t", name="f", input={"a": 1}), stop(0)))

    assert collect(events).parts == (ToolCall("t", "f", '{"a": 1}'),)


@pytest.mark.parametrize(
    "data",
    [
        b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}',
        b'{"error":{"type":"overloaded_error","message":"Overloaded"}}',
    ],
)
def test_an_error_inside_the_stream_is_raised(data: bytes) -> None:
    with pytest.raises(StreamedError, match="Overloaded") as raised:
        EventParser().feed(ServerSentEvent("error", data))

    assert raised.value.kind == "overloaded_error"


def test_an_error_without_words_is_raised_all_the_same() -> None:
    with pytest.raises(StreamedError, match="no message"):
        EventParser().feed(ServerSentEvent("error", b'{"type":"error"}'))


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"type":1}', b"<html>"])
def test_an_event_of_another_shape_is_a_wrong_wire_shape(data: bytes) -> None:
    with pytest.raises(WireShapeWrong):
        EventParser().feed(ServerSentEvent("", data))


def test_an_event_without_data_is_passed_over() -> None:
    assert EventParser().feed(ServerSentEvent("ping", b"")) == []


def test_a_whole_answer_gives_what_a_stream_of_it_would() -> None:
    body = """
    {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "content": [
      {"type": "thinking", "thinking": "Hmm.", "signature": "EqQB"},
      {"type": "redacted_thinking", "data": "EmwK"},
      {"type": "text", "text": "I look.", "citations": null},
      {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Oslo"}},
      {"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}}],
     "stop_reason": "tool_use", "stop_sequence": null, "usage": {"input_tokens": 25, "output_tokens": 89,
     "cache_creation_input_tokens": 100, "cache_read_input_tokens": 1000,
     "output_tokens_details": {"thinking_tokens": 7}}}
    """

    whole = parse_answer(body.encode())

    assert collect(whole) == collect(TOOL_EVENTS)
    assert isinstance(whole[0], Started)
    assert isinstance(whole[-1], Finished)


@pytest.mark.parametrize("body", [b"{}", b'{"content":"a"}', b'{"content":[{}]}', b"[]", b"<html>", b""])
def test_an_answer_of_another_shape_is_a_wrong_wire_shape(body: bytes) -> None:
    with pytest.raises(WireShapeWrong):
        parse_answer(body)


def test_an_error_in_place_of_an_answer_is_raised() -> None:
    with pytest.raises(StreamedError, match="busy"):
        parse_answer(b'{"type":"error","error":{"type":"api_error","message":"busy"}}')
