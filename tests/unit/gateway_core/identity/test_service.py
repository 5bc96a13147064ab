from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs
from structlog.typing import EventDict

from fakes.clock import FakeClock
from gateway_core.identity.model import Caller, Claims, Client
from gateway_core.identity.service import Authenticator, Bypass, BypassAlarm
from gateway_core.kernel.errors import CredentialRefused

US = "gitlab-ai-gateway"
CLIENT = Caller("client", client=Client("1", "ci", datetime(2026, 1, 1, tzinfo=UTC)))
NO_BYPASS = Bypass()
OIDC = {"authorization": "Bearer a.b.c", "x-gitlab-authentication-type": "oidc"}


@pytest.fixture
def logs() -> Iterator[list[EventDict]]:
    with capture_logs() as captured:
        yield captured


@dataclass(frozen=True)
class FakeClientKeys:
    """Keys begin with gw-, and one is known."""

    def recognises(self, credential: str) -> bool:
        return credential.startswith("gw-")

    def holder(self, credential: str) -> Caller:
        if credential == "gw-known":
            return CLIENT
        raise CredentialRefused("Forbidden by auth provider", reason="nobody holds it", counts=True)


@dataclass(frozen=True)
class FakeTokens:
    """Every token that was registered holds."""

    known: Mapping[str, Claims] = field(default_factory=dict)

    def recognises(self, credential: str) -> bool:
        return "." in credential

    async def verify(self, credential: str) -> Caller:
        if credential in self.known:
            return Caller("token", self.known[credential])
        raise CredentialRefused("Forbidden by auth provider", reason="signed by nobody", counts=True)


def build(
    *, claims: Claims | None = None, tokens: FakeTokens | None = None, bypass: Bypass = NO_BYPASS, clock: FakeClock
) -> Authenticator:
    """Build an authenticator; `claims` are what the token a.b.c says."""
    verifier = tokens or FakeTokens({"a.b.c": claims} if claims else {})
    return Authenticator(US, FakeClientKeys(), verifier, BypassAlarm(clock), bypass)


async def ask(
    headers: Mapping[str, str],
    *,
    claims: Claims | None = None,
    tokens: FakeTokens | None = None,
    bypass: Bypass = NO_BYPASS,
) -> Caller:
    """Authenticate a request with these headers."""
    authenticator = build(claims=claims, tokens=tokens, bypass=bypass, clock=FakeClock())
    return await authenticator.authenticate(headers.get)


async def refused(
    headers: Mapping[str, str], *, claims: Claims | None = None, bypass: Bypass = NO_BYPASS
) -> CredentialRefused:
    with pytest.raises(CredentialRefused) as caught:
        await ask(headers, claims=claims, bypass=bypass)
    return caught.value


async def refusal(headers: Mapping[str, str], *, claims: Claims | None = None, bypass: Bypass = NO_BYPASS) -> str:
    return str(await refused(headers, claims=claims, bypass=bypass))


async def test_without_a_credential_nobody_gets_in() -> None:
    assert await refusal({}) == "No authorization header presented"


@pytest.mark.parametrize("header", ["", " ", "Bearer", "Bearer ", "Basic b3A6cGFzcw==", "a.b.c", "Bearera.b.c"])
async def test_a_credential_that_is_no_bearer_is_invalid(header: str) -> None:
    assert await refusal({"authorization": header}) == "Invalid authorization header"


@pytest.mark.parametrize("kind", [None, "", "jwt", "OIDC", "oidc "])
async def test_a_token_must_say_exactly_that_it_is_oidc(kind: str | None) -> None:
    headers = {"authorization": "Bearer a.b.c"} | ({"x-gitlab-authentication-type": kind} if kind is not None else {})

    assert await refusal(headers, claims=Claims()) == "Invalid authentication token type - only OIDC is supported"


async def test_a_token_that_does_not_hold_is_forbidden() -> None:
    assert await refusal(OIDC) == "Forbidden by auth provider"


@pytest.mark.parametrize("word", ["Bearer", "bearer", "BEARER", "BeArEr"])
async def test_a_token_that_holds_makes_its_bearer_a_caller_with_its_claims(word: str) -> None:
    claims = Claims(scopes=frozenset({"complete_code"}))

    assert await ask(OIDC | {"authorization": f" {word}  a.b.c "}, claims=claims) == Caller("token", claims)


async def test_the_checks_of_a_token_come_in_their_order() -> None:
    claims = Claims(issuer=US, subject="u", realm="saas", instance_id="i")
    mended = [
        ("authorization", "Basic x", "No authorization header presented"),
        ("authorization", "Bearer nonsense", "Invalid authorization header"),
        ("x-gitlab-authentication-type", "oidc", "Invalid authentication token type - only OIDC is supported"),
        ("authorization", "Bearer a.b.c", "Forbidden by auth provider"),
        ("x-gitlab-realm", "saas", "Header mismatch 'X-Gitlab-Realm'"),
        ("x-gitlab-instance-id", "i", "Header mismatch 'X-Gitlab-Instance-Id'"),
        ("x-gitlab-global-user-id", "u", "Header mismatch 'X-Gitlab-Global-User-Id'"),
    ]
    headers: dict[str, str] = {}
    for name, value, said in mended:
        assert await refusal(headers, claims=claims) == said
        headers[name] = value

    assert await ask(headers, claims=claims) == Caller("token", claims)


@pytest.mark.parametrize(
    ("claims", "header", "value"),
    [
        (Claims(realm="saas"), "X-Gitlab-Realm", "saas"),
        (Claims(instance_id="i1"), "X-Gitlab-Instance-Id", "i1"),
        (Claims(issuer=US, subject="u1"), "X-Gitlab-Global-User-Id", "u1"),
        (Claims(issuer="https://gitlab.example", subject="i1"), "X-Gitlab-Instance-Id", "i1"),
    ],
    ids=["realm", "instance", "user of our own token", "instance as subject of GitLab's token"],
)
async def test_a_claim_must_be_repeated_in_its_header(claims: Claims, header: str, value: str) -> None:
    said = f"Header mismatch '{header}'"

    assert await ask(OIDC | {header.lower(): value}, claims=claims) == Caller("token", claims)
    for wrong in ({}, {header.lower(): ""}, {header.lower(): value.upper()}, {header.lower(): f"{value} "}):
        assert await refusal(OIDC | wrong, claims=claims) == said


async def test_a_claim_that_is_empty_is_not_compared() -> None:
    headers = OIDC | {"x-gitlab-realm": "saas", "x-gitlab-instance-id": "i", "x-gitlab-global-user-id": "u"}

    assert await ask(headers, claims=Claims()) == Caller("token", Claims())


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ({"x-gitlab-duo-seat-count": "7"}, "Header mismatch 'X-Gitlab-Duo-Seat-Count'"),
        ({}, "Header is missing: 'X-Gitlab-Duo-Seat-Count'"),
    ],
)
async def test_a_seat_count_that_differs_is_logged_and_keeps_nobody_out(
    said: dict[str, str], line: str, logs: list[EventDict]
) -> None:
    claims = Claims(duo_seat_count="5")

    assert await ask(OIDC | said, claims=claims) == Caller("token", claims)
    assert [entry["event"] for entry in logs] == [line]


@pytest.mark.parametrize(("claim", "said"), [("5", "5"), ("", "7"), (" ", "7")])
async def test_a_seat_count_that_fits_or_is_blank_says_nothing(claim: str, said: str, logs: list[EventDict]) -> None:
    await ask(OIDC | {"x-gitlab-duo-seat-count": said}, claims=Claims(duo_seat_count=claim))

    assert logs == []


@pytest.mark.parametrize(
    "header", ["Bearer a.b.c, Bearer a.b.c", "Bearer gw-known, Bearer gw-other", "Bearer gw-known gw-other"]
)
async def test_two_credentials_are_none(header: str) -> None:
    found = await refused(OIDC | {"authorization": header}, claims=Claims())

    assert str(found) == "Invalid authorization header"
    assert "send one" in found.reason


async def test_a_mismatch_tells_the_operator_which_claim_and_which_header() -> None:
    found = await refused(OIDC | {"x-gitlab-realm": "saas"}, claims=Claims(realm="self-managed"))

    assert "'gitlab_realm'" in found.reason
    assert "X-Gitlab-Realm" in found.reason
    assert found.counts


@pytest.mark.parametrize("headers", [{}, {"authorization": "nonsense"}, {"authorization": "Bearer a.b.c"}])
async def test_only_a_credential_that_was_shown_counts_as_a_guess(headers: dict[str, str]) -> None:
    assert not (await refused(headers)).counts


async def test_a_client_key_may_come_as_an_api_key() -> None:
    assert await ask({"x-api-key": "gw-known"}) == CLIENT


@pytest.mark.parametrize("key", ["gw-other", "a.b.c", "", "gw-known, gw-known"])
async def test_an_api_key_is_a_client_key_or_nothing(key: str) -> None:
    assert await refusal(OIDC | {"x-api-key": key} | {"authorization": "Bearer x"}, claims=Claims()) != ""
    assert await refusal({"x-api-key": key}, claims=Claims()) == "Forbidden by auth provider"


async def test_the_authorization_header_comes_before_the_api_key() -> None:
    assert await refusal({"authorization": "Basic x", "x-api-key": "gw-known"}) == "Invalid authorization header"


async def test_the_operator_door_takes_client_keys() -> None:
    authenticator = build(clock=FakeClock())

    assert await authenticator.authenticate_operator({"authorization": "Bearer gw-known"}.get) == CLIENT
    assert await authenticator.authenticate_operator({"x-api-key": "gw-known"}.get) == CLIENT


@pytest.mark.parametrize("headers", [OIDC, {"bypass-auth": "true"}, {}, {"authorization": "Bearer gw-other"}])
async def test_the_operator_door_takes_nothing_else_and_knows_no_bypass(headers: Mapping[str, str]) -> None:
    bypass = Bypass(external=True, external_with_header=True, signature=True)
    authenticator = build(claims=Claims(), bypass=bypass, clock=FakeClock())

    with pytest.raises(CredentialRefused):
        await authenticator.authenticate_operator(headers.get)


@pytest.mark.parametrize(
    ("bypass", "headers", "setting"),
    [
        (Bypass(external=True), {}, "AIGW_AUTH__BYPASS_EXTERNAL"),
        (Bypass(external_with_header=True), {"bypass-auth": "true"}, "AIGW_AUTH__BYPASS_EXTERNAL_WITH_HEADER"),
        (Bypass(signature=True), OIDC, "AIGW_AUTH__BYPASS_JWT_SIGNATURE"),
    ],
)
async def test_a_bypass_in_use_is_told_once_a_minute(
    bypass: Bypass, headers: Mapping[str, str], setting: str, logs: list[EventDict]
) -> None:
    clock = FakeClock()
    authenticator = build(claims=Claims(), bypass=bypass, clock=clock)

    for seconds in (0, 1, 58.9, 0.1, 30):
        clock.advance(seconds)
        await authenticator.authenticate(headers.get)

    told = [(line["event"], line["log_level"], line["setting"], line["requests"]) for line in logs]
    assert told == [
        ("authentication_bypass_used", "critical", setting, 1),
        ("authentication_bypass_used", "critical", setting, 3),
    ]


@pytest.mark.parametrize("word", ["Bearer", "bearer"])
async def test_a_client_key_is_enough_by_itself(word: str) -> None:
    assert await ask({"authorization": f"{word} gw-known"}) == CLIENT


async def test_a_client_key_that_we_did_not_make_is_forbidden() -> None:
    assert await refusal(OIDC | {"authorization": "Bearer gw-other"}) == "Forbidden by auth provider"


async def test_what_begins_like_a_client_key_is_never_tried_as_a_token() -> None:
    tokens = FakeTokens({"gw-other": Claims()})

    with pytest.raises(CredentialRefused, match=r"^Forbidden by auth provider$"):
        await ask(OIDC | {"authorization": "Bearer gw-other"}, tokens=tokens)


@pytest.mark.parametrize("headers", [{}, {"authorization": "nonsense"}, OIDC])
async def test_the_bypass_lets_everybody_in_as_a_debug_user(headers: Mapping[str, str]) -> None:
    assert await ask(headers, bypass=Bypass(external=True)) == Caller("debug")


async def test_the_bypass_with_a_header_needs_exactly_that_header() -> None:
    bypass = Bypass(external_with_header=True)

    assert await ask({"bypass-auth": "true"}, bypass=bypass) == Caller("debug")
    for value in ("True", "1", "false", "", "true "):
        assert await refusal({"bypass-auth": value}, bypass=bypass) == "No authorization header presented"
    assert await refusal({}, bypass=bypass) == "No authorization header presented"


async def test_the_bypass_header_means_nothing_when_no_setting_allows_it() -> None:
    assert await refusal({"bypass-auth": "true"}) == "No authorization header presented"


@given(st.dictionaries(st.sampled_from([*OIDC, "bypass-auth", "x-gitlab-realm", "x-gitlab-instance-id"]), st.text()))
async def test_no_headers_let_anybody_in_who_proved_nothing(headers: dict[str, str]) -> None:
    with pytest.raises(CredentialRefused):
        await ask(headers)
