from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.clock import FakeClock
from gateway_core.identity.model import Claims
from gateway_core.identity.unsigned import UnsignedTokens

US = "gitlab-ai-gateway"
NOW = FakeClock().now().timestamp()
GOOD: dict[str, object] = {"aud": US, "exp": NOW + 60}


def token(payload: object, *, header: str = "eyJhbGciOiJSUzI1NiJ9", signature: str = "c2ln") -> str:
    return raw_token(json.dumps(payload).encode(), header=header, signature=signature)


def raw_token(payload: bytes, *, header: str = "e30", signature: str = "c2ln") -> str:
    return f"{header}.{base64.urlsafe_b64encode(payload).decode().rstrip('=')}.{signature}"


def verify(given_token: str, *, clock: FakeClock | None = None) -> Claims | None:
    return UnsignedTokens(US, clock or FakeClock()).verify(given_token)


def test_a_token_gives_the_claims_we_have_words_for_and_keeps_the_others() -> None:
    payload = GOOD | {
        "iss": "https://gitlab.example",
        "sub": "i1",
        "scopes": ["complete_code", "complete_code", "ask"],
        "gitlab_realm": "saas",
        "gitlab_instance_id": "i1",
        "duo_seat_count": 5,
        "gitlab_instance_uid": "u1",
        "gitlab_project_id": "7",
        "skip_usage_cutoff": True,
    }

    claims = verify(token(payload))

    assert claims == Claims(
        issuer="https://gitlab.example",
        subject="i1",
        scopes=frozenset({"complete_code", "ask"}),
        realm="saas",
        instance_id="i1",
        duo_seat_count="5",
        instance_uid="u1",
        extra=GOOD | {"gitlab_project_id": "7", "skip_usage_cutoff": True},
    )


def test_claims_that_are_not_there_are_empty() -> None:
    claims = verify(token(GOOD | {"sub": None}))

    assert claims == Claims(extra=GOOD)


@pytest.mark.parametrize("signature", ["", "c2ln", "anything"])
def test_nobody_looks_at_the_signature(signature: str) -> None:
    assert verify(token(GOOD, signature=signature)) is not None


@pytest.mark.parametrize("audience", [US, [US], ["other", US]])
def test_an_audience_that_is_or_holds_us_is_ours(audience: object) -> None:
    assert verify(token(GOOD | {"aud": audience})) is not None


@pytest.mark.parametrize(
    "audience", [None, "", "other", f"{US}-2", f"{US} other", [], ["other"], [[US]], {US: 1}, {"aud": US}, 1, True]
)
def test_another_audience_is_not(audience: object) -> None:
    assert verify(token(GOOD | {"aud": audience})) is None


def test_a_token_without_an_audience_does_not_hold() -> None:
    assert verify(token({"exp": NOW + 60})) is None


@pytest.mark.parametrize(("expires", "holds"), [(NOW + 0.5, True), (NOW + 10**9, True), (NOW, False), (NOW - 1, False)])
def test_a_token_holds_until_it_expires_without_leeway(expires: float, *, holds: bool) -> None:
    assert (verify(token(GOOD | {"exp": expires})) is not None) is holds


@pytest.mark.parametrize("expires", [None, "soon", str(NOW + 60), [NOW + 60], {}, True])
def test_an_expiry_that_is_no_time_does_not_hold(expires: object) -> None:
    assert verify(token(GOOD | {"exp": expires})) is None


def test_a_token_without_an_expiry_does_not_hold() -> None:
    assert verify(token({"aud": US})) is None


@pytest.mark.parametrize("claim", ["nbf", "iat"])
@pytest.mark.parametrize(
    ("begins", "holds"),
    [(NOW, True), (NOW - 60, True), (NOW + 0.5, False), (None, False), ("now", False), ([], False)],
)
def test_a_token_does_not_hold_before_its_time(claim: str, begins: object, *, holds: bool) -> None:
    assert (verify(token(GOOD | {claim: begins})) is not None) is holds


def test_a_token_that_held_does_not_once_its_time_is_over() -> None:
    clock = FakeClock()
    good = token(GOOD)
    assert verify(good, clock=clock) is not None

    clock.advance(60)

    assert verify(good, clock=clock) is None


@pytest.mark.parametrize("scopes", ["complete_code", None, {"complete_code": True}, 7])
def test_scopes_that_are_no_list_give_no_rights(scopes: object) -> None:
    claims = verify(token(GOOD | {"scopes": scopes}))

    assert claims is not None
    assert claims.scopes == frozenset()


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        ".",
        "..",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        f"{token(GOOD)}.more",
        "e30.é.c2ln",
        "e30.====.c2ln",
        token(GOOD).replace(".", ","),
        raw_token(b"{"),
        raw_token(b"\xff\xfe"),
        raw_token(b"null"),
        raw_token(b"[]"),
        raw_token(b'"text"'),
        raw_token(json.dumps(GOOD).encode() + b"}"),
        raw_token(b'{"aud":"' + US.encode() + b'","exp":1e999}'),
    ],
)
def test_garbage_is_no_token(garbage: str) -> None:
    assert verify(garbage) is None


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_a_token_nested_without_end_is_no_token(opening: bytes) -> None:
    assert verify(raw_token(b'{"aud":"gitlab-ai-gateway","x":' + opening * 1_900)) is None


def test_a_token_larger_than_any_real_one_is_not_read() -> None:
    at_the_limit = token(GOOD | {"x": "y" * 12_150})
    over_it = token(GOOD | {"x": "y" * 12_300})

    assert len(at_the_limit) <= 16 * 1024 < len(over_it)
    assert verify(at_the_limit) is not None
    assert verify(over_it) is None


@given(st.text() | st.lists(st.text("eyJhbGciOi.-_=", max_size=30), min_size=3, max_size=3).map(".".join))
def test_no_text_at_all_breaks_the_reader(text: str) -> None:
    assert verify(text) is None


@given(st.binary(max_size=200))
def test_no_payload_at_all_breaks_the_reader(payload: bytes) -> None:
    assert verify(raw_token(payload)) is None
