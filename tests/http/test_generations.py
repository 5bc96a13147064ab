"""Code generations of the second version."""

from __future__ import annotations

import json

import pytest

from fakes.gateway import RunningGateway
from fakes.gitlab import JsonObject, call, completion, current_file, generation, gitlab_headers
from fakes.upstream import MockUpstream, Reply

PATH = "/v2/code/generations"
MESSAGES = [{"role": "system", "content": "be short"}, {"role": "user", "content": 'say "hé"\n'}]


def generate(gateway: RunningGateway, body: JsonObject) -> JsonObject:
    """Ask for a generation that must succeed."""
    answer = call(gateway, PATH, body=body, headers=gitlab_headers("generate_code"))
    assert answer.status_code == 200
    parsed: JsonObject = answer.json()
    return parsed


def test_case_049_messages_of_the_caller_are_answered(mocked_gateway: RunningGateway) -> None:
    (choice,) = generate(mocked_gateway, generation())["choices"]

    assert choice["text"].startswith("\necho:")
    assert (choice["index"], choice["finish_reason"]) == (0, "length")


def test_the_mocked_model_tells_what_it_was_asked(mocked_gateway: RunningGateway) -> None:
    body = generate(mocked_gateway, generation(prompt=MESSAGES))

    text = body["choices"][0]["text"]
    told = json.loads(text.removeprefix("\necho: "))
    extra = [name for name in ("temperature", "max_output_tokens", "top_p", "top_k") if name in told]
    assert list(told) == ["messages", "stream", "kwargs", *extra]
    assert (told["messages"], told["stream"]) == (MESSAGES, False)
    assert text.removeprefix("\necho: ") == json.dumps(told)
    assert (body["model"]["engine"], body["model"]["name"]) == ("chat-model-provider-mocked", "chat-model-mocked")


def test_the_answer_has_these_keys_and_no_other(mocked_gateway: RunningGateway) -> None:
    body = generate(mocked_gateway, generation())

    assert set(body) == {"id", "model", "experiments", "object", "created", "choices", "metadata"}
    assert set(body["model"]) == {"engine", "name", "lang", "tokens_consumption_metadata", "region"}
    assert body["model"]["tokens_consumption_metadata"] is None
    assert (body["id"], body["object"], body["experiments"]) == ("id", "text_completion", [])
    assert body["model"]["lang"] == "python"


@pytest.mark.parametrize("scopes", [["complete_code"], []])
def test_without_its_scope_a_generation_is_forbidden(mocked_gateway: RunningGateway, scopes: list[str]) -> None:
    answer = call(mocked_gateway, PATH, body=generation(), headers=gitlab_headers(*scopes))

    assert (answer.status_code, answer.json()) == (403, {"detail": "Unauthorized to access code generations"})


def test_a_token_of_the_gateway_itself_may_not_generate(mocked_gateway: RunningGateway) -> None:
    itself = {"iss": "gitlab-ai-gateway", "sub": "u1", "gitlab_instance_id": "1234"}
    headers = gitlab_headers("generate_code", **itself)

    answer = call(mocked_gateway, PATH, body=generation(), headers=headers)

    assert (answer.status_code, answer.json()) == (403, {"detail": "Unauthorized to access code generations"})


def test_a_prompt_of_the_caller_reaches_the_model(connected_gateway: RunningGateway, upstream: MockUpstream) -> None:
    upstream.always(Reply(text="x = 1"))

    body = generate(connected_gateway, completion(prompt_version=2, prompt="PROMPT-OF-THE-CALLER"))

    (seen,) = upstream.requests
    assert b"PROMPT-OF-THE-CALLER" in seen.body
    assert body["choices"][0]["text"].strip() == "x = 1"


@pytest.mark.parametrize("blanks", ["", " \n\t "])
def test_a_model_that_answers_blanks_gives_no_choice(
    connected_gateway: RunningGateway, upstream: MockUpstream, blanks: str
) -> None:
    upstream.always(Reply(text=blanks))

    assert generate(connected_gateway, completion(prompt_version=2, prompt="sort"))["choices"] == []


@pytest.mark.parametrize(
    ("above", "answered", "expected"),
    [
        ("# sort", "x = 1", "\nx = 1"),
        ("# sort\n", "x = 1", "x = 1"),
        ("# sort", "\nx = 1", "\nx = 1"),
        ("# sort\n", "```python\nx = 1\n```", "x = 1"),
    ],
)
def test_the_answer_begins_on_a_line_of_its_own_and_without_fences(
    connected_gateway: RunningGateway, upstream: MockUpstream, above: str, answered: str, expected: str
) -> None:
    upstream.always(Reply(text=answered))
    file = current_file(content_above_cursor=above)

    body = generate(connected_gateway, completion(prompt_version=2, prompt="sort", current_file=file))

    assert body["choices"][0]["text"].rstrip("\n") == expected
