"""What a body may hold: each limit from both of its sides."""

from __future__ import annotations

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
    without,
)

NOT_FITTING = (422, {"detail": "Validation error"})
MANY = 100_000
COUNTS = {"requests": 1, "accepts": 1, "errors": 0}
CONTEXT = {"type": "file", "name": "other.py", "content": "x = 1"}


def complete(gateway: RunningGateway, body: object) -> tuple[int, object]:
    answer = call(gateway, "/v2/code/completions", body=body, headers=gitlab_headers("complete_code"))
    return answer.status_code, answer.json()


def suggest(gateway: RunningGateway, body: object) -> tuple[int, object]:
    answer = call(gateway, "/v3/code/completions", body=body, headers=gitlab_headers("complete_code"))
    return answer.status_code, answer.json()


@pytest.mark.parametrize("member", ["current_file", "file_name", "content_above_cursor", "content_below_cursor"])
def test_case_039_the_file_and_its_parts_are_required(mocked_gateway: RunningGateway, member: str) -> None:
    body = completion(current_file={name: text for name, text in current_file().items() if name != member})
    body.pop(member, None)

    assert complete(mocked_gateway, body) == NOT_FITTING


@pytest.mark.parametrize("side", ["content_above_cursor", "content_below_cursor"])
def test_case_040_each_side_of_the_cursor_has_a_hundred_thousand_characters_at_most(
    mocked_gateway: RunningGateway, side: str
) -> None:
    assert complete(mocked_gateway, completion(current_file=current_file(**{side: "x" * MANY})))[0] == 200
    assert complete(mocked_gateway, completion(current_file=current_file(**{side: "é" * MANY})))[0] == 200
    assert complete(mocked_gateway, completion(current_file=current_file(**{side: "x" * (MANY + 1)}))) == NOT_FITTING


@pytest.mark.parametrize("member", ["file_name", "language_identifier"])
def test_case_041_the_name_of_file_and_language_has_255_characters_at_most(
    mocked_gateway: RunningGateway, member: str
) -> None:
    assert complete(mocked_gateway, completion(current_file=current_file(**{member: "x" * 255})))[0] == 200
    assert complete(mocked_gateway, completion(current_file=current_file(**{member: "x" * 256}))) == NOT_FITTING


def test_case_042_telemetry_has_ten_items_at_most(mocked_gateway: RunningGateway) -> None:
    assert complete(mocked_gateway, completion(telemetry=[COUNTS] * 10))[0] == 200
    assert complete(mocked_gateway, completion(telemetry=[COUNTS] * 11)) == NOT_FITTING


@pytest.mark.parametrize("member", ["model_engine", "model_name", "lang"])
def test_the_names_in_telemetry_have_fifty_characters_at_most(mocked_gateway: RunningGateway, member: str) -> None:
    assert complete(mocked_gateway, completion(telemetry=[{**COUNTS, member: "x" * 50}]))[0] == 200
    assert complete(mocked_gateway, completion(telemetry=[{**COUNTS, member: "x" * 51}])) == NOT_FITTING


def test_case_043_context_has_a_hundred_items_at_most(mocked_gateway: RunningGateway) -> None:
    assert complete(mocked_gateway, completion(context=[CONTEXT] * 100))[0] == 200
    assert complete(mocked_gateway, completion(context=[CONTEXT] * 101)) == NOT_FITTING


@pytest.mark.parametrize(("member", "limit"), [("type", 1024), ("name", 1024), ("content", 500_000)])
def test_each_member_of_context_has_its_limit(mocked_gateway: RunningGateway, member: str, limit: int) -> None:
    assert complete(mocked_gateway, completion(context=[{**CONTEXT, member: "x" * limit}]))[0] == 200
    assert complete(mocked_gateway, completion(context=[{**CONTEXT, member: "x" * (limit + 1)}])) == NOT_FITTING


@pytest.mark.parametrize("member", ["type", "name", "content"])
def test_each_member_of_context_is_required(mocked_gateway: RunningGateway, member: str) -> None:
    assert complete(mocked_gateway, completion(context=[without(CONTEXT, member)])) == NOT_FITTING


def test_the_project_path_has_255_characters_at_most(mocked_gateway: RunningGateway) -> None:
    assert complete(mocked_gateway, completion(project_path="x" * 255))[0] == 200
    assert complete(mocked_gateway, completion(project_path="x" * 256)) == NOT_FITTING


def test_case_044_a_model_must_be_one_of_its_provider(
    mocked_gateway: RunningGateway, talkative_gateway: RunningGateway
) -> None:
    body = completion(model_provider="codestral", model_name="dummy_model")

    assert complete(mocked_gateway, body)[0] == 422
    status, answer = complete(talkative_gateway, body)

    assert status == 422
    assert "model dummy_model is not supported by use case code completions and provider codestral" in str(answer)


def test_a_model_for_generations_must_be_one_of_its_provider(talkative_gateway: RunningGateway) -> None:
    body = generation(model_name="dummy_model")

    answer = call(talkative_gateway, "/v2/code/generations", body=body, headers=gitlab_headers("generate_code"))

    assert answer.status_code == 422
    assert (
        "model dummy_model is not supported by use case code generations and provider litellm"
        in (answer.json()["detail"])
    )


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("litellm", "codegemma"),
        ("codestral", "codestral"),
        ("fireworks_ai", "qwen2p5-coder-7b"),
        ("vertex-ai", "codestral-2508"),
    ],
)
def test_a_model_of_its_provider_is_taken(mocked_gateway: RunningGateway, provider: str, model: str) -> None:
    body = completion(model_provider=provider, model_name=model)

    assert complete(mocked_gateway, body)[0] == 200


def test_the_text_of_the_fault_is_told_when_requests_may_be_logged(talkative_gateway: RunningGateway) -> None:
    status, answer = complete(talkative_gateway, completion(current_file=without(current_file(), "file_name")))

    assert status == 422
    assert isinstance(answer, dict)
    assert isinstance(answer["detail"], str)
    assert "file_name" in answer["detail"]


def test_case_045_an_unknown_provider_is_refused(mocked_gateway: RunningGateway) -> None:
    assert complete(mocked_gateway, completion(model_provider="nope")) == NOT_FITTING


@pytest.mark.parametrize("version", [0, 4, -1, "x"])
def test_case_046_an_unknown_prompt_version_is_refused(mocked_gateway: RunningGateway, version: object) -> None:
    assert complete(mocked_gateway, completion(prompt_version=version)) == NOT_FITTING


def test_the_prompt_version_is_one_when_none_is_given(mocked_gateway: RunningGateway) -> None:
    body = completion()
    del body["prompt_version"]

    assert complete(mocked_gateway, body)[0] == 200


@pytest.mark.parametrize("version", [2, 3])
def test_case_047_a_generation_of_version_two_or_three_needs_its_prompt(
    mocked_gateway: RunningGateway, version: int
) -> None:
    body = completion(prompt_version=version)

    answer = call(mocked_gateway, "/v2/code/generations", body=body, headers=gitlab_headers("generate_code"))

    assert (answer.status_code, answer.json()) == NOT_FITTING


@pytest.mark.parametrize("message", [{"role": "robot", "content": "x"}, {"content": "x"}, {"role": "user"}, "x"])
def test_the_prompt_of_version_three_is_a_list_of_messages(mocked_gateway: RunningGateway, message: object) -> None:
    body = generation(prompt=[message])

    answer = call(mocked_gateway, "/v2/code/generations", body=body, headers=gitlab_headers("generate_code"))

    assert (answer.status_code, answer.json()) == NOT_FITTING


@pytest.mark.parametrize("path", ["/v3/code/completions", "/v4/code/suggestions"])
def test_case_050_there_are_one_to_a_hundred_components(mocked_gateway: RunningGateway, path: str) -> None:
    for number, expected in ((0, 422), (1, 200), (100, 200), (101, 422)):
        body = components(*[component("completion")] * number)
        answer = call(mocked_gateway, path, body=body, headers=gitlab_headers("complete_code"))
        assert answer.status_code == expected, number
    assert suggest(mocked_gateway, {}) == NOT_FITTING


@pytest.mark.parametrize("kind", ["x", "", None, "completion"])
def test_case_051_a_component_of_an_unknown_type_is_refused(mocked_gateway: RunningGateway, kind: object) -> None:
    body = components({**component("completion"), "type": kind})

    assert suggest(mocked_gateway, body) == NOT_FITTING


@pytest.mark.parametrize(
    ("member", "limit"),
    [
        ("file_name", 255),
        ("language_identifier", 255),
        ("content_above_cursor", MANY),
        ("content_below_cursor", MANY),
    ],
)
def test_each_member_of_a_payload_has_its_limit(mocked_gateway: RunningGateway, member: str, limit: int) -> None:
    assert suggest(mocked_gateway, components(component("completion", **{member: "x" * limit})))[0] == 200
    assert suggest(mocked_gateway, components(component("completion", **{member: "x" * (limit + 1)}))) == NOT_FITTING


@pytest.mark.parametrize("member", ["file_name", "content_above_cursor", "content_below_cursor"])
def test_the_file_is_required_in_a_payload(mocked_gateway: RunningGateway, member: str) -> None:
    body = components({"type": "code_editor_completion", "payload": without(current_file(), member)})

    assert suggest(mocked_gateway, body) == NOT_FITTING


@pytest.mark.parametrize(("member", "limit"), [("type", 1024), ("name", 1024), ("content", MANY)])
def test_each_member_of_a_context_component_has_its_limit(
    mocked_gateway: RunningGateway, member: str, limit: int
) -> None:
    def body(length: int) -> JsonObject:
        context = {"type": "code_context", "payload": {**CONTEXT, member: "x" * length}}
        return components(component("completion"), context)

    assert suggest(mocked_gateway, body(limit))[0] == 200
    assert suggest(mocked_gateway, body(limit + 1)) == NOT_FITTING


@pytest.mark.parametrize("member", ["source", "version"])
def test_each_member_of_a_components_metadata_has_its_limit(mocked_gateway: RunningGateway, member: str) -> None:
    def body(length: int) -> JsonObject:
        return components({**component("completion"), "metadata": {member: "x" * length}})

    assert suggest(mocked_gateway, body(255))[0] == 200
    assert suggest(mocked_gateway, body(256)) == NOT_FITTING


def test_a_component_of_context_alone_is_refused(mocked_gateway: RunningGateway) -> None:
    context = {"type": "code_context", "payload": CONTEXT}

    assert suggest(mocked_gateway, components(context))[0] == 422
    assert suggest(mocked_gateway, components(context, component("completion")))[0] == 422


def test_the_prompt_of_a_generation_component_has_its_limit(mocked_gateway: RunningGateway) -> None:
    for length, expected in ((400_000, 200), (400_001, 422)):
        body = components(component("generation", prompt="x" * length))
        answer = call(mocked_gateway, "/v3/code/completions", body=body, headers=gitlab_headers("generate_code"))
        assert answer.status_code == expected, length
