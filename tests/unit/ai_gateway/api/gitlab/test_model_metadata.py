"""The model that GitLab chose: read when it can be, ignored when it cannot."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_gateway.api.gitlab.model_metadata import wish_from_metadata
from gateway_core.inference.request import Json
from gateway_core.inference.wish import ModelWish
from gateway_core.kernel.secret import Secret

SELF_HOSTED: dict[str, Json] = {
    "provider": "litellm",
    "name": "mistral",
    "endpoint": "http://127.0.0.1:8000/v1",
    "api_key": "a key",
    "identifier": "custom_openai/mistral-small",
}

json_values: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def wish(metadata: Json) -> ModelWish | None:
    """Read the wish of a body with this metadata."""
    return wish_from_metadata(json.dumps({"model_metadata": metadata, "other": 1}).encode(), "code_completions")


def test_a_self_hosted_model_is_wished_for_with_all_that_is_known_of_it() -> None:
    assert wish(SELF_HOSTED) == ModelWish(
        "code_completions",
        "litellm",
        "mistral",
        endpoint="http://127.0.0.1:8000/v1",
        api_key=Secret("a key"),
        identifier="custom_openai/mistral-small",
    )


@pytest.mark.parametrize(
    ("metadata", "model"),
    [
        (
            {"provider": "gitlab", "identifier": "claude_sonnet_4_5_20250929", "name": "ignored"},
            "claude_sonnet_4_5_20250929",
        ),
        ({"provider": "gitlab", "feature_setting": "code_completions"}, ""),
        ({"provider": "fireworks_ai", "name": "codestral", "identifier": "ignored"}, "codestral"),
        ({"provider": "mistral", "name": "codestral-2501"}, "codestral-2501"),
    ],
)
def test_a_model_with_keys_of_ours_is_wished_for_by_its_name_alone(metadata: dict[str, Json], model: str) -> None:
    wished = wish(metadata | {"endpoint": "http://evil.example", "api_key": "theirs"})

    assert wished == ModelWish("code_completions", str(metadata["provider"]), model)
    assert not wished.self_hosted


@pytest.mark.parametrize("provider", ["litellm", "openai", "custom_openai", "anthropic", "amazon_q", "unheard-of"])
def test_any_other_provider_is_wished_for_as_it_is_called(provider: str) -> None:
    wished = wish({"provider": provider, "name": "m"})

    assert wished == ModelWish("code_completions", provider, "m")


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        [],
        "text",
        7,
        {},
        {"name": "m"},
        {"provider": ""},
        {"provider": None},
        {"provider": 7},
        SELF_HOSTED | {"provider": "p" * 256},
        SELF_HOSTED | {"name": "n" * 256},
        SELF_HOSTED | {"endpoint": "http://" + "e" * 249},
        SELF_HOSTED | {"endpoint": "file:///etc/passwd"},
        SELF_HOSTED | {"endpoint": "not a url"},
        SELF_HOSTED | {"api_key": "k" * 2_001},
        SELF_HOSTED | {"identifier": "i" * 1_001},
        SELF_HOSTED | {"api_key": 7},
    ],
)
def test_metadata_that_does_not_fit_is_ignored(metadata: Json) -> None:
    assert wish(metadata) is None


@pytest.mark.parametrize(
    ("member", "longest"),
    [("provider", 255), ("name", 255), ("api_key", 2_000), ("identifier", 1_000)],
)
def test_members_of_the_limit_are_taken(member: str, longest: int) -> None:
    assert wish(SELF_HOSTED | {member: "x" * longest}) is not None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"other": 1}',
        b'{"other": "model_metadata"}',
        b'{"nested": {"model_metadata": {"provider": "litellm"}}}',
        b'[{"model_metadata": {"provider": "litellm"}}]',
        b'{"model_metadata": {"provider": "litellm"}',
        b"model_metadata",
        b'{"model_metadata": "\xff"}',
        b'{"model_metadata": ' + b"[" * 100_000,
    ],
)
def test_a_body_without_metadata_at_its_top_holds_no_wish(body: bytes) -> None:
    assert wish_from_metadata(body, "code_completions") is None


@given(json_values, st.dictionaries(st.sampled_from([*SELF_HOSTED]), json_values))
def test_no_json_at_all_breaks_the_reading(anything: Json, members: dict[str, Json]) -> None:
    for metadata in (anything, SELF_HOSTED | members):
        wished = wish(metadata)
        assert wished is None or wished.feature == "code_completions"


def test_the_key_does_not_show_itself() -> None:
    assert "a key" not in repr(wish(SELF_HOSTED))
