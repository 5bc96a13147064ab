"""What was lost is named by what the caller wrote, where the caller wrote it."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway_core.dialects.callers import VOCABULARIES, CallersWords
from gateway_core.inference.losses import Losses
from gateway_core.inference.request import Conversation, Json
from gateway_core.kernel.errors import FeatureUnsupported
from matrix.named import leads_somewhere
from matrix.vendors import ANTHROPIC, BEDROCK, CHAT, GEMINI, NAMES, RESPONSES, VENDORS, Name
from unit.gateway_core.dialects.crossing_samples import EVERYTHING, MODELS, requests_of

CALLERS: tuple[Name, ...] = (CHAT, RESPONSES, ANTHROPIC, GEMINI)
PAIRS = [(caller, vendor) for caller, vendor in product(CALLERS, NAMES) if caller != vendor]
ASKED: Json = [{"role": "user", "content": "Go."}]
PARTS: Json = [{"parts": [{"text": "Go."}]}]
ADDRESS = "https://a.example/1.png"
CACHED: Json = {"type": "text", "text": "b", "cache_control": {"type": "ephemeral"}}
RESULT: Json = {"type": "tool_result", "tool_use_id": "c", "content": "12"}
HELD: Json = {"type": "document", "source": {"type": "file", "file_id": "file_1"}}
CALL: Json = {"type": "tool_use", "id": "c", "name": "f", "input": {}}
CALLED: Json = {"role": "assistant", "content": [CALL]}
ANSWERED: Json = {"role": "user", "content": [RESULT, CACHED]}
PICTURE: Json = {"type": "image_url", "image_url": {"url": ADDRESS}}
CALLED_TWICE: list[Json] = [
    {"role": "user", "content": "Go."},
    {
        "role": "assistant",
        "tool_calls": [
            {"id": call_id, "type": "function", "function": {"name": "f", "arguments": "{}"}} for call_id in ("c", "d")
        ],
    },
    {"role": "tool", "tool_call_id": "c", "content": "12"},
]
PICTURED: Json = {"role": "tool", "tool_call_id": "d", "content": [PICTURE]}
FREE: Json = {"type": "custom", "custom": {"name": "patch"}}
FUNCTION: dict[str, Json] = {"name": "f", "parameters": {"type": "object"}}


def written(caller: Name, **members: Json) -> bytes:
    """Write a body of a caller, with the least that it needs."""
    least: dict[Name, dict[str, Json]] = {
        CHAT: {"messages": ASKED},
        RESPONSES: {"input": "Go."},
        ANTHROPIC: {"messages": ASKED, "max_tokens": 99},
        GEMINI: {"contents": PARTS},
    }
    return msgspec.json.encode({"model": "m"} | least[caller] | members)


def lost(caller: Name, vendor: Name, body: bytes, *, model: str = "") -> list[str]:
    """Name what is left out on the way."""
    losses = Losses("the other side", drop=True, words=CallersWords(caller, lambda: body))
    request = VENDORS[caller].parse_request(body, model="m", stream=False)
    VENDORS[vendor].dialect.render_request(replace(request, model=model or MODELS[vendor]), losses)
    return losses.dropped


@pytest.mark.parametrize(("caller", "vendor"), PAIRS)
@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_every_name_leads_to_a_place_in_the_callers_body(caller: Name, vendor: Name, data: st.DataObject) -> None:
    request = data.draw(requests_of(EVERYTHING, dialect=caller))
    body = VENDORS[caller].dialect.render_request(request, Losses("the caller", drop=True))

    names = lost(caller, vendor, body)

    decoded: Json = msgspec.json.decode(body)
    assert [name for name in names if not leads_somewhere(name, decoded)] == []


@pytest.mark.parametrize("caller", CALLERS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_every_message_of_ours_has_its_place_and_every_part_that_is_told(caller: Name, data: st.DataObject) -> None:
    request = data.draw(requests_of(EVERYTHING, dialect=caller))
    body = VENDORS[caller].dialect.render_request(request, Losses("the caller", drop=True))

    places = VOCABULARIES[caller].find_places(body)

    read = VENDORS[caller].parse_request(body).prompt
    assert isinstance(read, Conversation)
    assert len(places.messages) == len(read.messages)
    assert len(places.tools) == len(read.tools)
    told = [(spot.parts, message) for spot, message in zip(places.messages, read.messages, strict=True) if spot.parts]
    assert all(len(parts) == len(message.parts) for parts, message in told)
    shown = [message for message in read.messages if message.role == "user" and message.parts[1:]]
    assert len([message for _, message in told if message.role == "user" and message.parts[1:]]) == len(shown)


@pytest.mark.parametrize(
    ("caller", "vendor", "members", "named"),
    [
        (CHAT, GEMINI, {"tools": [{"type": "function", "function": FUNCTION}], "parallel_tool_calls": False}, None),
        (RESPONSES, GEMINI, {"tools": [{"type": "function", **FUNCTION}], "parallel_tool_calls": False}, None),
        (
            ANTHROPIC,
            GEMINI,
            {
                "tools": [{"name": "f", "input_schema": {"type": "object"}}],
                "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
            },
            "tool_choice.disable_parallel_tool_use",
        ),
        (CHAT, ANTHROPIC, {"response_format": {"type": "json_object"}}, "response_format: json"),
        (RESPONSES, ANTHROPIC, {"text": {"format": {"type": "json_object"}}}, "text.format: json"),
        (GEMINI, ANTHROPIC, {"generationConfig": {"seed": 1}}, "generationConfig.seed"),
        (GEMINI, RESPONSES, {"generationConfig": {"stopSequences": ["a"]}}, "generationConfig.stopSequences"),
        (GEMINI, RESPONSES, {"generation_config": {"stop_sequences": ["a"]}}, "generation_config.stop_sequences"),
        (ANTHROPIC, RESPONSES, {"stop_sequences": ["a"]}, "stop_sequences"),
        (CHAT, RESPONSES, {"max_tokens": 1}, "max_tokens below 16"),
        (CHAT, RESPONSES, {"max_completion_tokens": 1}, "max_completion_tokens below 16"),
        (ANTHROPIC, GEMINI, {"metadata": {"user_id": "u"}}, "metadata.user_id"),
        (CHAT, GEMINI, {"safety_identifier": "u"}, "safety_identifier"),
        (ANTHROPIC, CHAT, {"thinking": {"type": "enabled", "budget_tokens": 2000}}, "thinking.budget_tokens"),
    ],
)
def test_a_wish_is_named_by_the_callers_member(
    caller: Name, vendor: Name, members: dict[str, Json], named: str | None
) -> None:
    assert lost(caller, vendor, written(caller, **members)) == [named or "parallel_tool_calls"]


def test_the_refusal_itself_names_the_callers_member() -> None:
    losses = Losses("it", words=CallersWords(CHAT, lambda: written(CHAT, max_tokens=1)))

    with pytest.raises(FeatureUnsupported, match=r"^max_tokens: it has no way to say this \(because\)"):
        losses.cannot("max_tokens", "because")


@pytest.mark.parametrize(
    ("caller", "vendor", "members", "named"),
    [
        (
            ANTHROPIC,
            CHAT,
            {"messages": [{"role": "user", "content": [RESULT, {"type": "text", "text": "b"}, HELD]}]},
            "messages[0].content[2]: document by file_id",
        ),
        (
            ANTHROPIC,
            CHAT,
            {"system": "Be brief.", "messages": [CALLED, ANSWERED, {"role": "user", "content": [HELD]}]},
            "messages[2].content[0]: document by file_id",
        ),
        (
            RESPONSES,
            BEDROCK,
            {
                "instructions": "Be brief.",
                "input": [
                    {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
                    {"type": "function_call", "call_id": "d", "name": "f", "arguments": "{}"},
                    {"type": "function_call_output", "call_id": "c", "output": "12"},
                    {"type": "function_call_output", "call_id": "d", "output": "13"},
                    {
                        "role": "user",
                        "content": [
                            {"type": "input_text", "text": "a"},
                            {"type": "input_image", "image_url": ADDRESS},
                        ],
                    },
                ],
            },
            "input[4].content[1]: image by URL",
        ),
        (
            CHAT,
            BEDROCK,
            {
                "messages": [
                    {"role": "system", "content": "Be brief."},
                    {"role": "user", "content": [{"type": "text", "text": "a"}, PICTURE]},
                ]
            },
            "messages[1].content[1]: image by URL",
        ),
        (CHAT, BEDROCK, {"messages": [*CALLED_TWICE, PICTURED]}, "messages[3]: image by URL"),
        (
            GEMINI,
            ANTHROPIC,
            {
                "systemInstruction": {"parts": [{"text": "Be brief."}]},
                "contents": [
                    {"role": "model", "parts": [{"text": "a"}]},
                    {"role": "model", "parts": [{"text": "b"}]},
                    {"role": "user", "parts": [{"inlineData": {"mimeType": "audio/wav", "data": "UklGRg=="}}]},
                ],
            },
            "contents[2]: audio",
        ),
        (
            GEMINI,
            BEDROCK,
            {"contents": [{"parts": [{"text": "a"}, {"fileData": {"mimeType": "image/png", "fileUri": ADDRESS}}]}]},
            "contents[0].parts[1]: image by URL",
        ),
        (
            CHAT,
            RESPONSES,
            {"tools": [FREE, {"type": "function", "function": FUNCTION, "cache_control": {"type": "ephemeral"}}]},
            "tools[1]: cache_control",
        ),
    ],
)
def test_a_place_is_the_one_in_the_callers_body(
    caller: Name, vendor: Name, members: dict[str, Json], named: str
) -> None:
    assert named in lost(caller, vendor, written(caller, **members))


@pytest.mark.parametrize(
    ("caller", "vendor", "tools", "named"),
    [
        (
            RESPONSES,
            CHAT,
            [
                {"type": "function", **FUNCTION},
                {"type": "web_search"},
                {"type": "mcp", "server_label": "docs"},
                {"type": "namespace", "name": "files", "tools": []},
            ],
            "tools[1] of type 'web_search', tools[2] of type 'mcp' named 'docs', tools[3] of type 'namespace' named 'files'",
        ),
        (
            ANTHROPIC,
            CHAT,
            [{"type": "bash_20250124", "name": "bash"}, {"name": "f", "input_schema": {"type": "object"}}],
            "tools[0] of type 'bash_20250124' named 'bash'",
        ),
        (CHAT, ANTHROPIC, [FREE], "tools[0] of type 'custom' named 'patch'"),
        (GEMINI, CHAT, [{"googleSearch": {}, "functionDeclarations": [{"name": "f"}]}], "tools[0].googleSearch"),
    ],
)
def test_a_tool_of_the_vendors_own_is_named_by_its_kind_and_name(
    caller: Name, vendor: Name, tools: Json, named: str
) -> None:
    assert lost(caller, vendor, written(caller, tools=tools)) == [named]


def test_what_a_caller_of_plain_completions_wrote_is_the_prompt() -> None:
    words = CallersWords("openai_completions", lambda: b'{"model":"m","prompt":"a"}')

    assert [words(name) for name in ("suffix", "messages[0]: a", "tools[0]")] == ["suffix", "prompt: a", "tools"]


def test_instructions_are_named_as_such_and_an_input_of_one_text_as_a_whole() -> None:
    words = CallersWords(RESPONSES, lambda: written(RESPONSES, instructions="a", input="b"))

    assert [words(f"messages[{number}]: thing") for number in range(2)] == ["instructions: thing", "input: thing"]


def test_an_operation_without_words_of_its_own_keeps_ours() -> None:
    def body() -> bytes:
        raise AssertionError

    assert CallersWords("raw", body)("tool_choice.parallel") == "tool_choice.parallel"


def test_what_a_provider_leaves_out_of_every_message_is_named_by_the_callers_member() -> None:
    body = written(ANTHROPIC, messages=[{"role": "user", "content": [CACHED]}])
    words = CallersWords(ANTHROPIC, lambda: body)

    assert [words(f"messages.{name}") for name in ("cache_control", "reasoning_content", "name")] == [
        "messages: cache_control",
        "messages: thinking",
        "messages: name",
    ]


def test_what_a_long_conversation_loses_everywhere_is_found_by_reading_the_body_once() -> None:
    turns: list[Json] = [{"role": "user", "content": [CACHED]} for _ in range(500)]
    body = written(ANTHROPIC, messages=turns)
    bodies = iter([body])
    words = CallersWords(ANTHROPIC, lambda: next(bodies))

    names = [words(f"messages[{number}].content[0].cache") for number in range(500)]

    assert names[-1] == "messages[499].content[0]: cache_control"
    assert next(bodies, None) is None


@given(name=st.text(max_size=30) | st.sampled_from(["messages[9].content[9]: a", "tools[7].x", "messages[99]", "."]))
@pytest.mark.parametrize("caller", CALLERS)
def test_no_name_is_too_odd_to_be_said(caller: Name, name: str) -> None:
    assert CallersWords(caller, lambda: written(caller))(name) or not name
