"""Prompts and answers reach the log only where somebody allowed it."""

from __future__ import annotations

import uuid

import pytest

from fakes.gateway import RunningGateway
from fakes.gitlab import (
    JsonObject,
    call,
    completion,
    component,
    components,
    current_file,
    generation,
    gitlab_headers,
)

VERBOSE = "x-gitlab-enabled-instance-verbose-ai-logs"
FLAGS = "x-gitlab-enabled-feature-flags"
INPUT = "code completion input:"


def canary() -> str:
    """Make a text that nobody else writes."""
    return f"canary_{uuid.uuid4().hex}"


def complete(gateway: RunningGateway, text: str, *, headers: dict[str, str], **members: object) -> str:
    """Ask with this text in the prompt, wait until the request is logged, and give its id."""
    request_id = uuid.uuid4().hex
    body = completion(current_file=current_file(content_above_cursor=text), **members)
    sent = {**gitlab_headers("complete_code"), "X-Request-ID": request_id, **headers}
    assert call(gateway, "/v2/code/completions", body=body, headers=sent).status_code == 200
    gateway.access_line(request_id)
    return request_id


def lines_of(gateway: RunningGateway, request_id: str, *, message: str) -> list[dict[str, object]]:
    found = [line for line in gateway.log_lines() if line.get("correlation_id") == request_id]
    return [line for line in found if line["message"] == message]


def requests_with(text: str) -> dict[str, tuple[str, str, JsonObject]]:
    """Give path, scope and body of each way to bring a text in."""
    file = current_file(content_above_cursor=text)
    message = {"role": "user", "content": text}
    below = component("completion", content_below_cursor=text)
    above = component("completion", content_above_cursor=text, stream=True)
    return {
        "completion": ("/v2/code/completions", "complete_code", completion(current_file=file)),
        "stream": ("/v2/code/completions", "complete_code", completion(current_file=file, stream=True)),
        "generation": ("/v2/code/generations", "generate_code", generation(prompt=[message])),
        "suggestion": ("/v3/code/completions", "complete_code", components(below)),
        "event stream": ("/v4/code/suggestions", "complete_code", components(above)),
        "misfit": ("/v2/code/completions", "complete_code", {"current_file": {"content_above_cursor": text}}),
    }


@pytest.mark.parametrize("kind", requests_with(""))
def test_case_117_no_prompt_is_logged_by_default(mocked_gateway: RunningGateway, kind: str) -> None:
    text, request_id = canary(), uuid.uuid4().hex
    path, scope, body = requests_with(text)[kind]

    answer = call(mocked_gateway, path, body=body, headers={**gitlab_headers(scope), "X-Request-ID": request_id})
    mocked_gateway.access_line(request_id)

    assert answer.status_code == (422 if kind == "misfit" else 200)
    assert text not in mocked_gateway.log_text()
    assert text not in (mocked_gateway.folder / "stderr.txt").read_text()
    assert lines_of(mocked_gateway, request_id, message=INPUT) == []


def test_case_117_a_prompt_is_logged_with_its_key_masked_when_allowed(talkative_gateway: RunningGateway) -> None:
    text, key = canary(), f"key-{canary()}"
    own = {"model_provider": "litellm", "model_name": "codegemma", "model_endpoint": "http://127.0.0.1:9/v1"}

    request_id = complete(talkative_gateway, text, headers={}, **own, model_api_key=key)

    (line,) = lines_of(talkative_gateway, request_id, message=INPUT)
    assert line["api_key"] == "*" * 10
    assert text in str(line)
    assert key not in talkative_gateway.log_text()


def test_case_117_a_call_without_a_key_is_logged_with_none(talkative_gateway: RunningGateway) -> None:
    request_id = complete(talkative_gateway, canary(), headers={})

    (line,) = lines_of(talkative_gateway, request_id, message=INPUT)
    assert "api_key" in line
    assert line["api_key"] is None


def test_the_suggestion_is_logged_when_allowed(talkative_gateway: RunningGateway) -> None:
    request_id = complete(talkative_gateway, canary(), headers={})

    (line,) = lines_of(talkative_gateway, request_id, message="code completion suggestion:")
    assert "mock" in str({name: value for name, value in line.items() if name != "message"})


def test_a_flag_allows_it_where_models_are_not_the_operators_own(mocked_gateway: RunningGateway) -> None:
    text = canary()

    request_id = complete(mocked_gateway, text, headers={FLAGS: "x,expanded_ai_logging"})

    (line,) = lines_of(mocked_gateway, request_id, message=INPUT)
    assert text in str(line)


@pytest.mark.parametrize("header", [VERBOSE, "x-unrelated"])
def test_the_instances_header_alone_does_not_allow_it_there(mocked_gateway: RunningGateway, header: str) -> None:
    text = canary()

    complete(mocked_gateway, text, headers={header: "true"})

    assert text not in mocked_gateway.log_text()


def test_the_instances_header_allows_it_where_models_are_the_operators_own(self_hosted_gateway: RunningGateway) -> None:
    text = canary()

    request_id = complete(self_hosted_gateway, text, headers={VERBOSE: "true"})

    (line,) = lines_of(self_hosted_gateway, request_id, message=INPUT)
    assert text in str(line)


@pytest.mark.parametrize(
    "headers",
    [{}, {VERBOSE: "True"}, {VERBOSE: "1"}, {VERBOSE: ""}, {VERBOSE: "false"}, {FLAGS: "expanded_ai_logging"}],
)
def test_nothing_else_allows_it_there(self_hosted_gateway: RunningGateway, headers: dict[str, str]) -> None:
    text = canary()

    complete(self_hosted_gateway, text, headers=headers)

    assert text not in self_hosted_gateway.log_text()
