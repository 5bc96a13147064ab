"""Nobody passes the edge who did not prove who they are."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ai_gateway.edge.admission import Admission
from ai_gateway.edge.authentication import Authentication
from ai_gateway.edge.scope import EXEMPT_PATHS, exchange_of
from fakes.audit import FakeAuditTrail
from fakes.clock import FakeClock
from gateway_core.identity.model import Caller, Claims, Client, Role
from gateway_core.identity.service import Authenticator, Bypass, BypassAlarm
from gateway_core.identity.throttle import FailureThrottle
from gateway_core.kernel.errors import CredentialRefused
from unit.ai_gateway.asgi_client import Inner, call, http_scope

KEY = "gw-the-one-key"
OIDC = {"authorization": "Bearer good", "x-gitlab-authentication-type": "oidc", "x-gitlab-realm": "saas"}


def client(role: Role | None = None) -> Caller:
    return Caller("client", client=Client("1", "ci", datetime(2026, 1, 1, tzinfo=UTC), role=role))


class FakeKeys:
    """Know one key."""

    def __init__(self, role: Role | None = None) -> None:
        self.role = role

    def recognises(self, credential: str) -> bool:
        return credential.startswith("gw-")

    def holder(self, credential: str) -> Caller:
        if credential == KEY:
            return client(self.role)
        raise CredentialRefused("Forbidden by auth provider", reason="nobody holds it", counts=True)


class FakeTokens:
    """Know one token."""

    def recognises(self, credential: str) -> bool:
        return not credential.startswith("gw-")

    async def verify(self, credential: str) -> Caller:
        if credential == "good":
            return Caller("token", Claims(issuer="https://issuer.example", subject="", realm="saas"))
        raise CredentialRefused("Forbidden by auth provider", reason="its key is unknown", counts=True)


class Door:
    """The layer under test, with one key and one token, and what it leaves behind."""

    def __init__(
        self,
        *,
        bypass: Bypass | None = None,
        role: Role | None = None,
        per_minute: int = 60,
        clock: FakeClock | None = None,
    ) -> None:
        clock = clock or FakeClock()
        self.inner, self.audit = Inner(), FakeAuditTrail()
        authenticator = Authenticator("us", FakeKeys(role), FakeTokens(), BypassAlarm(clock), bypass or Bypass())
        self.app = Authentication(self.inner, Admission(authenticator, FailureThrottle(per_minute, clock), self.audit))


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
    door, scope = Door(), http_scope(headers=headers)

    answer = await call(door.app, scope)

    assert (answer.status, answer.body.decode()) == (401, f'{{"error":"{refusal}"}}')
    assert door.inner.scopes == []
    access = exchange_of(scope).facts.access
    assert access["http_exception_details"] == f"401: {refusal}"
    assert exchange_of(scope).caller is None


@pytest.mark.parametrize(
    "path", ["/", "/v1/x", "/unheard-of", "/docs", "/monitoring", "/monitoring/healthz/", "/metrics/x"]
)
async def test_every_path_asks_for_a_credential(path: str) -> None:
    assert (await call(Door().app, http_scope(path))).status == 401


@pytest.mark.parametrize("path", sorted(EXEMPT_PATHS))
async def test_the_exempt_paths_ask_for_none(path: str) -> None:
    for method in ("GET", "HEAD"):
        assert (await call(Door().app, http_scope(path, method=method))).status == 200


@pytest.mark.parametrize("path", sorted(EXEMPT_PATHS))
async def test_the_exempt_paths_are_exempt_for_reading_only(path: str) -> None:
    assert (await call(Door().app, http_scope(path, method="POST"))).status == 401


async def test_a_client_key_lets_its_holder_in() -> None:
    scope = http_scope(headers={"authorization": f"Bearer {KEY}"})

    answer = await call(Door().app, scope)

    assert answer.status == 200
    assert exchange_of(scope).caller == client()
    assert exchange_of(scope).facts.access["client"] == "ci"
    assert "auth_duration_s" in exchange_of(scope).facts.access


async def test_a_token_lets_its_holder_in_and_tells_where_from() -> None:
    scope = http_scope(
        headers={
            "authorization": "bearer good",
            "x-gitlab-authentication-type": "oidc",
            "x-gitlab-realm": "saas",
        }
    )

    answer = await call(Door().app, scope)

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

    answer = await call(Door(bypass=bypass).app, scope)

    assert answer.status == 200
    assert exchange_of(scope).caller == Caller("debug")


async def test_what_is_no_request_needs_no_credential() -> None:
    door = Door()

    await call(door.app, {"type": "lifespan"})

    assert door.inner.scope == {"type": "lifespan"}


async def test_a_refusal_tells_the_operator_more_than_the_caller() -> None:
    door, scope = Door(), http_scope("/v2/completions", headers=OIDC | {"authorization": "Bearer bad"})
    exchange_of(scope).facts.correlation_id = "r1"

    answer = await call(door.app, scope)

    assert answer.body == b'{"error":"Forbidden by auth provider"}'
    access = exchange_of(scope).facts.access
    assert (access["auth_error_details"], access["http_exception_details"]) == (
        "its key is unknown",
        "401: Forbidden by auth provider",
    )
    [event] = door.audit.events
    assert (event.kind, event.reason, event.request_id, event.actor) == (
        "credential_refused",
        "its key is unknown",
        "r1",
        "",
    )
    assert event.subject == f"{scope['method']} /v2/completions"


async def test_who_guesses_is_told_to_wait_and_who_knows_gets_in() -> None:
    door = Door(per_minute=2)
    wrong, right = {"authorization": "Bearer gw-wrong"}, {"authorization": f"Bearer {KEY}"}

    answers = [await call(door.app, http_scope(headers=wrong)) for _ in range(4)]

    assert [answer.status for answer in answers] == [401, 401, 429, 429]
    assert int(answers[2].headers["retry-after"]) >= 1
    assert "Too many credentials" in answers[2].body.decode()
    assert (await call(door.app, http_scope(headers=right))).status == 200
    assert len(door.audit.events) == 4


async def test_who_shows_no_credential_is_never_told_to_wait() -> None:
    door = Door(per_minute=1)

    answers = [await call(door.app, http_scope()) for _ in range(4)]

    assert {answer.status for answer in answers} == {401}


@pytest.mark.parametrize("path", ["/admin", "/admin/", "/admin/clients", "/admin/unheard-of"])
async def test_the_operator_door_opens_for_clients_with_a_role_only(path: str) -> None:
    key = {"authorization": f"Bearer {KEY}"}

    assert (await call(Door(role="viewer").app, http_scope(path, headers=key))).status == 200
    without = await call(Door().app, http_scope(path, headers=key))
    assert without.status == 403
    assert "'ci' has no role" in without.body.decode()


@pytest.mark.parametrize("headers", [{}, OIDC, {"bypass-auth": "true"}, {"authorization": "Bearer gw-wrong"}])
async def test_the_operator_door_knows_neither_tokens_nor_bypasses(headers: dict[str, str]) -> None:
    door = Door(bypass=Bypass(external=True, external_with_header=True, signature=True), role="admin")

    answer = await call(door.app, http_scope("/admin/clients", headers=headers))

    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert door.inner.scopes == []


async def test_a_path_that_only_begins_like_the_operator_door_is_none() -> None:
    assert (await call(Door().app, http_scope("/administer", headers=OIDC))).status == 200
