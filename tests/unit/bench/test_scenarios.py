"""Each target gets the question in its own words, with its own key."""

from __future__ import annotations

import pytest
from bench.requests import CLIENT_KEY
from bench.scenarios import SCENARIOS, Door, Scenario

MODEL_URL = "http://127.0.0.1:9/v1"


def credentials(scenario: Scenario, door: Door) -> set[str]:
    headers = scenario.build_request(door, model_url=MODEL_URL).headers
    shown = {headers.get("authorization", "").removeprefix("Bearer "), headers.get("x-api-key", "")}
    return shown - {""}


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_the_client_key_goes_to_the_gateway_and_never_to_the_model(scenario: Scenario) -> None:
    assert credentials(scenario, Door.GATEWAY) == {CLIENT_KEY}
    assert credentials(scenario, Door.MODEL) == {"sk-bench"}


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_the_model_is_asked_to_stream_where_the_answer_is_read_as_a_stream(scenario: Scenario) -> None:
    body = scenario.build_request(Door.MODEL, model_url=MODEL_URL).body

    assert body.get("stream", False) is scenario.streamed
    assert scenario.marks == (200 if scenario.streamed else 1)


@pytest.mark.parametrize("name", ["chat", "chat100k", "chat_stream", "messages"])
def test_what_passes_through_is_the_same_request_for_everybody(name: str) -> None:
    gateway, model = (SCENARIOS[name].build_request(door, model_url=MODEL_URL) for door in Door)

    assert (gateway.path, gateway.body) == (model.path, model.body)


@pytest.mark.parametrize("name", ["translated", "translated_stream"])
def test_what_is_translated_reaches_the_model_in_the_other_format(name: str) -> None:
    gateway, model = (SCENARIOS[name].build_request(door, model_url=MODEL_URL) for door in Door)

    assert (gateway.path, model.path) == ("/v1/chat/completions", "/v1/messages")
    assert gateway.body["model"] == model.body["model"]
