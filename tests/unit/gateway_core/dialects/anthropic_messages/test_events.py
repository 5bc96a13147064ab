from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.cuts import STRIDES, places_to_cut
from gateway_core.dialects.anthropic_messages import EventParser, parse_answer
from gateway_core.dialects.failures import StreamedError, WireShapeWrong
from gateway_core.dialects.sse import ServerSentEvent
from gateway_core.inference.collect import collect
from gateway_core.inference.events import (
    Finished,
    RefusalDelta,
    Started,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    Usage,
    UsageReported,
)
from gateway_core.inference.request import Citation, Refusal, Text, Thinking, ToolCall
from unit.gateway_core.dialects.anthropic_messages.stream_samples import (
    CITED_EVENTS,
    CITED_STREAM,
    LATER_EVENTS,
    LATER_STREAM,
    REFUSAL_EVENTS,
    REFUSAL_STREAM,
    SERVER_TOOL_EVENTS,
    SERVER_TOOL_STREAM,
    TEXT_EVENTS,
    TEXT_STREAM,
    TOOL_EVENTS,
    TOOL_STREAM,
    began,
    block,
    delta,
    ended,
    sent,
    stop,
)
from unit.gateway_core.dialects.wire_samples import parse_stream

STREAMS = [
    (TEXT_STREAM, TEXT_EVENTS),
    (TOOL_STREAM, TOOL_EVENTS),
    (SERVER_TOOL_STREAM, SERVER_TOOL_EVENTS),
    (CITED_STREAM, CITED_EVENTS),
    (REFUSAL_STREAM, REFUSAL_EVENTS),
    (LATER_STREAM, LATER_EVENTS),
]


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


@pytest.mark.parametrize(("wire", "events"), STREAMS)
@pytest.mark.parametrize("stride", STRIDES)
def test_a_stream_may_arrive_in_two_pieces_cut_at_any_byte(wire: bytes, events: list[StreamEvent], stride: int) -> None:
    for cut in [0, *places_to_cut(wire, stride)]:
        assert parse_stream(EventParser(), wire, [cut]) == events


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


def test_pieces_of_parallel_calls_go_to_their_own_call_whatever_their_order() -> None:
    wire = sent(
        block(1, type="tool_use", id="a", name="f", input={}),
        block(2, type="tool_use", id="b", name="g", input={}),
        delta(2, type="input_json_delta", partial_json='{"y":'),
        delta(1, type="input_json_delta", partial_json='{"x":1}'),
        delta(2, type="input_json_delta", partial_json="2}"),
        stop(1),
        stop(2),
        *ended("tool_use"),
    )

    assert collect(parse_stream(EventParser(), wire)).parts == (
        ToolCall("a", "f", '{"x":1}'),
        ToolCall("b", "g", '{"y":2}'),
    )


def test_calls_of_a_server_that_numbers_every_block_alike_stay_apart() -> None:
    wire = sent(
        block(0, type="tool_use", id="a", name="f", input={"x": 1}),
        block(0, type="tool_use", id="b", name="g", input={}),
        delta(7, type="input_json_delta", partial_json='{"y":2}'),
        *ended("tool_use"),
    )

    assert collect(parse_stream(EventParser(), wire)).parts == (
        ToolCall("a", "f", '{"x": 1}'),
        ToolCall("b", "g", '{"y":2}'),
    )


def test_an_input_whose_block_never_stops_is_not_lost() -> None:
    wire = sent(block(0, type="tool_use", id="t", name="f", input={"a": 1}), *ended("tool_use"))

    assert parse_stream(EventParser(), wire)[-2:] == [
        ToolCallDelta(0, arguments='{"a": 1}'),
        Finished("tool_calls", "tool_use"),
    ]


def test_our_own_members_are_read() -> None:
    wire = sent(
        block(0, type="text", text="", refusal=True),
        delta(0, type="text_delta", text="No."),
        stop(0),
        block(1, type="thinking", thinking="", signature="", id="rs_1"),
        delta(1, type="thinking_delta", thinking="t"),
        stop(1),
        block(2, type="redacted_thinking", data="d", signature="s", id="rs_2"),
        stop(2),
        block(3, type="tool_use", id="c", name="f", extra_content={"google": {"thought_signature": "p"}}),
        stop(3),
        *ended("end_turn"),
    )

    assert parse_stream(EventParser(), wire) == [
        RefusalDelta("No."),
        ThinkingDelta("", id="rs_1"),
        ThinkingDelta("t"),
        ThinkingDelta("d", "s", redacted=True, id="rs_2"),
        ToolCallDelta(0, "c", "f", signature="p"),
        ToolCallDelta(0, arguments="{}"),
        UsageReported(Usage()),
        Finished("stop", "end_turn"),
    ]


def test_a_whole_answer_with_blocks_of_every_kind_is_read() -> None:
    body = """
    {"content": [
      {"type": "text", "text": "It is "},
      {"type": "text", "text": "green", "citations": [{"type": "page_location", "cited_text": "q", "document_index": 2,
        "document_title": null, "start_page_number": 3, "end_page_number": 4, "file_id": "f"}]},
      {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
      {"type": "hologram", "text": {"layers": 3}},
      {"type": "text", "text": "no", "refusal": true},
      {"type": "thinking", "thinking": "t", "signature": "s"}],
     "stop_reason": "refusal", "stop_details": {"explanation": "harm", "category": null, "type": "refusal"}}
    """
    cited = Citation(quote="q", document=2, file_id="f", unit="page", start=3, end=4)

    assert collect(parse_answer(body.encode())).parts == (
        Text("It is "),
        Text("green", citations=(cited,)),
        Refusal("no"),
        Thinking("t", "s"),
        Refusal("harm"),
    )


@pytest.mark.parametrize("content", ['[{"type":"text","text":{}}]', '[{"text":{}}]', "[5]"])
def test_a_known_block_of_another_shape_is_a_wrong_wire_shape(content: str) -> None:
    with pytest.raises(WireShapeWrong):
        parse_answer(b'{"content":%b}' % content.encode())
    with pytest.raises(WireShapeWrong):
        EventParser().feed(
            ServerSentEvent("", b'{"type":"content_block_start","content_block":%b}' % content[1:-1].encode())
        )
