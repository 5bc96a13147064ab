"""What comes from any client may go to any vendor: nothing breaks, and the text arrives."""

from __future__ import annotations

from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.dialects import anthropic_messages, openai_chat, openai_completions
from gateway_core.inference.collect import collect
from gateway_core.inference.events import (
    Finished,
    Started,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    UsageReported,
)
from gateway_core.inference.request import (
    Conversation,
    InferenceRequest,
    Message,
    Part,
    Sampling,
    Text,
    Thinking,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from unit.gateway_core.dialects.wire_samples import (
    StreamParser,
    characters,
    images,
    names,
    parse_stream,
    texts,
    tools,
    usages,
)

CHATS = [openai_chat, anthropic_messages]

anything = st.text(characters, max_size=8)
parts: st.SearchStrategy[Part] = st.one_of(
    st.builds(Text, anything),
    images,
    st.builds(Thinking, anything, anything, st.booleans()),
    st.builds(ToolCall, texts, texts, anything),
    st.builds(ToolResult, texts, st.lists(st.builds(Text, anything) | images, max_size=2).map(tuple), st.booleans()),
)
messages = st.builds(
    Message,
    st.sampled_from(["system", "developer", "user", "assistant", "tool"]),
    st.lists(parts, max_size=3).map(tuple),
)
requests = st.builds(
    InferenceRequest,
    model=texts,
    prompt=st.builds(
        Conversation,
        st.lists(messages, max_size=4).map(tuple),
        st.lists(tools, max_size=1).map(tuple),
        st.none() | st.builds(ToolChoice, st.sampled_from(["auto", "none", "required", "named"]), names, st.booleans()),
    ),
    sampling=st.builds(Sampling, st.none() | st.integers(1, 9), st.none() | st.floats(0, 2)),
    stream=st.booleans(),
)
finishes = st.sampled_from(
    ["stop", "length", "tool_calls", "content_filter", "stop_sequence", "refusal", "pause", "unknown"]
)
deltas: st.SearchStrategy[StreamEvent] = st.one_of(
    st.builds(Started, anything, anything),
    st.builds(TextDelta, anything),
    st.builds(ThinkingDelta, anything, anything, st.booleans()),
    st.builds(ToolCallDelta, st.integers(0, 2), anything, anything, anything),
    st.builds(UsageReported, usages),
    st.builds(Finished, finishes, anything, anything),
)


@pytest.mark.parametrize("dialect", CHATS)
@given(request=requests)
def test_any_conversation_can_be_written_in_any_chat_dialect_and_read_again(
    dialect: ModuleType, request: InferenceRequest
) -> None:
    read = dialect.parse_request(dialect.render_request(request))

    assert isinstance(read.prompt, Conversation)
    assert (read.model, read.stream) == (request.model, request.stream)


@given(events=st.lists(deltas, max_size=8), end=finishes)
def test_any_events_become_a_whole_stream_of_any_dialect(events: list[StreamEvent], end: str) -> None:
    ended = [*events, Finished("stop", end)]
    text = collect(ended).text

    chat = openai_chat.EventRenderer(created=1, include_usage=True)
    plain = openai_completions.EventRenderer(created=1, include_usage=True)
    messages = anthropic_messages.EventRenderer()
    wires: list[tuple[StreamParser, bytes]] = [
        (openai_chat.EventParser(), b"".join(chat.render(event) for event in ended) + chat.close()),
        (openai_completions.EventParser(), b"".join(plain.render(event) for event in ended) + plain.close()),
        (anthropic_messages.EventParser(), b"".join(messages.render(event) for event in ended) + messages.close()),
    ]

    for parser, wire in wires:
        read = parse_stream(parser, wire)
        assert collect(read).text == text
        assert sum(isinstance(event, Finished) for event in read) == 1
        assert parser.finished


@pytest.mark.parametrize("dialect", [openai_chat, openai_completions, anthropic_messages])
@given(events=st.lists(deltas, max_size=8))
def test_any_answer_can_be_written_whole_in_any_dialect_and_read_again(
    dialect: ModuleType, events: list[StreamEvent]
) -> None:
    answer = collect(events)

    assert collect(dialect.parse_answer(dialect.render_answer(answer, created=1))).text == answer.text
