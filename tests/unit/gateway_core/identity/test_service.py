from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.identity.model import Caller, Claims
from gateway_core.identity.ports import TokenVerifier
from gateway_core.identity.service import Authenticator, Bypass
from gateway_core.kernel.errors import CredentialRefused

US = "gitlab-ai-gateway"
CLIENT = Caller("client")
NO_BYPASS = Bypass()
OIDC = {"authorization": "Bearer a.b.c", "x-gitlab-authentication-type": "oidc"}


@dataclass(frozen=True)
class FakeClientKeys:
    keys: frozenset[str] = frozenset({"gw-known"})

    def verify(self, key: str) -> Caller | None:
        return CLIENT if key in self.keys else None


@dataclass(frozen=True)
class FakeTokens:
    """Every token that was registered holds."""

    known: Mapping[str, Claims] = field(default_factory=dict)

    def verify(self, token: str) -> Claims | None:
        return self.known.get(token)


def ask(
    headers: Mapping[str, str],
    *,
    claims: Claims | None = None,
    tokens: TokenVerifier | None = None,
    bypass: Bypass = NO_BYPASS,
) -> Caller:
    """Authenticate a request with these headers; `claims` are what the token a.b.c says."""
    verifier = tokens or FakeTokens({"a.b.c": claims} if claims else {})
    return Authenticator(US, FakeClientKeys(), verifier, bypass).authenticate(headers.get)


def refusal(headers: Mapping[str, str], *, claims: Claims | None = None, bypass: Bypass = NO_BYPASS) -> str:
    with pytest.raises(CredentialRefused) as refused:
        ask(headers, claims=claims, bypass=bypass)
    return str(refused.value)


def test_without_a_credential_nobody_gets_in() -> None:
    assert refusal({}) == "No authorization header presented"


@pytest.mark.parametrize("header", ["", " ", "Bearer", "Bearer ", "Basic b3A6cGFzcw==", "a.b.c", "Bearera.b.c"])
def test_a_credential_that_is_no_bearer_is_invalid(header: str) -> None:
    assert refusal({"authorization": header}) == "Invalid authorization header"


@pytest.mark.parametrize("kind", [None, "", "jwt", "OIDC", "oidc "])
def test_a_token_must_say_exactly_that_it_is_oidc(kind: str | None) -> None:
    headers = {"authorization": "Bearer a.b.c"} | ({"x-gitlab-authentication-type": kind} if kind is not None else {})

    assert refusal(headers, claims=Claims()) == "Invalid authentication token type - only OIDC is supported"


def test_a_token_that_does_not_hold_is_forbidden() -> None:
    assert refusal(OIDC) == "Forbidden by auth provider"


def test_without_a_verifier_every_token_is_forbidden() -> None:
    with pytest.raises(CredentialRefused, match=r"^Forbidden by auth provider$"):
        Authenticator(US, FakeClientKeys(), None).authenticate(OIDC.get)


@pytest.mark.parametrize("word", ["Bearer", "bearer", "BEARER", "BeArEr"])
def test_a_token_that_holds_makes_its_bearer_a_caller_with_its_claims(word: str) -> None:
    claims = Claims(scopes=frozenset({"complete_code"}))

    assert ask(OIDC | {"authorization": f" {word}  a.b.c "}, claims=claims) == Caller("token", claims)


def test_the_checks_of_a_token_come_in_their_order() -> None:
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
        assert refusal(headers, claims=claims) == said
        headers[name] = value

    assert ask(headers, claims=claims) == Caller("token", claims)


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
def test_a_claim_must_be_repeated_in_its_header(claims: Claims, header: str, value: str) -> None:
    said = f"Header mismatch '{header}'"

    assert ask(OIDC | {header.lower(): value}, claims=claims) == Caller("token", claims)
    for wrong in ({}, {header.lower(): ""}, {header.lower(): value.upper()}, {header.lower(): f"{value} "}):
        assert refusal(OIDC | wrong, claims=claims) == said


def test_a_claim_that_is_empty_is_not_compared() -> None:
    headers = OIDC | {"x-gitlab-realm": "saas", "x-gitlab-instance-id": "i", "x-gitlab-global-user-id": "u"}

    assert ask(headers, claims=Claims()) == Caller("token", Claims())


def test_a_seat_count_that_differs_does_not_keep_anybody_out() -> None:
    claims = Claims(duo_seat_count="5")

    assert ask(OIDC | {"x-gitlab-duo-seat-count": "7"}, claims=claims) == Caller("token", claims)


@pytest.mark.parametrize("word", ["Bearer", "bearer"])
def test_a_client_key_is_enough_by_itself(word: str) -> None:
    assert ask({"authorization": f"{word} gw-known"}) == CLIENT


def test_a_client_key_that_we_did_not_make_is_forbidden() -> None:
    assert refusal(OIDC | {"authorization": "Bearer gw-other"}) == "Forbidden by auth provider"


def test_what_begins_like_a_client_key_is_never_tried_as_a_token() -> None:
    tokens = FakeTokens({"gw-other": Claims()})

    with pytest.raises(CredentialRefused, match=r"^Forbidden by auth provider$"):
        ask(OIDC | {"authorization": "Bearer gw-other"}, tokens=tokens)


@pytest.mark.parametrize("headers", [{}, {"authorization": "nonsense"}, OIDC])
def test_the_bypass_lets_everybody_in_as_a_debug_user(headers: Mapping[str, str]) -> None:
    assert ask(headers, bypass=Bypass(external=True)) == Caller("debug")


def test_the_bypass_with_a_header_needs_exactly_that_header() -> None:
    bypass = Bypass(external_with_header=True)

    assert ask({"bypass-auth": "true"}, bypass=bypass) == Caller("debug")
    for value in ("True", "1", "false", "", "true "):
        assert refusal({"bypass-auth": value}, bypass=bypass) == "No authorization header presented"
    assert refusal({}, bypass=bypass) == "No authorization header presented"


def test_the_bypass_header_means_nothing_when_no_setting_allows_it() -> None:
    assert refusal({"bypass-auth": "true"}) == "No authorization header presented"


@given(st.dictionaries(st.sampled_from([*OIDC, "bypass-auth", "x-gitlab-realm", "x-gitlab-instance-id"]), st.text()))
def test_no_headers_let_anybody_in_who_proved_nothing(headers: dict[str, str]) -> None:
    with pytest.raises(CredentialRefused):
        ask(headers)
