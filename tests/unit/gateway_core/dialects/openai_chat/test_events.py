from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.dialects.failures import StreamedError, WireShapeWrong
from gateway_core.dialects.openai_chat import EventParser, parse_answer
from gateway_core.dialects.sse import ServerSentEvent
from gateway_core.inference.collect import collect
from gateway_core.inference.events import Finished, Started, StreamEvent, TextDelta, Usage
from gateway_core.inference.request import Text, Thinking, ToolCall
from unit.gateway_core.dialects.openai_chat.stream_samples import (
    BEGAN,
    DONE,
    HEAD,
    REASONING_EVENTS,
    REASONING_STREAM,
    REFUSAL_EVENTS,
    REFUSAL_STREAM,
    TEXT_EVENTS,
    TEXT_STREAM,
    TOOL_EVENTS,
    TOOL_STREAM,
    USAGE,
    chunk,
)
from unit.gateway_core.dialects.wire_samples import parse_stream

STREAMS = [
    (TEXT_STREAM, TEXT_EVENTS),
    (TOOL_STREAM, TOOL_EVENTS),
    (REASONING_STREAM, REASONING_EVENTS),
    (REFUSAL_STREAM, REFUSAL_EVENTS),
]


@pytest.mark.parametrize(("wire", "events"), STREAMS)
def test_a_stream_from_the_vendors_reference_is_read(wire: str, events: list[StreamEvent]) -> None:
    parser = EventParser()

    assert parse_stream(parser, wire.encode()) == events
    assert parser.finished


@pytest.mark.parametrize(("wire", "events"), STREAMS)
@given(cuts=st.lists(st.integers(0, 3000), max_size=8))
def test_a_stream_cut_anywhere_gives_the_same_events(wire: str, events: list[StreamEvent], cuts: list[int]) -> None:
    assert parse_stream(EventParser(), wire.encode(), cuts) == events


@pytest.mark.parametrize(("wire", "events"), STREAMS)
def test_a_stream_may_arrive_byte_by_byte(wire: str, events: list[StreamEvent]) -> None:
    assert parse_stream(EventParser(), wire.encode(), range(len(wire.encode()))) == events


def test_a_stream_that_ends_before_its_reason_is_not_finished() -> None:
    parser = EventParser()

    assert parse_stream(parser, chunk('{"content":"a"}').encode()) == [BEGAN, TextDelta("a")]
    assert not parser.finished


def test_a_reason_finishes_the_answer_without_the_done_mark() -> None:
    parser = EventParser()

    events = parse_stream(parser, (chunk('{"content":"a"}') + chunk("{}", '"stop"')).encode())

    assert events == [BEGAN, TextDelta("a"), Finished("stop", "stop")]
    assert parser.finished
    assert parser.close() == []


def test_the_done_mark_finishes_the_answer_without_a_reason() -> None:
    parser = EventParser()

    assert parse_stream(parser, (chunk('{"content":"a"}') + DONE).encode())[-1] == Finished("unknown", "")
    assert parser.finished


def test_empty_data_and_an_opening_chunk_without_content_are_passed_over() -> None:
    opening = 'data: {"id":"","model":"","choices":[],"prompt_filter_results":[]}\n\ndata:\n\n'

    assert parse_stream(EventParser(), (opening + chunk('{"content":"a"}')).encode()) == [BEGAN, TextDelta("a")]


def test_other_answers_than_the_first_are_passed_over() -> None:
    wire = f'data: {{{HEAD},"choices":[{{"index":1,"delta":{{"content":"b"}},"finish_reason":null}}]}}\n\n'

    assert parse_stream(EventParser(), (chunk('{"content":"a"}') + wire * 2).encode()) == [BEGAN, TextDelta("a")]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("eos", "stop"), ("model_length", "length"), ("function_call", "tool_calls"), ("odd", "unknown")],
)
def test_words_of_compatible_servers_for_the_end_are_read(reason: str, expected: str) -> None:
    events = parse_stream(EventParser(), chunk("{}", f'"{reason}"').encode())

    last = events[-1]
    assert isinstance(last, Finished)
    assert (last.reason, last.raw) == (expected, reason)


def calls_of(*deltas: str) -> list[ToolCall]:
    wire = "".join(chunk(f'{{"tool_calls":[{delta}]}}') for delta in deltas) + chunk("{}", '"stop"')
    answer = collect(parse_stream(EventParser(), wire.encode()))
    assert answer.finished == Finished("tool_calls", "stop")
    return [part for part in answer.parts if isinstance(part, ToolCall)]


def test_calls_without_an_index_are_told_apart_by_their_ids() -> None:
    assert calls_of(
        '{"id":"a","function":{"name":"f","arguments":"{"}}',
        '{"function":{"arguments":"}"}}',
        '{"id":"b","function":{"name":"g","arguments":"{}"}}',
    ) == [ToolCall("a", "f", "{}"), ToolCall("b", "g", "{}")]


def test_calls_that_share_an_index_are_told_apart_by_their_ids() -> None:
    assert calls_of(
        '{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}',
        '{"index":0,"id":"b","function":{"name":"g","arguments":"{"}}',
        '{"index":0,"id":"b","function":{"name":"g","arguments":"}"}}',
    ) == [ToolCall("a", "f", "{}"), ToolCall("b", "g", "{}")]


def test_a_call_without_an_id_gets_one_made_of_the_answers() -> None:
    assert calls_of('{"index":0,"function":{"name":"f","arguments":"{}"}}', '{"index":1,"function":{"name":"g"}}') == [
        ToolCall("call_chatcmpl-1_0", "f", "{}"),
        ToolCall("call_chatcmpl-1_1", "g", ""),
    ]


def test_a_name_that_comes_late_is_told_once() -> None:
    assert calls_of('{"index":0,"id":"a"}', '{"index":0,"function":{"name":"f"}}', '{"index":0,"function":{}}') == [
        ToolCall("a", "f", "")
    ]


def test_reasoning_is_read_from_openrouters_and_mistrals_members_too() -> None:
    parts = '[{"type":"thinking","thinking":[{"type":"text","text":"b"}]},{"type":"text","text":"c"}]'
    wire = chunk('{"content":"","reasoning":"a"}') + chunk(f'{{"content":{parts}}}') + chunk("{}", '"stop"')

    assert collect(parse_stream(EventParser(), wire.encode())).parts == (Thinking("ab"), Text("c"))


OPENROUTERS_ERROR = '{"id":"1","error":{"message":"no","code":502},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}'


@pytest.mark.parametrize(
    ("wire", "status", "kind"),
    [
        ('{"error":{"message":"no","type":"server_error","param":null,"code":null}}', None, "server_error"),
        ('{"error":{"message":"no","type":"BadRequestError","code":400}}', 400, "BadRequestError"),
        (OPENROUTERS_ERROR, 502, ""),
    ],
)
def test_an_error_inside_the_stream_is_raised(wire: str, status: int | None, kind: str) -> None:
    with pytest.raises(StreamedError, match="no") as raised:
        parse_stream(EventParser(), (chunk('{"content":"a"}') + f"data: {wire}\n\n").encode())

    assert (raised.value.status, raised.value.kind) == (status, kind)


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"choices":3}', b"<html>"])
def test_a_chunk_of_another_shape_is_a_wrong_wire_shape(data: bytes) -> None:
    with pytest.raises(WireShapeWrong):
        EventParser().feed(ServerSentEvent("", data))


WHOLE = """
{"id":"chatcmpl-1","object":"chat.completion","created":1760000000,"model":"gpt-4.1","choices":[{"index":0,
"message":{"role":"assistant","content":%s,"refusal":%s,"annotations":[]%s},"logprobs":null,"finish_reason":"%s"}],
"usage":{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29,"prompt_tokens_details":{"cached_tokens":4},
"completion_tokens_details":{"reasoning_tokens":3}},"service_tier":"default"}
"""


WHOLE_CALLS = (
    ',"tool_calls":[{"id":"call_a","type":"function","function":{"name":"f","arguments":"{\\"x\\":1}"}},'
    '{"id":"call_b","type":"function","function":{"name":"g","arguments":"{}"}}]'
)


@pytest.mark.parametrize(
    ("members", "stream"),
    [
        (('"Héllo 😀"', "null", "", "stop"), TEXT_STREAM),
        (("null", '"I cannot."', "", "stop"), REFUSAL_STREAM.replace(DONE, USAGE + DONE)),
        (
            ("null", "null", WHOLE_CALLS, "tool_calls"),
            TOOL_STREAM,
        ),
        (('"Yes"', "null", ',"reasoning_content":"Hmm."', "length"), REASONING_STREAM.replace(DONE, USAGE + DONE)),
    ],
)
def test_a_whole_answer_gives_what_a_stream_of_it_would(members: tuple[str, str, str, str], stream: str) -> None:
    whole = parse_answer((WHOLE % members).encode())

    assert collect(whole) == collect(parse_stream(EventParser(), stream.encode()))
    assert isinstance(whole[0], Started)
    assert isinstance(whole[-1], Finished)


def test_cached_tokens_are_read_from_deepseeks_member_too() -> None:
    body = b'{"choices":[{"message":{"content":"a"}}],"usage":{"prompt_tokens":9,"prompt_cache_hit_tokens":8}}'

    assert collect(parse_answer(body)).usage == Usage(9, 0, cache_read_tokens=8)


@pytest.mark.parametrize("body", [b"{}", b'{"choices":[]}', b'{"choices":[{"index":0}]}', b"<html>", b"", b"null"])
def test_an_answer_of_another_shape_is_a_wrong_wire_shape(body: bytes) -> None:
    with pytest.raises(WireShapeWrong):
        parse_answer(body)


def test_an_error_in_place_of_an_answer_is_raised() -> None:
    with pytest.raises(StreamedError, match="busy"):
        parse_answer(b'{"error":{"message":"busy","code":503}}')
