from __future__ import annotations

import pytest

from gateway_core.inference.wish import ModelWish
from gateway_core.kernel.secret import Secret


@pytest.mark.parametrize(
    "wish",
    [
        ModelWish("code_completions", endpoint="http://127.0.0.1:8000/v1"),
        ModelWish("code_completions", api_key=Secret("k")),
        ModelWish("code_completions", identifier="custom_openai/m"),
    ],
    ids=["endpoint", "key", "identifier"],
)
def test_a_caller_who_gives_an_address_a_key_or_an_identifier_brings_the_model_along(wish: ModelWish) -> None:
    assert wish.self_hosted


def test_a_provider_and_a_model_alone_are_only_a_wish() -> None:
    assert not ModelWish("code_generations", provider="anthropic", model="claude-sonnet-4-5").self_hosted


def test_a_wish_never_shows_the_key_of_the_caller() -> None:
    assert "k-of-caller" not in repr(ModelWish("code_completions", api_key=Secret("k-of-caller")))
