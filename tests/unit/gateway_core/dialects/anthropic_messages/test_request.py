from __future__ import annotations

import json
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.dialects.anthropic_messages import parse_request, render_request
from gateway_core.dialects.openai_chat import parse_request as parse_chat_request
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
)
from gateway_core.kernel.errors import RequestInvalid
from unit.gateway_core.dialects.wire_samples import characters, images, json_values, names, texts, tools


def read(**members: object) -> InferenceRequest:
    return parse_request(msgspec.json.encode({"model": "m", "max_tokens": 1, "messages": [], **members}))


def conversation(**members: object) -> Conversation:
    prompt = read(**members).prompt
    assert isinstance(prompt, Conversation)
    return prompt


def written(*messages: Message) -> dict[str, Json]:
    body: dict[str, Json] = msgspec.json.decode(render_request(InferenceRequest("m", Conversation(messages))))
    return body


def rendered(request: InferenceRequest) -> dict[str, Json]:
    body: dict[str, Json] = msgspec.json.decode(render_request(request))
    return body


WEATHER: dict[str, Json] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def test_a_request_from_the_vendors_reference_is_read_whole() -> None:
    body = """
    {
      "model": "claude-sonnet-4-5",
      "max_tokens": 1024,
      "system": [{"type": "text", "text": "Be short.", "cache_control": {"type": "ephemeral"}}],
      "messages": [
        {"role": "user", "content": [
          {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}},
          {"type": "image", "source": {"type": "url", "url": "https://pictures.example/boat.jpg"}},
          {"type": "text", "text": "What is this?"}
        ]},
        {"role": "assistant", "content": [
          {"type": "thinking", "thinking": "Hm.", "signature": "EqQB"},
          {"type": "redacted_thinking", "data": "EmwK"},
          {"type": "text", "text": "I look."},
          {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Oslo"}},
          {"type": "tool_use", "id": "toolu_2", "name": "weather", "input": {}}
        ]},
        {"role": "user", "content": [
          {"type": "tool_result", "tool_use_id": "toolu_1", "content": "rain"},
          {"type": "tool_result", "tool_use_id": "toolu_2", "is_error": true, "content": [
            {"type": "text", "text": "no city"},
            {"type": "image", "source": {"type": "url", "url": "https://pictures.example/map.png"}}
          ]},
          {"type": "text", "text": "And?"}
        ]},
        {"role": "assistant", "content": "Wet."}
      ],
      "tools": [{"name": "weather", "description": "Tell the weather.",
        "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}],
      "tool_choice": {"type": "any", "disable_parallel_tool_use": true},
      "temperature": 1, "top_p": 0.5, "top_k": 5, "stop_sequences": ["END"], "stream": true,
      "thinking": {"type": "enabled", "budget_tokens": 1024},
      "metadata": {"user_id": "u1"}
    }
    """

    assert parse_request(body.encode()) == InferenceRequest(
        "claude-sonnet-4-5",
        Conversation(
            (
                Message("system", (Text("Be short."),)),
                Message(
                    "user",
                    (
                        Image("image/png", "iVBORw0KGgo="),
                        Image(url="https://pictures.example/boat.jpg"),
                        Text("What is this?"),
                    ),
                ),
                Message(
                    "assistant",
                    (
                        Thinking("Hm.", "EqQB"),
                        Thinking("EmwK", redacted=True),
                        Text("I look."),
                        ToolCall("toolu_1", "weather", '{"city": "Oslo"}'),
                        ToolCall("toolu_2", "weather", "{}"),
                    ),
                ),
                Message(
                    "tool",
                    (
                        ToolResult("toolu_1", (Text("rain"),)),
                        ToolResult(
                            "toolu_2", (Text("no city"), Image(url="https://pictures.example/map.png")), is_error=True
                        ),
                    ),
                ),
                Message("user", (Text("And?"),)),
                Message("assistant", (Text("Wet."),)),
            ),
            (Tool("weather", "Tell the weather.", WEATHER),),
            ToolChoice("required", parallel=False),
        ),
        Sampling(1024, 1.0, 0.5, 5, ("END",)),
        stream=True,
        extras={"thinking": {"type": "enabled", "budget_tokens": 1024}, "metadata": {"user_id": "u1"}},
    )


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"messages": [{"role": "robot", "content": "a"}]}, r"messages\[0\].role: 'robot' is not known"),
        ({"messages": [{"role": "user"}]}, r"messages\[0\].content: this member is required"),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "document", "source": {"type": "text", "data": "x"}}]}
                ]
            },
            r"messages\[0\].content\[0\]: a block of type 'document' cannot be translated",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "file"}}]}]},
            r"messages\[0\].content\[0\]: a block of type 'image'",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": {}}]}]},
            r"messages\[0\].content\[0\]: a block of type 'tool_result'",
        ),
        (
            {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "name": "f"}]}]},
            r"messages\[0\].content\[0\]: a block of type 'tool_use' .* a member of it is missing",
        ),
        ({"tool_choice": {"type": "tool"}}, "tool_choice: 'tool' is not known or lacks a name"),
        ({"tools": [{"input_schema": {}}]}, r"tools\[0\].name: this member is required"),
        ({"max_tokens": "9"}, "max_tokens: expected"),
    ],
)
def test_a_wrong_request_is_refused_with_the_member_and_the_cure(members: dict[str, object], said: str) -> None:
    with pytest.raises(RequestInvalid, match=said):
        read(**members)


@pytest.mark.parametrize(
    ("wire", "choice"),
    [
        ({"type": "auto"}, ToolChoice("auto")),
        ({"type": "auto", "disable_parallel_tool_use": False}, ToolChoice("auto", parallel=True)),
        ({"type": "tool", "name": "f"}, ToolChoice("named", "f")),
        ({"type": "none"}, ToolChoice("none")),
    ],
)
def test_every_tool_choice_is_read(wire: dict[str, object], choice: ToolChoice) -> None:
    assert conversation(tool_choice=wire).tool_choice == choice


def test_tools_that_the_vendor_runs_are_kept_beside_ours() -> None:
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}
    ours = {"name": "f", "input_schema": {"type": "object"}}

    request = read(tools=[search, ours], tool_choice={"type": "auto"})

    assert request.extras == {"tools": [search]}
    assert rendered(request)["tools"] == [ours, search]


def test_a_request_without_a_limit_gets_the_default_one() -> None:
    assert written()["max_tokens"] == 4096


def test_what_the_vendor_refuses_is_left_out() -> None:
    request = InferenceRequest(
        "m",
        Conversation(
            (
                Message("system", (Text(" "),)),
                Message("user", (Text("a"), Text("\n"))),
                Message("assistant", (Thinking("unsigned"), Text(""))),
                Message("user", (Text("b"),)),
            ),
            (),
            ToolChoice("required"),
        ),
        Sampling(9, temperature=1.7, seed=3),
    )

    assert rendered(request) == {
        "model": "m",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}],
        "temperature": 1.0,
    }


def test_turns_of_one_side_are_merged_and_tool_results_are_the_users() -> None:
    body = written(
        Message("user", (Text("a"),)),
        Message("assistant", (Text("b"),)),
        Message("assistant", (ToolCall("1", "f", '{"x": 1}'), ToolCall("2", "g", ""))),
        Message("tool", (ToolResult("1", (Text("r"),)),)),
        Message("tool", (ToolResult("2", (), is_error=True),)),
        Message("user", (Text("c"),)),
    )

    assert body["messages"] == [
        {"role": "user", "content": "a"},
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "b"},
                {"type": "tool_use", "id": "1", "name": "f", "input": {"x": 1}},
                {"type": "tool_use", "id": "2", "name": "g", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "1", "content": "r"},
                {"type": "tool_result", "tool_use_id": "2", "is_error": True},
                {"type": "text", "text": "c"},
            ],
        },
    ]


def test_every_system_and_developer_turn_joins_the_system_prompt() -> None:
    body = written(
        Message("system", (Text("a"),)),
        Message("user", (Text("u"),)),
        Message("developer", (Text("b"),)),
        Message("user", (Text("v"),)),
    )

    assert body["system"] == [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "u"}, {"type": "text", "text": "v"}]}
    ]


def test_a_system_turn_among_the_messages_is_read() -> None:
    turns = conversation(system="", messages=[{"role": "system", "content": "s"}, {"role": "user", "content": ""}])

    assert turns.messages == (Message("system", (Text("s"),)), Message("user", ()))


def test_ids_of_other_vendors_are_made_to_fit_on_both_sides() -> None:
    body = written(
        Message("assistant", (ToolCall("functions.f:0", "f", "{}"),)),
        Message("tool", (ToolResult("functions.f:0", ()),)),
    )

    assert body["messages"] == [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "functions_f_0", "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "functions_f_0"}]},
    ]


def test_a_plain_completion_becomes_a_user_turn_and_one_with_a_gap_is_refused() -> None:
    assert rendered(InferenceRequest("m", Completion("a", "")))["messages"] == [{"role": "user", "content": "a"}]
    with pytest.raises(RequestInvalid, match="suffix: model 'm' takes conversations"):
        render_request(InferenceRequest("m", Completion("a", "b")))


def test_a_tool_without_parameters_gets_an_empty_schema() -> None:
    chat = {"model": "m", "messages": [], "tools": [{"type": "function", "function": {"name": "f"}}]}

    assert rendered(parse_chat_request(msgspec.json.encode(chat)))["tools"] == [
        {"name": "f", "input_schema": {"type": "object"}}
    ]


shown = st.builds(Text, texts) | images
arguments = st.dictionaries(st.text(characters), json_values, max_size=2).map(json.dumps)
hidden = names.map(lambda data: Thinking(data, redacted=True))
thoughts = st.builds(Thinking, st.text(characters), names) | hidden
calls = st.builds(ToolCall, id=names, name=names, arguments=arguments)
results = st.builds(ToolResult, call_id=names, content=st.lists(shown, max_size=2).map(tuple), is_error=st.booleans())


def turn(role: str, part: st.SearchStrategy[Part]) -> st.SearchStrategy[Message]:
    return st.builds(Message, st.just(role), st.lists(part, min_size=1, max_size=3).map(tuple))


spoken: st.SearchStrategy[Part] = st.one_of(st.builds(Text, texts), thoughts, calls)
turns = st.one_of(turn("user", shown), turn("assistant", spoken), turn("tool", results))


def dialogue(system: list[Message], turns: list[Message]) -> tuple[Message, ...]:
    """Keep one of each run of turns that have one role, for the wire merges them."""
    kept = [said for said, before in zip(turns, [None, *turns], strict=False) if not before or said.role != before.role]
    return (*system, *kept)


dialogues = st.builds(
    dialogue,
    st.lists(turn("system", st.builds(Text, texts)), max_size=1),
    st.lists(turns, max_size=5),
)
choices = st.none() | st.one_of(
    st.builds(ToolChoice, st.sampled_from(["auto", "required"]), parallel=st.none() | st.booleans()),
    st.builds(ToolChoice, st.just("named"), names, st.none() | st.booleans()),
    st.just(ToolChoice("none")),
)
requests = st.builds(
    InferenceRequest,
    model=st.text(characters, min_size=1),
    prompt=st.one_of(
        st.builds(Conversation, dialogues),
        st.builds(Conversation, dialogues, st.lists(tools, min_size=1, max_size=2).map(tuple), choices),
    ),
    sampling=st.builds(
        Sampling,
        max_tokens=st.integers(1, 10**6),
        temperature=st.none() | st.floats(0, 1),
        top_p=st.none() | st.floats(0, 1),
        top_k=st.none() | st.integers(1, 100),
        stop=st.lists(texts, max_size=3).map(tuple),
    ),
    stream=st.booleans(),
    extras=st.dictionaries(st.sampled_from(["metadata", "thinking", "service_tier"]), json_values),
)


@given(request=requests)
def test_a_request_that_is_written_and_read_is_the_same_request(request: InferenceRequest) -> None:
    assert parse_request(render_request(request)) == request


@given(body=st.dictionaries(st.sampled_from(["model", "messages", "system", "tools", "tool_choice", "x"]), json_values))
def test_any_json_object_is_read_or_refused(body: dict[str, Json]) -> None:
    with suppress(RequestInvalid):
        assert isinstance(parse_request(msgspec.json.encode(body)).prompt, Conversation)
