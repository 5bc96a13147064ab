"""The limits of v2 bodies, each at its very edge."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ai_gateway.api.gitlab.code_schema import (
    COMPLETION_MODELS,
    GENERATION_MODELS,
    CompletionBody,
    GenerationBody,
    V2Body,
    messages_of,
)
from gateway_core.inference.request import Json, Message, Text
from unit.ai_gateway.edge.body_samples import CONTEXT_ITEM, CURRENT_FILE, V2, V2_WITH_MESSAGES, Path, planted

MINIMAL: dict[str, Json] = {
    "current_file": {"file_name": "a.py", "content_above_cursor": "", "content_below_cursor": ""}
}
TELEMETRY: dict[str, Json] = {"requests": 1, "accepts": 1, "errors": 0}


def fits(body: Json, model: type[V2Body] = CompletionBody) -> bool:
    """Tell whether the body is taken."""
    try:
        model.model_validate(body)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("path", "longest"),
    [
        (("project_path",), 255),
        (("current_file", "file_name"), 255),
        (("current_file", "language_identifier"), 255),
        (("current_file", "content_above_cursor"), 100_000),
        (("current_file", "content_below_cursor"), 100_000),
        (("telemetry", 0, "model_engine"), 50),
        (("telemetry", 0, "model_name"), 50),
        (("telemetry", 0, "lang"), 50),
        (("context", 0, "type"), 1_024),
        (("context", 0, "name"), 1_024),
        (("context", 0, "content"), 500_000),
    ],
)
def test_a_text_may_be_as_long_as_its_limit(path: Path, longest: int) -> None:
    assert fits(planted(V2, path, "x" * longest))
    assert not fits(planted(V2, path, "x" * (longest + 1)))


@pytest.mark.parametrize(("path", "most"), [(("context",), 100), (("telemetry",), 10)])
def test_a_list_may_be_as_long_as_its_limit(path: Path, most: int) -> None:
    item = CONTEXT_ITEM if path == ("context",) else TELEMETRY

    assert fits(planted(V2, path, [item] * most))
    assert not fits(planted(V2, path, [item] * (most + 1)))


def test_a_file_is_all_that_is_needed() -> None:
    body = CompletionBody.model_validate(MINIMAL)

    assert (body.prompt_version, body.stream, body.context, body.model_provider) == (1, False, [], None)


@pytest.mark.parametrize("member", ["file_name", "content_above_cursor", "content_below_cursor"])
def test_no_part_of_the_file_may_be_missing(member: str) -> None:
    assert not fits({"current_file": {name: value for name, value in CURRENT_FILE.items() if name != member}})


def test_blanks_around_short_names_are_taken_off_before_they_are_measured() -> None:
    body = CompletionBody.model_validate(planted(V2, ("current_file", "file_name"), "  " + "x" * 255 + "\n"))

    assert body.current_file.file_name == "x" * 255


def test_members_that_nobody_knows_are_ignored() -> None:
    assert fits(V2 | {"unheard_of": {"deep": 1}})


@pytest.mark.parametrize("version", [0, 4, "1", None, 1.5])
def test_only_three_versions_of_prompts_exist(version: Json) -> None:
    assert not fits(MINIMAL | {"prompt_version": version})


@pytest.mark.parametrize(
    ("version", "prompt", "completion", "generation"),
    [
        (1, None, True, True),
        (2, None, True, False),
        (3, None, True, False),
        (2, "text", True, True),
        (2, "", True, True),
        (3, "text", False, False),
        (2, [{"role": "user", "content": "x"}], False, False),
        (3, [{"role": "user", "content": "x"}], True, True),
        (3, [], True, True),
        (3, [{"role": "tool", "content": "x"}], False, False),
        (3, [{"role": "user"}], False, False),
    ],
)
def test_a_prompt_has_the_form_of_its_version(
    version: int, prompt: Json, *, completion: bool, generation: bool
) -> None:
    body = MINIMAL | {"prompt_version": version, "prompt": prompt}

    assert (fits(body), fits(body, GenerationBody)) == (completion, generation)


@pytest.mark.parametrize("provider", sorted(COMPLETION_MODELS))
def test_each_name_of_a_provider_is_taken_and_no_other(provider: str) -> None:
    for models, kind in ((COMPLETION_MODELS, CompletionBody), (GENERATION_MODELS, GenerationBody)):
        for name in (*models[provider], f" {max(models[provider])} "):
            assert fits(V2 | {"model_provider": provider, "model_name": name}, kind), name
        assert not fits(V2 | {"model_provider": provider, "model_name": "unheard-of"}, kind)


def test_a_refused_name_is_told_with_its_use_case_and_its_provider() -> None:
    with pytest.raises(ValidationError) as refused:
        GenerationBody.model_validate(V2 | {"model_provider": "vertex-ai", "model_name": "code-gecko@002"})

    (fault,) = refused.value.errors()
    assert fault["type"] == "model_name"
    assert "use case code generations and provider vertex-ai" in fault["msg"]


@pytest.mark.parametrize(
    "members", [{"model_provider": None}, {"model_name": None}, {"model_name": None, "model_provider": None}]
)
def test_a_name_without_a_provider_and_a_provider_without_a_name_are_taken(members: dict[str, Json]) -> None:
    assert fits(V2 | {"model_name": "unheard-of"} | members)


@pytest.mark.parametrize("provider", ["", "openai", "Anthropic", 7])
def test_a_provider_that_nobody_knows_is_refused(provider: Json) -> None:
    assert not fits(V2 | {"model_provider": provider})


def test_a_prompt_becomes_the_callers_own_messages() -> None:
    body = CompletionBody.model_validate(V2_WITH_MESSAGES)

    assert messages_of(body.prompt) == (Message("user", (Text("write x"),)),)
    assert messages_of("write y") == (Message("user", (Text("write y"),)),)
    assert messages_of(None) == messages_of("") == messages_of([]) == ()
