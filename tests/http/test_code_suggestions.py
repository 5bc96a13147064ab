"""Code suggestions of the third and fourth version: components in, the answer key by key."""

from __future__ import annotations

import time

import httpx
import pytest

from fakes.gateway import RunningGateway
from fakes.gitlab import JsonObject, call, component, components, gitlab_headers
from fakes.upstream import MockUpstream, Reply

PATHS = ["/v3/code/completions", "/v4/code/suggestions"]
BY_PROMPT = component("generation", prompt_id="code_suggestions/generations")
FORBIDDEN = (403, {"detail": "Unauthorized to access code suggestions"})


def ask(gateway: RunningGateway, path: str, *, scope: str, items: list[JsonObject]) -> httpx.Response:
    return call(gateway, path, body=components(*items), headers=gitlab_headers(scope))


@pytest.mark.parametrize("path", PATHS)
def test_case_052_a_completion_tells_when_and_in_which_language(mocked_gateway: RunningGateway, path: str) -> None:
    before = int(time.time())
    answer = ask(mocked_gateway, path, scope="complete_code", items=[component("completion")])

    metadata = answer.json()["metadata"]
    assert answer.status_code == 200
    assert type(metadata["timestamp"]) is int
    assert before <= metadata["timestamp"] <= time.time()
    assert metadata["model"]["lang"] == "python"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("scope", ["complete_code", "generate_code"])
def test_the_answer_has_these_keys_and_no_other(mocked_gateway: RunningGateway, path: str, scope: str) -> None:
    item = component("completion") if scope == "complete_code" else BY_PROMPT

    body = ask(mocked_gateway, path, scope=scope, items=[item]).json()

    assert set(body) == {"choices", "metadata", "model"}
    assert set(body["metadata"]) == {"model", "timestamp", "enabled_feature_flags", "region"}
    assert set(body["metadata"]["model"]) == {"engine", "name", "lang"}
    assert body["metadata"]["region"] is None or isinstance(body["metadata"]["region"], str)
    (choice,) = body["choices"]
    assert choice == {"text": choice["text"], "index": 0, "finish_reason": "length"}


def test_case_054_the_fourth_version_without_a_stream_answers_as_the_third(mocked_gateway: RunningGateway) -> None:
    third, fourth = (ask(mocked_gateway, path, scope="generate_code", items=[BY_PROMPT]) for path in PATHS)

    assert (third.status_code, fourth.status_code) == (200, 200)
    assert fourth.headers["content-type"] == "application/json"
    assert "x-streaming-format" not in fourth.headers
    assert fourth.json()["choices"] == third.json()["choices"]
    assert fourth.json()["metadata"]["model"] == third.json()["metadata"]["model"]


@pytest.mark.parametrize("path", PATHS)
def test_case_055_only_the_first_of_two_completions_is_answered(
    connected_gateway: RunningGateway, upstream: MockUpstream, path: str
) -> None:
    upstream.always(Reply(text="answer"))
    first = component("completion", file_name="one.rb", content_above_cursor="FIRST-FILE")
    second = component("completion", file_name="two.py", content_above_cursor="SECOND-FILE")

    body = ask(connected_gateway, path, scope="complete_code", items=[first, second]).json()

    (seen,) = upstream.requests
    assert [choice["text"] for choice in body["choices"]] == ["answer"]
    assert body["metadata"]["model"]["lang"] == "ruby"
    assert b"FIRST-FILE" in seen.body
    assert b"SECOND-FILE" not in seen.body


@pytest.mark.parametrize("path", PATHS)
def test_a_generation_by_a_prompt_is_answered_by_its_engine(mocked_gateway: RunningGateway, path: str) -> None:
    body = ask(mocked_gateway, path, scope="generate_code", items=[BY_PROMPT]).json()

    model = body["metadata"]["model"]
    assert (model["engine"], model["name"]) == ("agent", "Code Generations Agent")
    assert body["choices"][0]["text"].strip() == "mock"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("kind", "wrong", "right"),
    [("completion", "generate_code", "complete_code"), ("generation", "complete_code", "generate_code")],
)
def test_each_kind_of_component_has_its_scope(
    mocked_gateway: RunningGateway, path: str, kind: str, wrong: str, right: str
) -> None:
    items = [component(kind)]

    refused = ask(mocked_gateway, path, scope=wrong, items=items)

    assert (refused.status_code, refused.json()) == FORBIDDEN
    assert ask(mocked_gateway, path, scope=right, items=items).status_code == 200


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("kind", "scope"), [("completion", "complete_code"), ("generation", "generate_code")])
def test_a_token_of_the_gateway_itself_may_not_ask_here(
    mocked_gateway: RunningGateway, path: str, kind: str, scope: str
) -> None:
    itself = {"iss": "gitlab-ai-gateway", "sub": "u1", "gitlab_instance_id": "1234"}

    answer = call(mocked_gateway, path, body=components(component(kind)), headers=gitlab_headers(scope, **itself))

    assert (answer.status_code, answer.json()) == FORBIDDEN


@pytest.mark.parametrize("version", ["^1.0.0", "1.0.0", "1.2.0", "2.0.1", "3.0.2-dev"])
def test_a_known_version_of_the_prompt_is_taken(mocked_gateway: RunningGateway, version: str) -> None:
    item = component("generation", prompt_id="code_suggestions/generations", prompt_version=version)

    assert ask(mocked_gateway, PATHS[1], scope="generate_code", items=[item]).status_code == 200


@pytest.mark.parametrize("version", ["9.9.9", "^2.0.0", "latest", ""])
def test_an_unknown_version_of_the_prompt_is_refused(mocked_gateway: RunningGateway, version: str) -> None:
    item = component("generation", prompt_id="code_suggestions/generations", prompt_version=version)

    assert ask(mocked_gateway, PATHS[1], scope="generate_code", items=[item]).status_code == 422


@pytest.mark.parametrize("path", PATHS)
def test_a_model_that_answers_blanks_gives_no_choice(
    connected_gateway: RunningGateway, upstream: MockUpstream, path: str
) -> None:
    upstream.always(Reply(text=" \n "))

    answer = ask(connected_gateway, path, scope="complete_code", items=[component("completion")])

    assert (answer.status_code, answer.json()["choices"]) == (200, [])


@pytest.mark.parametrize(("version", "forwarded"), [("7.17.0", False), ("7.17.1", True), (None, False), ("x", False)])
def test_context_is_forwarded_for_language_servers_that_send_it_well(
    connected_gateway: RunningGateway, upstream: MockUpstream, version: str | None, *, forwarded: bool
) -> None:
    context = {"type": "code_context", "payload": {"type": "file", "name": "o.py", "content": "OTHER_FILE = 1"}}
    headers = gitlab_headers("complete_code")
    if version is not None:
        headers["X-Gitlab-Language-Server-Version"] = version

    answer = call(connected_gateway, PATHS[0], body=components(component("completion"), context), headers=headers)

    (seen,) = upstream.requests
    assert answer.status_code == 200
    assert (b"OTHER_FILE = 1" in seen.body) is forwarded
