from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.dialects.openai_chat import parse_request, render_request, wants_usage
from gateway_core.inference.request import (
    Completion,
    Conversation,
    Image,
    InferenceRequest,
    Json,
    Message,
    Part,
    Sampling,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    conversation_of,
)
from gateway_core.kernel.errors import RequestInvalid
from unit.gateway_core.dialects.wire_samples import characters, images, json_values, names, texts, tools


def read(**members: object) -> InferenceRequest:
    return parse_request(msgspec.json.encode({"model": "m", "messages": [], **members}))


def conversation_read(*messages: object) -> Sequence[Message]:
    prompt = read(messages=messages).prompt
    assert isinstance(prompt, Conversation)
    return prompt.messages


def written(request: InferenceRequest) -> dict[str, Json]:
    body: dict[str, Json] = msgspec.json.decode(render_request(request))
    return body


WEATHER: dict[str, Json] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def test_a_request_from_the_vendors_reference_is_read_whole() -> None:
    body = """
    {
      "model": "gpt-4.1",
      "messages": [
        {"role": "developer", "content": "Be short."},
        {"role": "user", "content": [
          {"type": "text", "text": "What is this?"},
          {"type": "image_url", "image_url": {"url": "https://pictures.example/boat.jpg", "detail": "high"}},
          {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
        ]},
        {"role": "assistant", "content": null, "tool_calls": [
          {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{\\"city\\":\\"Oslo\\"}"}}
        ]},
        {"role": "tool", "tool_call_id": "call_1", "content": "rain"},
        {"role": "user", "content": "And?", "name": "ann"}
      ],
      "tools": [{"type": "function", "function": {"name": "weather", "description": "Tell the weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}],
      "tool_choice": "required",
      "parallel_tool_calls": false,
      "max_completion_tokens": 100,
      "temperature": 0.5,
      "top_p": 1,
      "seed": 7,
      "stop": ["a", "b"],
      "stream": true,
      "stream_options": {"include_usage": true},
      "response_format": {"type": "json_object"},
      "user": "u1"
    }
    """

    request = parse_request(body.encode())

    assert request == InferenceRequest(
        "gpt-4.1",
        Conversation(
            (
                Message("developer", (Text("Be short."),)),
                Message(
                    "user",
                    (
                        Text("What is this?"),
                        Image(url="https://pictures.example/boat.jpg"),
                        Image("image/png", "iVBORw0KGgo="),
                    ),
                ),
                Message("assistant", (ToolCall("call_1", "weather", '{"city":"Oslo"}'),)),
                Message("tool", (ToolResult("call_1", (Text("rain"),)),)),
                Message("user", (Text("And?"),)),
            ),
            (Tool("weather", "Tell the weather.", WEATHER),),
            ToolChoice("required", parallel=False),
        ),
        Sampling(100, 0.5, 1.0, None, ("a", "b"), 7),
        stream=True,
        extras={
            "max_completion_tokens": 100,
            "stream_options": {"include_usage": True},
            "response_format": {"type": "json_object"},
            "user": "u1",
        },
    )
    assert wants_usage(request)


def test_a_stop_may_be_one_string_or_nothing() -> None:
    assert read(stop="x").sampling.stop == ("x",)
    assert read(stop=None).sampling.stop == ()


def test_null_members_are_as_good_as_absent_ones() -> None:
    request = read(stream=None, n=None, max_tokens=None, tools=None, tool_choice=None, parallel_tool_calls=None)

    assert request == InferenceRequest("m", Conversation(()))
    assert not wants_usage(request)


def test_assistant_text_refusal_and_calls_stay_in_order() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    parts = [{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "b"}]

    assert conversation_read({"role": "assistant", "content": parts, "refusal": "c", "tool_calls": [call]}) == (
        Message("assistant", (Text("a"), Text("b"), Text("c"), ToolCall("c", "f", "{}"))),
    )


def test_tool_messages_that_follow_each_other_are_one_turn() -> None:
    first = {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "a"}]}
    second = {"role": "tool", "tool_call_id": "2", "content": ""}

    assert conversation_read(first, second) == (Message("tool", (ToolResult("1", (Text("a"),)), ToolResult("2", ()))),)


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"n": 2}, "n: this gateway gives one answer"),
        ({"messages": [{"role": "robot", "content": "a"}]}, r"messages\[0\].role: 'robot' is not known; send system"),
        ({"messages": [{"role": "user"}]}, r"messages\[0\].content: this member is required"),
        ({"messages": [{"role": "tool", "content": "a"}]}, r"messages\[0\].tool_call_id: a tool message needs"),
        ({"messages": [{"role": "user", "content": 3}]}, r"messages\[0\].content: expected"),
        (
            {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]},
            r"messages\[0\].content\[0\]: a part of type 'input_audio' is not understood",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "x"}]}]},
            r"messages\[0\].tool_calls\[0\]: a tool call needs",
        ),
        ({"tool_choice": "sometimes"}, "tool_choice: 'sometimes' is not known; send auto"),
        ({"tools": [{"type": "function", "function": {}}]}, "function.name: this member is required"),
        ({"max_tokens": "9"}, "max_tokens: expected `int | null`, got `str`"),
    ],
)
def test_a_wrong_request_is_refused_with_the_member_and_the_cure(members: dict[str, object], said: str) -> None:
    with pytest.raises(RequestInvalid, match=said):
        read(**members)


def test_a_stream_always_asks_for_token_counts_and_keeps_the_callers_other_options() -> None:
    asked = read(stream=True, stream_options={"include_usage": False, "include_obfuscation": False})

    assert written(asked)["stream_options"] == {"include_usage": True, "include_obfuscation": False}
    assert written(read(stream=True))["stream_options"] == {"include_usage": True}
    assert "stream_options" not in written(replace(asked, stream=False))


@pytest.mark.parametrize(
    ("model", "extras", "name"),
    [
        ("gpt-4.1", {}, "max_tokens"),
        ("gpt-5-mini", {}, "max_completion_tokens"),
        ("o3", {}, "max_completion_tokens"),
        ("qwen3", {}, "max_tokens"),
        ("qwen3", {"max_completion_tokens": 1}, "max_completion_tokens"),
    ],
)
def test_the_token_limit_goes_by_the_name_that_the_model_or_the_caller_knows(
    model: str, extras: dict[str, Json], name: str
) -> None:
    body = written(InferenceRequest(model, Conversation(()), Sampling(max_tokens=5), extras=extras))

    assert {member for member in body if member.startswith("max_")} == {name}
    assert body[name] == 5


def test_tools_that_are_no_functions_are_kept_beside_those_that_are() -> None:
    function = {"type": "function", "function": {"name": "f"}}
    custom = {"type": "custom", "custom": {"name": "c"}}
    allowed = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [function]}}

    request = read(tools=[custom, function], tool_choice=allowed)

    assert request.extras == {"tools": [custom], "tool_choice": allowed}
    assert written(request)["tools"] == [function, custom]
    assert written(request)["tool_choice"] == allowed


def test_a_tool_choice_without_tools_is_not_sent() -> None:
    assert written(InferenceRequest("m", Conversation((), (), ToolChoice("auto", parallel=True)))) == {
        "model": "m",
        "messages": [],
    }


def test_pictures_of_a_tool_result_follow_in_a_user_turn() -> None:
    results = (ToolResult("1", (Text("see"), Image(url="https://p.example/1"))), ToolResult("2", (Text("b"),)))

    assert written(InferenceRequest("m", Conversation((Message("tool", results),))))["messages"] == [
        {"role": "tool", "tool_call_id": "1", "content": "see"},
        {"role": "tool", "tool_call_id": "2", "content": "b"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://p.example/1"}}]},
    ]


def test_reasoning_of_earlier_turns_is_left_out() -> None:
    turn = Message("assistant", (Thinking("hm", "sig"), Text("a")))

    assert written(InferenceRequest("m", Conversation((turn,))))["messages"] == [{"role": "assistant", "content": "a"}]


def test_a_plain_completion_becomes_a_user_turn_and_one_with_a_gap_is_refused() -> None:
    assert written(InferenceRequest("m", Completion("def f():")))["messages"] == [
        {"role": "user", "content": "def f():"}
    ]
    with pytest.raises(RequestInvalid, match="suffix: model 'm' takes conversations"):
        render_request(InferenceRequest("m", Completion("a", "b")))


def test_the_commonest_request_is_written_as_the_reference_shows_it() -> None:
    request = InferenceRequest("gpt-4.1", conversation_of(system="Be kind.", user="Hello"))

    assert render_request(request) == (
        b'{"model":"gpt-4.1","messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"Hello"}]}'
    )


said = st.lists(st.builds(Text, texts) | images, max_size=3).map(tuple)
heard = st.lists(st.builds(Text, texts), max_size=2).map(tuple)
calls = st.builds(ToolCall, id=names, name=names, arguments=texts)
results = st.builds(ToolResult, call_id=names, content=heard)


def join(spoken: tuple[Part, ...], called: list[ToolCall]) -> tuple[Part, ...]:
    return (*spoken, *called)


turns = st.one_of(
    st.builds(Message, st.sampled_from(["system", "developer", "user"]), said),
    st.builds(Message, st.just("assistant"), st.builds(join, heard, st.lists(calls, max_size=2))),
    st.builds(Message, st.just("tool"), st.lists(results, min_size=1, max_size=2).map(tuple)),
)
dialogues = (
    st.lists(turns, max_size=5)
    .filter(lambda said: all(a.role != "tool" or b.role != "tool" for a, b in pairwise(said)))
    .map(tuple)
)
choices = st.none() | st.one_of(
    st.builds(ToolChoice, st.sampled_from(["auto", "none", "required"]), parallel=st.none() | st.booleans()),
    st.builds(ToolChoice, st.just("named"), names, st.none() | st.booleans()),
)
conversations = st.one_of(
    st.builds(Conversation, dialogues),
    st.builds(Conversation, dialogues, st.lists(tools, min_size=1, max_size=2).map(tuple), choices),
)
samplings = st.builds(
    Sampling,
    max_tokens=st.none() | st.integers(1, 10**6),
    temperature=st.none() | st.floats(0, 2),
    top_p=st.none() | st.floats(0, 1),
    top_k=st.none() | st.integers(1, 100),
    stop=st.lists(texts, max_size=3).map(tuple),
    seed=st.none() | st.integers(0, 2**31),
)
requests = st.builds(
    InferenceRequest,
    model=st.text(characters, min_size=1),
    prompt=conversations,
    sampling=samplings,
    extras=st.dictionaries(st.sampled_from(["user", "metadata", "response_format", "logprobs"]), json_values),
)


@given(request=requests, stream=st.booleans())
def test_a_request_that_is_written_and_read_is_the_same_request(request: InferenceRequest, *, stream: bool) -> None:
    if stream:
        request = replace(request, stream=True, extras={**request.extras, "stream_options": {"include_usage": True}})

    assert parse_request(render_request(request)) == request


@given(body=st.dictionaries(st.sampled_from(["model", "messages", "tools", "stop", "n", "x"]), json_values))
def test_any_json_object_is_read_or_refused(body: dict[str, Json]) -> None:
    with suppress(RequestInvalid):
        assert isinstance(parse_request(msgspec.json.encode(body)).prompt, Conversation)
