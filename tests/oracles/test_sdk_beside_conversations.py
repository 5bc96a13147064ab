"""What the SDKs ask beside conversations: models, tokens, embeddings; and parts that only one of them has."""

from __future__ import annotations

from functools import partial

# Any: see where it is used.
from typing import Any

import anthropic
import openai
import pytest

from fakes.gateway import RunningGateway
from fakes.upstream import MockUpstream, Reply, SseFraming
from fakes.upstream_wire import layout_events, load_recording
from oracles import sdk_anthropic, sdk_gemini, sdk_openai
from oracles.clients import DESCRIPTION, WEATHER
from oracles.said import JsonObject, Say
from oracles.vendors import VENDORS, Stage

NAMES = sorted(vendor.model for vendor in VENDORS.values())
TOOL_CALL = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Bern", "days": []}}
# Any: plain JSON, which the SDK's own types are too narrow for.
TOOLS: list[Any] = [{"name": "weather", "description": DESCRIPTION, "input_schema": WEATHER}]
FUNCTIONS: list[Any] = [
    {"type": "function", "function": {"name": "weather", "description": DESCRIPTION, "parameters": WEATHER}}
]

dialects = pytest.mark.parametrize("dialect", VENDORS)


def test_openais_sdk_lists_the_models_and_gets_each(gateway: RunningGateway) -> None:
    sdk = sdk_openai.connect(gateway.url, key=gateway.key, retries=0)

    listed = [model.id for model in sdk.models.list()]

    assert set(NAMES) <= set(listed)
    assert {sdk.models.retrieve(name).id for name in NAMES} == set(NAMES)
    with pytest.raises(openai.NotFoundError):
        sdk.models.retrieve("nobody")


def test_anthropics_sdk_lists_the_models_and_gets_each(gateway: RunningGateway) -> None:
    sdk = sdk_anthropic.connect(gateway.url, key=gateway.key, retries=0)

    listed = [model.id for model in sdk.models.list()]

    assert set(NAMES) <= set(listed)
    assert {sdk.models.retrieve(name).id for name in NAMES} == set(NAMES)
    with pytest.raises(anthropic.NotFoundError):
        sdk.models.retrieve("nobody")


def test_googles_sdk_lists_the_models_and_gets_each(gateway: RunningGateway) -> None:
    sdk = sdk_gemini.connect(gateway.url, key=gateway.key, retries=0)

    listed = [model.name for model in sdk.models.list()]

    assert {f"models/{name}" for name in NAMES} <= set(listed)
    assert sdk.models.get(model=NAMES[0]).name == f"models/{NAMES[0]}"


@dialects
def test_anthropics_sdk_counts_the_tokens_of_every_vendors_model(
    gateway: RunningGateway, stage: Stage, *, dialect: str
) -> None:
    sdk = sdk_anthropic.connect(gateway.url, key=gateway.key, retries=0)

    counted = sdk.messages.count_tokens(
        model=VENDORS[dialect].model, messages=[{"role": "user", "content": "How many tokens are these?"}]
    )

    assert counted.input_tokens > 5
    assert stage.asked == []


@dialects
def test_googles_sdk_counts_the_tokens_of_every_vendors_model(
    gateway: RunningGateway, stage: Stage, *, dialect: str
) -> None:
    sdk = sdk_gemini.connect(gateway.url, key=gateway.key, retries=0)

    counted = sdk.models.count_tokens(model=VENDORS[dialect].model, contents="How many tokens are these?")

    assert (counted.total_tokens or 0) > 5
    assert stage.asked == []


def test_openais_sdk_embeds(gateway: RunningGateway, stage: Stage) -> None:
    sdk = sdk_openai.connect(gateway.url, key=gateway.key, retries=0)

    # The SDK asks for base64 by itself when nothing is said of the form.
    answer = sdk.embeddings.create(model=VENDORS["openai_chat"].model, input=["a", "b"], encoding_format="float")

    assert answer.data[0].embedding == [0.25, -0.5, 0.125]
    [seen] = stage.upstream.requests
    assert seen.json["input"] == ["a", "b"]
    assert seen.json["model"] == VENDORS["openai_chat"].upstream


def test_googles_sdk_embeds(gateway: RunningGateway, stage: Stage) -> None:
    sdk = sdk_gemini.connect(gateway.url, key=gateway.key, retries=0)

    answer = sdk.models.embed_content(model=VENDORS["gemini"].model, contents="a")

    assert answer.embeddings
    assert stage.upstream.requests


@dialects
@pytest.mark.parametrize("fails", [True, False])
def test_a_tool_that_failed_is_told_as_failed(
    gateway: RunningGateway, stage: Stage, *, dialect: str, fails: bool
) -> None:
    """OpenAI's APIs have no word for it: there the gateway refuses, or the text stands alone when asked to drop."""
    stage.says(Say("Sorry."))
    sdk = sdk_anthropic.connect(gateway.url, key=gateway.key, retries=0)
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "no such city", "is_error": fails}
    # Any: plain JSON, which the SDK's own types are too narrow for.
    messages: list[Any] = [
        {"role": "user", "content": "Go."},
        {"role": "assistant", "content": [TOOL_CALL]},
        {"role": "user", "content": [result]},
    ]

    answer = sdk.messages.create(model=VENDORS[dialect].model, max_tokens=16, tools=TOOLS, messages=messages)

    assert answer.content[0].type == "text"
    [asked] = stage.asked
    [told] = asked.results.values()
    assert "no such city" in told.text
    if told.is_error is not None:
        assert told.is_error is fails
    else:
        # Where there is no flag the model must still be able to tell.
        assert (told.text == "no such city") is not fails


def test_a_tool_of_openais_own_is_refused_by_its_kind_and_listed_so_when_it_may_be_left_out(
    gateway: RunningGateway, stage: Stage
) -> None:
    stage.says(Say("Fine."))
    sdk = sdk_openai.connect(gateway.url, key=gateway.key, retries=0)
    model = VENDORS["anthropic_messages"].model
    # Any: see above.
    tools: list[Any] = [{"type": "function", **FUNCTIONS[0]["function"]}, {"type": "web_search"}]

    with pytest.raises(openai.BadRequestError, match=r"tools\[1\] of type 'web_search': for-anthropic-messages has no"):
        sdk.responses.create(model=model, input="Go.", tools=tools)
    allowed = sdk.responses.with_raw_response.create(
        model=model, input="Go.", tools=tools, extra_headers={"x-gateway-unsupported": "drop"}
    )

    assert allowed.headers["x-gateway-dropped"] == "tools[1] of type 'web_search'"
    assert [asked.tools for asked in stage.asked] == [["weather"]]


@dialects
def test_the_switch_against_parallel_calls_arrives_or_is_refused_by_name(
    gateway: RunningGateway, stage: Stage, *, dialect: str
) -> None:
    stage.says(Say("Fine."))
    sdk = sdk_openai.connect(gateway.url, key=gateway.key, retries=0)

    def ask() -> JsonObject:
        sdk.chat.completions.create(
            model=VENDORS[dialect].model,
            messages=[{"role": "user", "content": "Go."}],
            tools=FUNCTIONS,
            parallel_tool_calls=False,
        )
        [asked] = stage.asked
        return asked.body

    match dialect:
        case "openai_chat" | "openai_responses":
            assert ask()["parallel_tool_calls"] is False
        case "anthropic_messages":
            assert ask()["tool_choice"]["disable_parallel_tool_use"] is True
        case "bedrock_converse":
            assert ask()["additionalModelRequestFields"]["tool_choice"]["disable_parallel_tool_use"] is True
        case _:
            with pytest.raises(openai.BadRequestError, match="parallel_tool_calls"):
                ask()


def _recorded(provider: str, case: str) -> Reply:
    events = load_recording(provider, case).events
    body = b"".join(piece.data for piece in layout_events(events, SseFraming()))
    return Reply(body=body, content_type="text/event-stream", transfer="chunked")


def test_thinking_and_its_signature_reach_anthropics_sdk_and_go_back(
    gateway: RunningGateway, stage: Stage, shared_upstream: MockUpstream
) -> None:
    shared_upstream.always(_recorded("anthropic", "chat_reasoning_stream"))
    sdk = sdk_anthropic.connect(gateway.url, key=gateway.key, retries=0)
    model = VENDORS["anthropic_messages"].model

    with sdk.messages.stream(model=model, max_tokens=9, messages=[{"role": "user", "content": "Go."}]) as stream:
        answer = stream.get_final_message()

    thought = answer.content[0]
    assert thought.type == "thinking"
    assert thought.thinking
    assert thought.signature
    sdk.messages.create(
        model=model,
        max_tokens=9,
        messages=[
            {"role": "user", "content": "Go."},
            {"role": "assistant", "content": answer.content},
            {"role": "user", "content": "On."},
        ],
        extra_body={"stream": True},
    )
    sent = stage.upstream.requests[-1].json["messages"][1]["content"][0]
    assert (sent["thinking"], sent["signature"]) == (thought.thinking, thought.signature)


@dialects
def test_an_earlier_response_is_found_by_its_own_vendor_alone(
    gateway: RunningGateway, stage: Stage, *, dialect: str
) -> None:
    stage.says(Say("Fine."))
    sdk = sdk_openai.connect(gateway.url, key=gateway.key, retries=0)

    def ask() -> openai.types.responses.Response:
        return sdk.responses.create(model=VENDORS[dialect].model, input="On.", previous_response_id="resp_1")

    if dialect == "openai_responses":
        assert ask().output_text == "Fine."
        assert stage.asked[0].body["previous_response_id"] == "resp_1"
        return
    with pytest.raises(openai.BadRequestError, match="previous_response_id"):
        ask()


@pytest.mark.parametrize("stream", [False, True])
def test_text_completions_come_from_a_vendor_that_has_them(
    gateway: RunningGateway, stage: Stage, *, stream: bool
) -> None:
    stage.says(Say("return a + b"))
    sdk = sdk_openai.connect(gateway.url, key=gateway.key, retries=0)
    ask = partial(sdk.completions.create, model=VENDORS["openai_chat"].model, prompt="def add(a, b):", max_tokens=9)

    # Any: a partial call has lost which of the SDK's answers it gives.
    pieces: list[Any] = list(ask(stream=True)) if stream else [ask(stream=False)]

    assert "".join(piece.choices[0].text for piece in pieces) == "return a + b"


@pytest.mark.parametrize("dialect", [dialect for dialect in VENDORS if dialect != "openai_chat"])
def test_text_completions_of_a_vendor_without_them_are_no_servers_error_that_is_tried_again(
    gateway: RunningGateway, stage: Stage, *, dialect: str
) -> None:
    sdk = sdk_openai.connect(gateway.url, key=gateway.key, retries=0)

    with pytest.raises(openai.NotFoundError):
        sdk.completions.create(model=VENDORS[dialect].model, prompt="def add(a, b):", max_tokens=9)

    assert stage.asked == []
