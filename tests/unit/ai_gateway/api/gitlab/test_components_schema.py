"""The limits of v3 and v4 bodies, each at its very edge."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ai_gateway.api.gitlab.components_schema import CompletionComponent, ComponentsBody, GenerationComponent
from gateway_core.inference.request import Json
from unit.ai_gateway.edge.body_samples import COMPONENTS, Path, planted

SAMPLES = COMPONENTS["prompt_components"]
assert isinstance(SAMPLES, list)
COMPLETION, GENERATION, CONTEXT = SAMPLES


def fits(*components: Json) -> bool:
    """Tell whether a body of these components is taken."""
    try:
        ComponentsBody.model_validate({"prompt_components": list(components)})
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("component", "path", "longest"),
    [
        (COMPLETION, ("payload", "file_name"), 255),
        (COMPLETION, ("payload", "language_identifier"), 255),
        (COMPLETION, ("payload", "content_above_cursor"), 100_000),
        (COMPLETION, ("payload", "content_below_cursor"), 100_000),
        (COMPLETION, ("metadata", "source"), 255),
        (COMPLETION, ("metadata", "version"), 255),
        (GENERATION, ("payload", "prompt"), 400_000),
    ],
)
def test_a_text_may_be_as_long_as_its_limit(component: Json, path: Path, longest: int) -> None:
    assert fits(planted(component, path, "x" * longest))
    assert not fits(planted(component, path, "x" * (longest + 1)))


@pytest.mark.parametrize(("member", "longest"), [("type", 1_024), ("name", 1_024), ("content", 100_000)])
def test_context_may_be_as_long_as_its_limit(member: str, longest: int) -> None:
    assert fits(COMPLETION, planted(CONTEXT, ("payload", member), "x" * longest))
    assert not fits(COMPLETION, planted(CONTEXT, ("payload", member), "x" * (longest + 1)))


@pytest.mark.parametrize(("count", "taken"), [(0, False), (1, True), (100, True), (101, False)])
def test_there_are_one_to_a_hundred_components(count: int, *, taken: bool) -> None:
    assert fits(*[COMPLETION] * count) is taken


def test_the_first_component_must_ask_for_something() -> None:
    assert not fits(CONTEXT)
    assert not fits(CONTEXT, COMPLETION)


@pytest.mark.parametrize("kind", ["", "unheard-of", None, 7, "Code_Editor_Completion"])
def test_a_component_of_no_known_type_is_refused(kind: Json) -> None:
    assert not fits(planted(COMPLETION, ("type",), kind))


@pytest.mark.parametrize("version", ["^1.0.0", "1.2.0", "2.0.2-dev", "3.0.2-dev"])
def test_the_versions_that_gitlab_asks_for_are_known(version: str) -> None:
    assert fits(planted(GENERATION, ("payload", "prompt_version"), version))


@pytest.mark.parametrize("version", ["", "1", "9.9.9", None, 1])
def test_any_other_version_is_refused(version: Json) -> None:
    assert not fits(planted(GENERATION, ("payload", "prompt_version"), version))


@pytest.mark.parametrize(
    ("provider", "taken"), [("vertex-ai", True), ("amazon_q", True), (None, True), ("litellm", False)]
)
def test_only_three_providers_are_asked_for_here(provider: Json, *, taken: bool) -> None:
    assert fits(planted(COMPLETION, ("payload", "model_provider"), provider)) is taken


@pytest.mark.parametrize(("first", "kind"), [(COMPLETION, CompletionComponent), (GENERATION, GenerationComponent)])
def test_the_first_component_drives_and_the_context_keeps_its_order(first: Json, kind: type) -> None:
    others = [planted(CONTEXT, ("payload", "content"), content) for content in ("one", "two")]

    body = ComponentsBody.model_validate({"prompt_components": [first, others[0], COMPLETION, others[1]]})

    assert isinstance(body.driver, kind)
    assert body.context == ("one", "two")
