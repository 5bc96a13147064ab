from __future__ import annotations

from dataclasses import replace

import pytest

from gateway_core.dialects.openai_responses import parse_request, render_request
from gateway_core.inference.losses import Losses
from gateway_core.inference.request import (
    AnswerFormat,
    CacheMark,
    Citation,
    Completion,
    Conversation,
    Document,
    Image,
    InferenceRequest,
    Json,
    Media,
    Message,
    Part,
    Reasoning,
    Refusal,
    Sampling,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from gateway_core.kernel.errors import FeatureUnsupported
from unit.gateway_core.dialects.openai_responses.samples import parsed, rendered


def parsed_role(role: str, parts: tuple[Part, ...]) -> Message:
    match role:
        case "system" | "developer" | "user" | "assistant" | "tool" as known:
            return Message(known, parts)
    raise AssertionError(role)


def foreign(*parts: Part, role: str = "user", model: str = "m") -> InferenceRequest:
    return InferenceRequest(model, Conversation((parsed_role(role, parts),)))


def items_of(request: InferenceRequest, losses: Losses | None = None) -> list[Json]:
    items = rendered(request, losses)["input"]
    assert isinstance(items, list)
    return items


def test_the_first_system_message_is_the_instructions() -> None:
    messages = (Message("system", (Text("a"),)), Message("system", (Text("b"),)), Message("user", (Text("c"),)))

    body = rendered(InferenceRequest("m", Conversation(messages)))

    assert body["instructions"] == "a"
    assert body["input"] == [
        {"type": "message", "role": "system", "content": "b"},
        {"type": "message", "role": "user", "content": "c"},
    ]


def test_another_dialects_caller_has_nothing_stored_unless_asked() -> None:
    assert rendered(foreign(Text("a")))["store"] is False
    assert "store" not in rendered(parsed())
    chat = replace(foreign(Text("a")), dialect="openai_chat", extras={"store": True, "verbosity": "low"})
    assert (rendered(chat)["store"], rendered(chat)["text"]) == (True, {"verbosity": "low"})


def test_members_that_both_of_openais_dialects_know_are_no_losses() -> None:
    losses = Losses("test")
    extras: dict[str, Json] = {"metadata": {"a": "b"}, "service_tier": "flex", "prompt_cache_key": "k", "n": 1}
    request = replace(foreign(Text("a")), dialect="openai_chat", extras=extras)

    body = rendered(request, losses)

    assert losses.dropped == []
    assert {name: body[name] for name in ("metadata", "service_tier", "prompt_cache_key")} == {
        "metadata": {"a": "b"},
        "service_tier": "flex",
        "prompt_cache_key": "k",
    }


@pytest.mark.parametrize(
    ("sampling", "named"),
    [
        (Sampling(stop=("x",)), "stop"),
        (Sampling(top_k=5), "top_k"),
        (Sampling(seed=0), "seed"),
        (Sampling(frequency_penalty=0.5), "frequency_penalty"),
        (Sampling(presence_penalty=-0.5), "presence_penalty"),
    ],
)
def test_sampling_that_has_no_word_here_is_refused_by_name(sampling: Sampling, named: str) -> None:
    request = replace(foreign(Text("a")), sampling=sampling)

    with pytest.raises(FeatureUnsupported) as failure:
        render_request(request)
    assert failure.value.feature == named

    losses = Losses("test", drop=True)
    render_request(request, losses)
    assert losses.dropped == [named]


@pytest.mark.parametrize(
    ("part", "role", "named"),
    [
        (Media("audio", "audio/wav", "aWk="), "user", "messages[0]: audio"),
        (Media("video", "video/mp4", url="u"), "user", "messages[0]: video"),
        (Document("application/pdf", "aWk=", context="c"), "user", "messages[0]: context of a document"),
        (Document("application/pdf", "aWk=", citable=True), "user", "messages[0]: citations of a document"),
        (Image("image/png", "aWk="), "assistant", "messages[0]: image said by the assistant"),
    ],
)
def test_parts_that_cannot_be_said_here_are_refused_by_name(part: Part, role: str, named: str) -> None:
    with pytest.raises(FeatureUnsupported) as failure:
        render_request(foreign(part, role=role))
    assert failure.value.feature == named

    losses = Losses("test", drop=True)
    render_request(foreign(Text("a"), part, role=role), losses)
    assert losses.dropped == [named]


def test_a_text_with_a_gap_is_refused_and_one_without_is_a_turn_of_the_user() -> None:
    with pytest.raises(FeatureUnsupported) as failure:
        render_request(InferenceRequest("m", Completion("a", "b")))

    assert failure.value.feature == "suffix"
    assert items_of(InferenceRequest("m", Completion("a"))) == [{"type": "message", "role": "user", "content": "a"}]


def test_hints_that_have_no_place_here_are_listed() -> None:
    losses = Losses("test")
    tool = Tool("f", "", {"type": "object"}, cache=CacheMark())
    said = Text("a", CacheMark(), (Citation(quote="q"),))
    messages = (
        Message("user", (Text("a", CacheMark()),), name="bob"),
        Message("assistant", (said, ToolCall("a", "f", "{}", "proof", CacheMark()))),
    )

    render_request(InferenceRequest("gpt-4.1", Conversation(messages, (tool,))), losses)

    assert losses.dropped == [
        "messages[0].name",
        "messages[0]: cache mark",
        "messages[1]: cache mark",
        "messages[1]: citations",
        "messages[1]: signature of a tool call",
        "tools[0]: cache mark",
    ]


@pytest.mark.parametrize("model", ["gpt-5.6", "gpt-5.10-mini", "gpt-6-astra", "openai/gpt-6.1-sol"])
def test_cache_marks_reach_the_models_that_take_them(model: str) -> None:
    result = ToolResult("a", (Text("x"),), cache=CacheMark("1h"))
    request = InferenceRequest(
        model, Conversation((Message("user", (Text("a", CacheMark("5m")),)), Message("tool", (result,))))
    )

    assert items_of(request) == [
        {
            "type": "message",
            "role": "user",
            "content": [
                {
                    "type": "input_text",
                    "text": "a",
                    "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"},
                }
            ],
        },
        {
            "type": "function_call_output",
            "call_id": "a",
            "output": [
                {
                    "type": "input_text",
                    "text": "x",
                    "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"},
                }
            ],
        },
    ]


def test_a_function_that_says_nothing_of_strictness_is_not_made_strict() -> None:
    tool = Tool("f", "d", {"type": "object"})
    request = InferenceRequest("m", Conversation((Message("user", (Text("a"),)),), (tool,), ToolChoice("named", "f")))

    body = rendered(request)

    assert body["tools"] == [
        {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}, "strict": False}
    ]
    assert body["tool_choice"] == {"type": "function", "name": "f"}


def test_a_choice_without_tools_is_left_out() -> None:
    request = InferenceRequest("m", Conversation((Message("user", (Text("a"),)),), (), ToolChoice("none")))

    assert "tool_choice" not in rendered(request)


def test_a_failed_tool_is_marked() -> None:
    request = foreign(ToolResult("a", (Text("boom"),), is_error=True), role="tool")

    assert items_of(request) == [
        {"type": "function_call_output", "call_id": "a", "output": "boom", "status": "incomplete"}
    ]


def test_ids_that_are_too_long_are_shortened_and_stay_apart() -> None:
    calls = [ToolCall("x" * 70 + end, "f", "{}") for end in ("a", "b")]
    results = [ToolResult(call.id, (Text("r"),)) for call in calls]
    request = InferenceRequest("m", Conversation((Message("assistant", tuple(calls)), Message("tool", tuple(results)))))

    ids = [item["call_id"] for item in items_of(request) if isinstance(item, dict)]

    assert ids[:2] == ids[2:]
    assert len(set(ids)) == 2
    assert all(isinstance(own, str) and len(own) <= 64 for own in ids)


@pytest.mark.parametrize(
    ("model", "wish", "expected"),
    [
        ("gpt-5.1", Reasoning(enabled=False), {"effort": "none"}),
        ("gpt-5", Reasoning(enabled=False), {"effort": "minimal"}),
        ("gpt-5-mini-2025-08-07", Reasoning(enabled=False), {"effort": "minimal"}),
        ("gpt-4.1", Reasoning(enabled=False), None),
        ("m", Reasoning(effort="xhigh", summary="detailed"), {"effort": "xhigh", "summary": "detailed"}),
        ("m", Reasoning(enabled=True, budget=1024), {"effort": "low"}),
        ("m", Reasoning(enabled=True, budget=8000), {"effort": "medium"}),
        ("m", Reasoning(enabled=True, budget=32000), {"effort": "high"}),
        ("m", Reasoning(enabled=True, budget=32000, effort="low"), {"effort": "low"}),
        ("m", Reasoning(adaptive=True, summary="none"), {"summary": None}),
    ],
)
def test_the_wish_to_reason_is_told_in_the_models_words(model: str, wish: Reasoning, expected: Json) -> None:
    assert rendered(replace(foreign(Text("a"), model=model), reasoning=wish)).get("reasoning") == expected


def test_a_model_that_always_reasons_cannot_be_told_not_to() -> None:
    with pytest.raises(FeatureUnsupported, match="always reasons"):
        render_request(replace(foreign(Text("a"), model="o3"), reasoning=Reasoning(enabled=False)))


@pytest.mark.parametrize(
    ("model", "wish", "asked"),
    [
        ("gpt-5.1", None, True),
        ("o4-mini", None, True),
        ("m", Reasoning(effort="low"), True),
        ("m", None, False),
        ("m", Reasoning(enabled=False), False),
        ("gpt-4.1", Reasoning(effort="low"), False),
        ("gpt-5-chat-latest", None, False),
    ],
)
def test_reasoning_is_asked_for_in_a_form_that_can_be_sent_back(
    model: str,
    wish: Reasoning | None,
    asked: bool,  # noqa: FBT001 - a row of the table
) -> None:
    body = rendered(replace(foreign(Text("a"), model=model), reasoning=wish))

    assert (body.get("include") == ["reasoning.encrypted_content"]) is asked


def test_thoughts_up_to_a_seal_are_one_item() -> None:
    thoughts = (Thinking("a"), Thinking("b", "gAAAAx"), Thinking("c"), Thinking("", redacted=False), Thinking("d"))

    assert items_of(foreign(*thoughts, role="assistant"))[0] == {
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}],
        "encrypted_content": "gAAAAx",
    }


def test_thoughts_without_a_proof_go_to_open_models_as_they_write_them() -> None:
    assert items_of(foreign(Thinking("a"), Text("b"), role="assistant"))[0] == {
        "type": "reasoning",
        "id": "rs_unnamed_0",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": "a"}],
    }


def test_an_answer_of_several_texts_goes_out_as_one_text() -> None:
    [item] = items_of(foreign(Text("Let me"), Text(" look."), role="assistant"))

    assert item == {"type": "message", "role": "assistant", "content": "Let me look."}


def test_what_text_cannot_say_of_an_answer_goes_out_as_the_vendors_own_item() -> None:
    cited = Text("b", citations=(Citation(url="https://a.example", title="A", text_start=0, text_end=1),))

    items = items_of(foreign(Text("a"), cited, ToolCall("c", "f", "{}"), Refusal("no"), role="assistant"))

    assert [item["type"] for item in items if isinstance(item, dict)] == ["message", "function_call", "message"]
    said, _, refused = items
    assert isinstance(said, dict)
    assert (said["id"], said["status"]) == ("msg_unnamed_0", "completed")
    assert isinstance(said["content"], list)
    assert said["content"][0] == {"type": "output_text", "text": "a", "annotations": []}
    assert refused == {
        "type": "message",
        "id": "msg_unnamed_2",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "refusal", "refusal": "no"}],
    }


def test_how_closely_to_look_at_a_picture_is_always_said_and_the_usual_is_read_as_nothing() -> None:
    request = foreign(Text("a"), Image(url="https://a.example/1.png"))

    [item] = items_of(request)

    assert isinstance(item, dict)
    assert isinstance(item["content"], list)
    assert item["content"][1] == {"type": "input_image", "image_url": "https://a.example/1.png", "detail": "auto"}
    assert parse_request(render_request(request)).prompt == request.prompt


@pytest.mark.parametrize(
    "thought",
    [Thinking("a"), Thinking("a", "ErUBsignature"), Thinking("opaque", redacted=True), Thinking("a", id="rs_1")],
)
def test_openais_models_are_not_sent_the_thoughts_of_others(thought: Thinking) -> None:
    losses = Losses("test")

    items = items_of(foreign(thought, Text("b"), role="assistant", model="gpt-5.1"), losses)

    assert items == [{"type": "message", "role": "assistant", "content": "b"}]
    assert losses.dropped == ["messages[0]: thinking of another model"]


def test_a_limit_below_the_vendors_least_is_raised_and_reported() -> None:
    losses = Losses("test")

    body = rendered(replace(foreign(Text("a")), sampling=Sampling(1)), losses)

    assert body["max_output_tokens"] == 16
    assert losses.dropped == ["max_tokens below 16"]


def test_probabilities_are_asked_for_with_both_members() -> None:
    body = rendered(replace(foreign(Text("a")), sampling=Sampling(logprobs=3)))

    assert (body["top_logprobs"], body["include"]) == (3, ["message.output_text.logprobs"])


def test_a_long_name_of_a_user_is_sent_as_its_digest() -> None:
    losses = Losses("test")
    sent = [rendered(replace(foreign(Text("a")), user="u" * 150 + end), losses) for end in ("a", "b", "b")]

    names_sent = [body["safety_identifier"] for body in sent]
    assert names_sent[0] != names_sent[1] == names_sent[2]
    assert all(isinstance(name, str) and len(name) == 64 for name in names_sent)
    assert losses.dropped == ["user: a long name is sent as its digest"]


def test_a_form_without_a_name_gets_one_and_loses_it_again() -> None:
    request = replace(foreign(Text("a")), answer_format=AnswerFormat("schema", {"type": "object"}))

    again = parse_request(render_request(request))

    assert rendered(request)["text"] == {
        "format": {"type": "json_schema", "name": "gateway_answer", "schema": {"type": "object"}}
    }
    assert again.answer_format == request.answer_format


def test_parts_in_turns_where_they_are_unusual_are_still_said() -> None:
    messages = (
        Message("user", (ToolResult("a", (Text("r"),)), Text("b"), Refusal("c"))),
        Message("tool", (Text("d"),)),
        Message("user", ()),
        Message("tool", ()),
    )

    assert items_of(InferenceRequest("m", Conversation(messages))) == [
        {"type": "function_call_output", "call_id": "a", "output": "r"},
        {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "b"}, {"type": "input_text", "text": "c"}],
        },
        {"type": "message", "role": "user", "content": "d"},
        {"type": "message", "role": "user", "content": ""},
    ]
