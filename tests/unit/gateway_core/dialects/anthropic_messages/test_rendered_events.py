from __future__ import annotations

import json
from itertools import pairwise

# The official client is the judge of what we render; src may not use it, tests may.
import anthropic.types as official
import msgspec
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from gateway_core.dialects import openai_chat
from gateway_core.dialects.anthropic_messages import (
    EventParser,
    EventRenderer,
    parse_answer,
    render_answer,
    render_error,
    render_streamed_error,
)
from gateway_core.inference.collect import Answer, collect
from gateway_core.inference.events import Finished, StreamEvent, TextDelta, ThinkingDelta, ToolCallDelta
from gateway_core.inference.request import Text, Thinking, ToolCall
from unit.gateway_core.dialects.anthropic_messages.stream_samples import TOOL_EVENTS
from unit.gateway_core.dialects.wire_samples import (
    characters,
    events_of,
    json_values,
    names,
    parse_stream,
    server_events,
    texts,
    usages,
)

OFFICIAL_EVENT: TypeAdapter[official.RawMessageStreamEvent] = TypeAdapter(official.RawMessageStreamEvent)


def render(events: list[StreamEvent], renderer: EventRenderer | None = None) -> list[dict[str, object]]:
    renderer = renderer or EventRenderer()
    wire = b"".join(renderer.render(event) for event in events) + renderer.close()
    seen = []
    for event in server_events(wire):
        body = msgspec.json.decode(event.data)
        assert body["type"] == event.event
        seen.append(body)
    return seen


def test_a_rendered_stream_has_the_vendors_events_in_order() -> None:
    seen = render(TOOL_EVENTS, EventRenderer(model="heavy"))

    assert [(event["type"], event.get("index")) for event in seen] == [
        ("message_start", None),
        ("content_block_start", 0),
        ("content_block_delta", 0),
        ("content_block_delta", 0),
        ("content_block_delta", 0),
        ("content_block_stop", 0),
        ("content_block_start", 1),
        ("content_block_stop", 1),
        ("content_block_start", 2),
        ("content_block_delta", 2),
        ("content_block_delta", 2),
        ("content_block_stop", 2),
        ("content_block_start", 3),
        ("content_block_delta", 3),
        ("content_block_delta", 3),
        ("content_block_stop", 3),
        ("content_block_start", 4),
        ("content_block_delta", 4),
        ("content_block_stop", 4),
        ("message_delta", None),
        ("message_stop", None),
    ]
    assert seen[0]["message"] == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "heavy",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {
            "input_tokens": 25,
            "cache_creation_input_tokens": 100,
            "cache_read_input_tokens": 1000,
            "output_tokens": 1,
        },
    }
    assert seen[-2] == {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use", "stop_sequence": None},
        "usage": {
            "input_tokens": 25,
            "cache_creation_input_tokens": 100,
            "cache_read_input_tokens": 1000,
            "output_tokens": 89,
            "output_tokens_details": {"thinking_tokens": 7},
        },
    }


def test_a_stream_without_any_event_is_still_a_stream() -> None:
    assert [event["type"] for event in render([])] == ["message_start", "message_delta", "message_stop"]


def test_deltas_without_content_open_no_block() -> None:
    seen = render([TextDelta(""), ThinkingDelta(""), Finished("stop")])

    assert [event["type"] for event in seen] == ["message_start", "message_delta", "message_stop"]


def test_each_signed_thought_is_a_block_of_its_own() -> None:
    thoughts: list[StreamEvent] = [ThinkingDelta("a"), ThinkingDelta("", "s1"), ThinkingDelta("b", "s2")]
    seen = render([*thoughts, Finished("stop")])

    assert [(event["type"], event["index"]) for event in seen if "index" in event] == [
        ("content_block_start", 0),
        ("content_block_delta", 0),
        ("content_block_delta", 0),
        ("content_block_stop", 0),
        ("content_block_start", 1),
        ("content_block_delta", 1),
        ("content_block_delta", 1),
        ("content_block_stop", 1),
    ]


def test_what_is_added_to_an_earlier_call_keeps_that_calls_index() -> None:
    seen = render(
        [
            ToolCallDelta(0, "a", "f", "{"),
            ToolCallDelta(1, "b", "g", "{}"),
            ToolCallDelta(0, arguments="}"),
            Finished("tool_calls"),
        ]
    )

    assert [event["index"] for event in seen if event["type"] == "content_block_delta"] == [0, 1, 0]


def test_a_stream_of_the_other_vendor_is_rendered_for_this_ones_clients() -> None:
    wire = (
        b'data: {"id":"c1","model":"m","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}\n\n'
        b'data: {"id":"c1","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"length"}],'
        b'"usage":{"prompt_tokens":9,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":2}}}\n\n'
        b"data: [DONE]\n\n"
    )

    seen = render(parse_stream(openai_chat.EventParser(), wire))

    assert seen[-2]["delta"] == {"stop_reason": "max_tokens", "stop_sequence": None}
    assert seen[-2]["usage"] == {
        "input_tokens": 7,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 2,
        "output_tokens": 4,
    }


def test_errors_have_the_vendors_shape() -> None:
    body = render_error(status=529, code="upstream_overloaded", message="busy")

    assert msgspec.json.decode(body) == {
        "type": "error",
        "error": {"type": "overloaded_error", "message": "busy", "code": "upstream_overloaded"},
    }
    streamed = render_streamed_error(status=529, code="upstream_overloaded", message="busy")
    assert streamed == b"event: error\ndata: " + body + b"\n\n"
    assert b'"api_error"' in render_error(status=503, code="x", message="y")
    assert b'"invalid_request_error"' in render_error(status=422, code="x", message="y")


arguments = st.dictionaries(st.text(characters), json_values, max_size=2).map(json.dumps)
parts = st.one_of(
    st.builds(Text, texts),
    st.builds(Thinking, texts, names),
    texts.map(lambda data: Thinking(data, redacted=True)),
    st.builds(ToolCall, id=names, name=names, arguments=arguments),
)
ends = st.sampled_from(
    [
        Finished("stop", "end_turn"),
        Finished("length", "max_tokens"),
        Finished("tool_calls", "tool_use"),
        Finished("stop_sequence", "stop_sequence", "END"),
        Finished("refusal", "refusal"),
        Finished("pause", "pause_turn"),
    ]
)


def merged(part: Text | Thinking | ToolCall) -> str:
    """Name the kind of part that a collector joins when two of it follow each other."""
    if isinstance(part, Thinking):
        return "redacted" if part.redacted else str(id(part))
    return "text" if isinstance(part, Text) else str(id(part))


answers = st.builds(
    Answer,
    id=st.text(characters),
    model=st.text(characters),
    parts=st.lists(parts, max_size=4)
    .filter(lambda parts: all(merged(a) != merged(b) for a, b in pairwise(parts)))
    .map(tuple),
    finished=ends,
    usage=usages,
)


@given(answer=answers, cut=st.integers(0, 5), cuts=st.lists(st.integers(0, 5000), max_size=4))
def test_a_rendered_stream_reads_back_as_its_answer(answer: Answer, cut: int, cuts: list[int]) -> None:
    renderer = EventRenderer()
    wire = b"".join(renderer.render(event) for event in events_of(answer, cut=cut)) + renderer.close()

    assert collect(parse_stream(EventParser(), wire, cuts)) == answer


@given(answer=answers)
def test_a_rendered_answer_reads_back_as_itself(answer: Answer) -> None:
    assert collect(parse_answer(render_answer(answer, created=1))) == answer


@given(answer=answers, cut=st.integers(0, 5))
def test_the_official_client_accepts_what_is_rendered(answer: Answer, cut: int) -> None:
    whole = official.Message.model_validate_json(render_answer(answer, created=1), strict=True)
    renderer = EventRenderer()
    wire = b"".join(renderer.render(event) for event in events_of(answer, cut=cut)) + renderer.close()
    seen = [OFFICIAL_EVENT.validate_json(event.data, strict=True) for event in server_events(wire)]

    blocks = [event.content_block.type for event in seen if isinstance(event, official.RawContentBlockStartEvent)]
    last = seen[-2]
    assert blocks == [block.type for block in whole.content]
    assert isinstance(seen[0], official.RawMessageStartEvent)
    assert isinstance(last, official.RawMessageDeltaEvent)
    assert last.delta.stop_reason == whole.stop_reason
    assert last.usage.output_tokens == whole.usage.output_tokens
    assert isinstance(seen[-1], official.RawMessageStopEvent)
