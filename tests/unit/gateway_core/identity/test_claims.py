from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.signing import ISSUER, NOW, SERVICE, claims_of
from gateway_core.identity.claims import TokenRefused, check_claims
from gateway_core.identity.model import Claims

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def read(**changes: object) -> Claims:
    return check_claims(json.dumps(claims_of(**changes)).encode(), audience=SERVICE, now=NOW)[0]


def reason_of(**changes: object) -> str:
    return raw_reason(json.dumps(claims_of(**changes)).encode())


def raw_reason(payload: bytes, *, audience: str = SERVICE) -> str:
    with pytest.raises(TokenRefused) as refused:
        check_claims(payload, audience=audience, now=NOW)
    return refused.value.reason


def test_a_token_gives_the_claims_we_have_words_for_and_keeps_the_others() -> None:
    claims = read(
        sub="i1",
        scopes=["complete_code", "complete_code", "ask"],
        gitlab_realm="saas",
        gitlab_instance_id="i1",
        duo_seat_count="5",
        gitlab_instance_uid="u1",
        gitlab_project_id="7",
        skip_usage_cutoff=True,
        jti="of this token alone",
    )

    assert claims == Claims(
        issuer=ISSUER,
        subject="i1",
        scopes=frozenset({"complete_code", "ask"}),
        realm="saas",
        instance_id="i1",
        duo_seat_count="5",
        instance_uid="u1",
        extra={"gitlab_project_id": "7", "skip_usage_cutoff": True},
    )


def test_claims_that_are_not_there_are_empty() -> None:
    payload = json.dumps({"aud": SERVICE, "exp": NOW + 60, "sub": None}).encode()

    assert check_claims(payload, audience=SERVICE, now=NOW)[0] == Claims()


def test_the_end_of_the_token_comes_with_its_claims() -> None:
    payload = json.dumps(claims_of(exp=NOW + 12.5)).encode()

    assert check_claims(payload, audience=SERVICE, now=NOW)[1] == NOW + 12.5


def test_nobody_can_write_into_claims_that_several_requests_share() -> None:
    extra = read(x=1).extra

    with pytest.raises(TypeError):
        extra["x"] = 2  # type: ignore[index] # the very thing that must fail


@pytest.mark.parametrize("audience", [SERVICE, [SERVICE], ["other", SERVICE]])
def test_an_audience_that_is_or_holds_us_is_ours(audience: object) -> None:
    assert read(aud=audience).issuer == ISSUER


@pytest.mark.parametrize(
    "audience",
    [
        "",
        "other",
        f"{SERVICE}-2",
        f"{SERVICE} other",
        f"{SERVICE} ",
        SERVICE.upper(),
        [],
        ["other"],
        [[SERVICE]],
        [SERVICE, 1],
        [None, SERVICE],
        {SERVICE: 1},
        {"aud": SERVICE},
        1,
        True,
    ],
)
def test_another_audience_is_not(audience: object) -> None:
    assert reason_of(aud=audience)


def test_a_token_without_an_audience_does_not_hold() -> None:
    assert "'aud'" in reason_of(aud=None)


def test_a_gateway_without_a_name_is_nobodys_audience() -> None:
    payload = json.dumps(claims_of(aud="")).encode()

    assert "AIGW_CLOUD_CONNECTOR_SERVICE_NAME" in raw_reason(payload, audience="")


@pytest.mark.parametrize(("expires", "holds"), [(0.5, True), (10**9, True), (10**40, True), (0, False), (-1, False)])
def test_a_token_holds_until_it_expires_without_leeway(expires: float, *, holds: bool) -> None:
    if holds:
        assert read(exp=NOW + expires).issuer == ISSUER
    else:
        assert "expired" in reason_of(exp=NOW + expires)


@pytest.mark.parametrize("expires", ["soon", str(NOW + 60), [NOW + 60], {}, True, 10**400])
def test_an_expiry_that_is_no_time_does_not_hold(expires: object) -> None:
    assert "'exp'" in reason_of(exp=expires)


@pytest.mark.parametrize("written", [b"null", b"1e999", b"NaN", b"Infinity", b"-1e999"])
def test_an_expiry_that_json_can_hardly_say_does_not_hold(written: bytes) -> None:
    assert raw_reason(b'{"aud":"' + SERVICE.encode() + b'","exp":' + written + b"}")


def test_a_token_without_an_expiry_does_not_hold() -> None:
    assert "never expires" in reason_of(exp=None)


@pytest.mark.parametrize("claim", ["nbf", "iat"])
@pytest.mark.parametrize(("begins", "holds"), [(0, True), (-60, True), (0.5, False), (10**6, False), (10**40, False)])
def test_a_token_does_not_hold_before_its_time(claim: str, begins: float, *, holds: bool) -> None:
    if holds:
        assert read(**{claim: NOW + begins}).issuer == ISSUER
    else:
        assert "from now" in reason_of(**{claim: NOW + begins})


@pytest.mark.parametrize("claim", ["nbf", "iat"])
@pytest.mark.parametrize("begins", ["now", "1", [], {}, True])
def test_a_beginning_that_is_no_time_does_not_hold(claim: str, begins: object) -> None:
    assert claim in reason_of(**{claim: begins})


@pytest.mark.parametrize("claim", [b"nbf", b"iat"])
def test_a_beginning_that_is_null_is_no_time_either(claim: bytes) -> None:
    payload = json.dumps(claims_of(nbf=None, iat=None)).encode()

    assert "not a number" in raw_reason(payload[:-1] + b',"' + claim + b'":null}')


@pytest.mark.parametrize("claim", ["nbf", "iat"])
def test_a_beginning_may_be_left_out(claim: str) -> None:
    assert read(**{claim: None}).issuer == ISSUER


@pytest.mark.parametrize("scopes", ["complete_code", {"complete_code": True}, 7, True])
def test_scopes_that_are_no_list_give_no_rights(scopes: object) -> None:
    assert read(scopes=scopes).scopes == frozenset()


def test_members_of_the_scopes_that_are_no_text_are_passed_over_and_unknown_ones_kept() -> None:
    assert read(scopes=["ask", 1, None, ["complete_code"], "of_tomorrow"]).scopes == {"ask", "of_tomorrow"}


@pytest.mark.parametrize(("seats", "read_as"), [(5, "5"), ("5", "5"), (0, "0"), (" ", " ")])
def test_a_number_of_seats_is_compared_as_text(seats: object, read_as: str) -> None:
    assert read(duo_seat_count=seats).duo_seat_count == read_as


@pytest.mark.parametrize(
    "claim", ["iss", "sub", "gitlab_realm", "gitlab_instance_id", "duo_seat_count", "gitlab_instance_uid"]
)
@pytest.mark.parametrize("value", [True, False, [], ["x"], {}, {"x": 1}])
def test_a_claim_that_must_be_text_and_is_none_ends_the_token(claim: str, value: object) -> None:
    assert reason_of(**{claim: value}) == f"its {claim!r} is {value!r}, not a text"


@pytest.mark.parametrize("payload", [b"", b"[]", b"null", b'"x"', b"{", b"{}{}", b'{"x":"\xff"}', b'{"a":1,"a":1}'])
def test_a_payload_that_is_no_object_does_not_hold(payload: bytes) -> None:
    assert "payload" in raw_reason(payload)


def test_the_reasons_name_cause_and_cure() -> None:
    audience = reason_of(aud="other")
    assert "'other'" in audience
    assert f"'{SERVICE}'" in audience
    assert "set AIGW_CLOUD_CONNECTOR_SERVICE_NAME" in audience

    assert reason_of(exp=NOW - 12) == ("it expired 12 s ago (exp 2026-11-21T08:59:48+00:00): are both clocks right?")
    assert reason_of(iat=NOW + 3) == (
        "it was issued 3 s from now (iat 2026-11-21T09:00:03+00:00): are both clocks right?"
    )


@pytest.mark.parametrize("claim", ["aud", "iss", "exp"])
def test_the_reasons_are_short_whatever_the_token_says(claim: str) -> None:
    assert len(reason_of(**{claim: ["x" * 5_000]})) < 300


@given(st.binary(max_size=200))
def test_no_payload_breaks_the_reader(payload: bytes) -> None:
    with suppress(TokenRefused):
        check_claims(payload, audience=SERVICE, now=NOW)


@given(
    st.dictionaries(st.sampled_from(["iss", "sub", "aud", "exp", "nbf", "iat", "scopes", "gitlab_realm", "x"]), JSON)
)
def test_no_claims_break_the_reader(changes: dict[str, object]) -> None:
    payload = json.dumps({**claims_of(), **changes}).encode()
    try:
        claims, expiry = check_claims(payload, audience=SERVICE, now=NOW)
    except TokenRefused:
        return
    assert expiry > NOW
    assert isinstance(claims.subject, str)
    assert all(isinstance(scope, str) for scope in claims.scopes)
