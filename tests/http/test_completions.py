"""Code completions of the second version: routes, rights, and the answer key by key."""

from __future__ import annotations

import time

import pytest

from fakes.gateway import RunningGateway
from fakes.gitlab import JsonObject, call, completion, current_file, gitlab_headers
from fakes.upstream import MockUpstream, Reply

PATHS = ["/v2/completions", "/v2/code/completions"]
CONSUMPTION = {"input_tokens", "output_tokens", "context_tokens_sent", "context_tokens_used"}


def complete(gateway: RunningGateway, **changes: object) -> JsonObject:
    """Ask for a completion that must succeed."""
    answer = call(gateway, "/v2/code/completions", body=completion(**changes), headers=gitlab_headers("complete_code"))
    assert answer.status_code == 200
    body: JsonObject = answer.json()
    return body


@pytest.mark.parametrize("path", PATHS)
def test_case_036_a_completion_answers(mocked_gateway: RunningGateway, path: str) -> None:
    answer = call(mocked_gateway, path, body=completion(), headers=gitlab_headers("complete_code"))

    body = answer.json()
    (choice,) = body["choices"]
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert (body["id"], body["object"], body["experiments"]) == ("id", "text_completion", [])
    assert body["model"]["lang"] == "python"
    assert (choice["index"], choice["finish_reason"]) == (0, "length")
    assert choice["text"].startswith("mock")


@pytest.mark.parametrize("path", PATHS)
def test_case_037_what_an_editor_sends_is_taken(mocked_gateway: RunningGateway, path: str) -> None:
    body = completion(project_path="", project_id=-1, intent="completion", unknown={"a": [1]}, choices_count=1)

    assert call(mocked_gateway, path, body=body, headers=gitlab_headers("complete_code")).status_code == 200


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("scopes", [["duo_chat"], [], ["generate_code", "nonsense"]])
def test_case_038_without_its_scope_a_completion_is_forbidden(
    mocked_gateway: RunningGateway, path: str, scopes: list[str]
) -> None:
    answer = call(mocked_gateway, path, body=completion(), headers=gitlab_headers(*scopes))

    assert (answer.status_code, answer.json()) == (403, {"detail": "Unauthorized to access code completions"})


def test_an_unknown_scope_beside_the_right_one_is_ignored(mocked_gateway: RunningGateway) -> None:
    headers = gitlab_headers("nonsense", "complete_code")

    assert call(mocked_gateway, "/v2/completions", body=completion(), headers=headers).status_code == 200


def test_an_editor_with_a_token_of_the_gateway_itself_may_complete(mocked_gateway: RunningGateway) -> None:
    itself = {"iss": "gitlab-ai-gateway", "sub": "u1", "gitlab_instance_id": "1234"}
    headers = gitlab_headers("complete_code", **itself)

    assert call(mocked_gateway, "/v2/completions", body=completion(), headers=headers).status_code == 200


def test_the_answer_has_these_keys_and_no_other(mocked_gateway: RunningGateway) -> None:
    body = complete(mocked_gateway)

    assert set(body) == {"id", "model", "experiments", "object", "created", "choices", "metadata"}
    assert set(body["model"]) == {"engine", "name", "lang", "tokens_consumption_metadata", "region"}
    assert set(body["metadata"]) == {"enabled_feature_flags"}
    assert set(body["choices"][0]) == {"text", "index", "finish_reason"}


def test_the_members_of_the_answer_have_their_types(connected_gateway: RunningGateway) -> None:
    before = int(time.time())
    body = complete(connected_gateway)

    model = body["model"]
    assert type(body["created"]) is int
    assert before <= body["created"] <= time.time()
    assert all(isinstance(model[name], str) and model[name] for name in ("engine", "name"))
    assert model["region"] is None or isinstance(model["region"], str)
    consumption = model["tokens_consumption_metadata"]
    assert consumption is None or set(consumption) - {"max_output_tokens_used"} == CONSUMPTION


def test_the_text_is_what_the_model_answered(connected_gateway: RunningGateway, upstream: MockUpstream) -> None:
    upstream.always(Reply(text="oo(a, b):\n    return a + b"))

    body = complete(connected_gateway)

    assert body["choices"] == [{"text": "oo(a, b):\n    return a + b", "index": 0, "finish_reason": "length"}]


@pytest.mark.parametrize("blanks", ["", " ", "\n\n", " \t\n  "])
def test_a_model_that_answers_blanks_gives_no_choice(
    connected_gateway: RunningGateway, upstream: MockUpstream, blanks: str
) -> None:
    upstream.always(Reply(text=blanks))

    assert complete(connected_gateway)["choices"] == []


def test_the_model_sees_both_sides_of_the_cursor(connected_gateway: RunningGateway, upstream: MockUpstream) -> None:
    complete(
        connected_gateway, current_file=current_file(content_above_cursor="ABOVE-1", content_below_cursor="BELOW-1")
    )

    (seen,) = upstream.requests
    assert seen.path == "/v1/chat/completions"
    assert b"ABOVE-1" in seen.body
    assert b"BELOW-1" in seen.body


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("a.c", "c"),
        ("a.h", "c"),
        ("a.cpp", "cpp"),
        ("a.hh", "cpp"),
        ("a.C", "cpp"),
        ("a.cs", "csharp"),
        ("a.go", "go"),
        ("A.java", "java"),
        ("a.js", "js"),
        ("a.jsx", "js"),
        ("a.php5", "php"),
        ("src/deep/a.py", "python"),
        ("  a.py  ", "python"),
        ("a.rb", "ruby"),
        ("a.rs", "rust"),
        ("a.scala", "scala"),
        ("a.tsx", "ts"),
        ("a.ts", "ts"),
        ("a.kts", "kotlin"),
        ("a.unheard-of", ""),
        ("noextension", ""),
    ],
)
def test_the_language_is_told_by_the_file_name(mocked_gateway: RunningGateway, name: str, language: str) -> None:
    assert complete(mocked_gateway, current_file=current_file(file_name=name))["model"]["lang"] == language


@pytest.mark.parametrize(
    ("name", "identifier", "language"),
    [
        ("a.unheard-of", "python", "python"),
        ("untitled", "typescriptreact", "ts"),
        ("untitled", "javascriptreact", "js"),
        ("a.go", "python", "go"),
        ("untitled", "unheard-of", ""),
    ],
)
def test_the_editors_language_counts_when_the_extension_is_unknown(
    mocked_gateway: RunningGateway, name: str, identifier: str, language: str
) -> None:
    file = current_file(file_name=name, language_identifier=identifier)

    assert complete(mocked_gateway, current_file=file)["model"]["lang"] == language


@pytest.mark.parametrize("path", [*PATHS, "/v3/code/completions"])
def test_case_056_flags_that_the_realm_may_not_use_are_dropped(mocked_gateway: RunningGateway, path: str) -> None:
    request_id = f"flags{path.replace('/', '-')}"
    headers = {
        **gitlab_headers("complete_code"),
        "x-gitlab-enabled-feature-flags": "a,b",
        "X-Request-ID": request_id,
    }
    body = completion()
    payload = {"type": "code_editor_completion", "payload": current_file()}

    answer = call(mocked_gateway, path, body={**body, "prompt_components": [payload]}, headers=headers)

    assert answer.json()["metadata"]["enabled_feature_flags"] == ["a"]
    assert mocked_gateway.access_line(request_id)["enabled_feature_flags"] == "a"


def test_without_flags_none_are_told(mocked_gateway: RunningGateway) -> None:
    assert complete(mocked_gateway)["metadata"]["enabled_feature_flags"] in (None, [])
