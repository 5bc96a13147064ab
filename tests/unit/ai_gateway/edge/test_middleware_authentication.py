"""Nobody passes the edge who did not prove who they are."""

from __future__ import annotations

import pytest

from ai_gateway.edge.middleware import Authentication
from ai_gateway.edge.scope import EXEMPT_PATHS, exchange_of
from gateway_core.identity.model import Caller, Claims
from gateway_core.identity.service import Authenticator, Bypass
from unit.ai_gateway.asgi_client import Inner, call, http_scope

KEY = "gw-the-one-key"


class FakeKeys:
    """Know one key."""

    def verify(self, key: str) -> Caller | None:
        """Give the caller who holds it."""
        return Caller("client") if key == KEY else None


class FakeTokens:
    """Know one token."""

    def verify(self, token: str) -> Claims | None:
        """Give what it says."""
        return Claims(issuer="https://issuer.example", realm="saas") if token == "good" else None


def authenticator(*, bypass: Bypass | None = None) -> Authenticator:
    """Build the authenticator of one key and one token."""
    return Authenticator("us", FakeKeys(), FakeTokens(), bypass or Bypass())


@pytest.mark.parametrize(
    ("headers", "refusal"),
    [
        ({}, "No authorization header presented"),
        ({"authorization": ""}, "Invalid authorization header"),
        ({"authorization": "Basic dTpw"}, "Invalid authorization header"),
        ({"authorization": "Bearer"}, "Invalid authorization header"),
        ({"authorization": "Bearer gw-another-key"}, "Forbidden by auth provider"),
        ({"authorization": "Bearer \u00e9"}, "Invalid authentication token type - only OIDC is supported"),
        ({"authorization": "Bearer good"}, "Invalid authentication token type - only OIDC is supported"),
        ({"authorization": "Bearer bad", "x-gitlab-authentication-type": "oidc"}, "Forbidden by auth provider"),
        (
            {"authorization": "Bearer good", "x-gitlab-authentication-type": "oidc", "x-gitlab-realm": "other"},
            "Header mismatch 'X-Gitlab-Realm'",
        ),
        ({"bypass-auth": "true"}, "No authorization header presented"),
    ],
)
async def test_nobody_passes_who_did_not_prove_who_they_are(headers: dict[str, str], refusal: str) -> None:
    inner, scope = Inner(), http_scope(headers=headers)

    answer = await call(Authentication(inner, authenticator()), scope)

    assert (answer.status, answer.body.decode()) == (401, f'{{"error":"{refusal}"}}')
    assert inner.scopes == []
    access = exchange_of(scope).facts.access
    assert access["auth_error_details"] == refusal
    assert access["http_exception_details"] == f"401: {refusal}"
    assert exchange_of(scope).caller is None


@pytest.mark.parametrize(
    "path", ["/", "/v1/x", "/unheard-of", "/docs", "/monitoring", "/monitoring/healthz/", "/metrics/x"]
)
async def test_every_path_asks_for_a_credential(path: str) -> None:
    assert (await call(Authentication(Inner(), authenticator()), http_scope(path))).status == 401


@pytest.mark.parametrize("path", sorted(EXEMPT_PATHS))
async def test_the_exempt_paths_ask_for_none(path: str) -> None:
    for method in ("GET", "HEAD"):
        assert (await call(Authentication(Inner(), authenticator()), http_scope(path, method=method))).status == 200


@pytest.mark.parametrize("path", sorted(EXEMPT_PATHS))
async def test_the_exempt_paths_are_exempt_for_reading_only(path: str) -> None:
    assert (await call(Authentication(Inner(), authenticator()), http_scope(path, method="POST"))).status == 401


async def test_a_client_key_lets_its_holder_in() -> None:
    scope = http_scope(headers={"authorization": f"Bearer {KEY}"})

    answer = await call(Authentication(Inner(), authenticator()), scope)

    assert answer.status == 200
    assert exchange_of(scope).caller == Caller("client")
    assert "auth_duration_s" in exchange_of(scope).facts.access


async def test_a_token_lets_its_holder_in_and_tells_where_from() -> None:
    scope = http_scope(
        headers={
            "authorization": "bearer good",
            "x-gitlab-authentication-type": "oidc",
            "x-gitlab-realm": "saas",
        }
    )

    answer = await call(Authentication(Inner(), authenticator()), scope)

    assert answer.status == 200
    exchange = exchange_of(scope)
    assert exchange.facts.access["token_issuer"] == "https://issuer.example"
    assert exchange.facts.bound["gitlab_realm"] == "saas"
    assert exchange.caller is not None
    assert exchange.caller.kind == "token"


@pytest.mark.parametrize(
    ("bypass", "headers"), [(Bypass(external=True), {}), (Bypass(external_with_header=True), {"bypass-auth": "true"})]
)
async def test_a_bypass_lets_everybody_in(bypass: Bypass, headers: dict[str, str]) -> None:
    scope = http_scope(headers=headers)

    answer = await call(Authentication(Inner(), authenticator(bypass=bypass)), scope)

    assert answer.status == 200
    assert exchange_of(scope).caller == Caller("debug")


async def test_what_is_no_request_needs_no_credential() -> None:
    inner = Inner()

    await call(Authentication(inner, authenticator()), {"type": "lifespan"})

    assert inner.scope == {"type": "lifespan"}
