from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

# The official client is the judge of what we render; src may not use it, tests may.
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from gateway_core.dialects.openai_chat import (
    EventParser,
    EventRenderer,
    parse_answer,
    render_answer,
    render_error,
    render_streamed_error,
)
from gateway_core.inference.collect import Answer, collect
from gateway_core.inference.events import Finished, ThinkingDelta
from gateway_core.inference.request import Text, Thinking, ToolCall
from unit.gateway_core.dialects.openai_chat.stream_samples import BEGAN, TEXT_EVENTS, TOOL_EVENTS
from unit.gateway_core.dialects.wire_samples import (
    characters,
    events_of,
    names,
    parse_stream,
    server_events,
    texts,
    usages,
)


def test_a_rendered_stream_begins_with_the_role_and_ends_with_done() -> None:
    renderer = EventRenderer(created=7, model="heavy", include_usage=True)
    wire = b"".join(renderer.render(event) for event in TOOL_EVENTS) + renderer.close()

    head = '{"id":"chatcmpl-1","object":"chat.completion.chunk","created":7,"model":"heavy","choices":['
    tail = ',"logprobs":null,"finish_reason":null}],"usage":null}'
    lines = wire.decode().split("\n\n")
    assert lines[0] == f'data: {head}{{"index":0,"delta":{{"role":"assistant","content":"","refusal":null}}{tail}'
    assert '"tool_calls":[{"index":0,"id":"call_a","type":"function","function":{"name":"f"' in lines[1]
    assert lines[2].endswith('"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\\"x\\":"}}]}' + tail)
    assert '"delta":{},"logprobs":null,"finish_reason":"tool_calls"' in lines[5]
    assert '"choices":[],"usage":{"prompt_tokens":19' in lines[6]
    assert lines[7:] == ["data: [DONE]", ""]


def test_token_counts_go_out_only_when_asked_for() -> None:
    renderer = EventRenderer(created=7)
    wire = b"".join(renderer.render(event) for event in TEXT_EVENTS) + renderer.close()

    assert b"usage" not in wire
    assert wire.endswith(b'"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n')


def test_a_stream_without_any_event_is_still_a_stream() -> None:
    wire = EventRenderer(created=7, id="x", model="m").close()

    assert wire.startswith(b'data: {"id":"x"')
    assert wire.endswith(b"data: [DONE]\n\n")


def test_reasoning_that_only_its_vendor_can_read_is_left_out() -> None:
    renderer = EventRenderer(created=7)
    renderer.render(BEGAN)

    assert renderer.render(ThinkingDelta("xyz", redacted=True)) == b""
    assert renderer.render(ThinkingDelta("", "signature")) == b""


def test_errors_have_the_vendors_shape() -> None:
    body = render_error(status=404, code="not_found", message="no such model")

    assert msgspec.json.decode(body) == {
        "error": {"message": "no such model", "type": "not_found_error", "param": None, "code": "not_found"}
    }
    assert render_streamed_error(status=404, code="not_found", message="no such model") == b"data: " + body + b"\n\n"
    assert b'"server_error"' in render_error(status=503, code="x", message="y")
    assert b'"invalid_request_error"' in render_error(status=422, code="x", message="y")


calls = st.builds(ToolCall, id=names, name=names, arguments=texts)
words = st.builds(Text, texts)
ends = st.sampled_from(
    [Finished("stop", "stop"), Finished("length", "length"), Finished("content_filter", "content_filter")]
)


def speak(thought: str, said: str, end: Finished) -> tuple[tuple[Text | Thinking | ToolCall, ...], Finished]:
    parts = ((Thinking(thought),) if thought else ()) + ((Text(said),) if said else ())
    return parts, end


def call(said: str, called: list[ToolCall]) -> tuple[tuple[Text | Thinking | ToolCall, ...], Finished]:
    return (*((Text(said),) if said else ()), *called), Finished("tool_calls", "tool_calls")


contents = st.one_of(
    st.builds(speak, st.just("") | texts, st.just("") | texts, ends),
    st.builds(speak, st.just(""), st.just("") | texts, st.just(Finished("refusal", "content_filter"))),
    st.builds(call, st.just("") | texts, st.lists(calls, min_size=1, max_size=3, unique_by=lambda call: call.id)),
)
answers = st.builds(
    lambda name, model, content, usage: Answer(name, model, content[0], content[1], usage),
    st.text(characters, min_size=1, max_size=5),
    st.text(characters, max_size=5),
    contents,
    usages,
)


@given(answer=answers, cut=st.integers(0, 5), cuts=st.lists(st.integers(0, 5000), max_size=4))
def test_a_rendered_stream_reads_back_as_its_answer(answer: Answer, cut: int, cuts: list[int]) -> None:
    renderer = EventRenderer(created=1, include_usage=True)
    wire = b"".join(renderer.render(event) for event in events_of(answer, cut=cut)) + renderer.close()

    assert collect(parse_stream(EventParser(), wire, cuts)) == answer


@given(answer=answers)
def test_a_rendered_answer_reads_back_as_itself(answer: Answer) -> None:
    assert collect(parse_answer(render_answer(answer, created=1))) == answer


@given(answer=answers, cut=st.integers(0, 5))
def test_the_official_client_accepts_what_is_rendered(answer: Answer, cut: int) -> None:
    whole = ChatCompletion.model_validate_json(render_answer(answer, created=1), strict=True)
    renderer = EventRenderer(created=1, include_usage=True)
    wire = b"".join(renderer.render(event) for event in events_of(answer, cut=cut)) + renderer.close()
    *chunks, last = server_events(wire)
    seen = [ChatCompletionChunk.model_validate_json(chunk.data, strict=True) for chunk in chunks]

    said = whole.choices[0].message.content or whole.choices[0].message.refusal or ""
    assert said == answer.text
    assert seen[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in seen[:-1]) == answer.text
    assert seen[-2].choices[0].finish_reason == whole.choices[0].finish_reason
    assert seen[-1].choices == []
    assert seen[-1].usage == whole.usage
    assert last.data == b"[DONE]"
