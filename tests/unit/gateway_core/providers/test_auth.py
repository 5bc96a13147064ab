from __future__ import annotations

from gateway_core.kernel.secret import Secret
from gateway_core.providers.auth import anthropic_key, bearer


def test_a_bearer_shows_its_key_and_nothing_when_it_has_none() -> None:
    assert bearer(Secret("k-1")) == [("authorization", "Bearer k-1")]
    assert bearer(None) == []


def test_anthropic_is_always_told_the_version_that_we_speak() -> None:
    version = ("anthropic-version", "2023-06-01")

    assert anthropic_key(Secret("k-1")) == [("x-api-key", "k-1"), version]
    assert anthropic_key(None) == [version]
