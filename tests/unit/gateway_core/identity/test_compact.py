from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.signing import (
    claims_of,
    decoded,
    encoded,
    forged_headers,
    forged_payloads,
    rsa_key,
    sign_parts,
    twisted,
    write_token,
)
from gateway_core.identity.compact import LONGEST_TOKEN, TokenHeader, TokenMalformed, looks_compact, parse_compact

KEY = rsa_key()
GOOD = write_token(claims_of(), key=KEY)
# They are tokens by their form, only not signed ones.
LOOKS_LIKE_A_TOKEN = {"doubled payload", "emptied payload", "longer signature"}
SHAPE = st.text("eyJhbGciOi.-_=AQgw", max_size=60)


def reason_of(token: str) -> str:
    with pytest.raises(TokenMalformed) as refused:
        parse_compact(token)
    return refused.value.reason


def test_a_token_is_taken_apart() -> None:
    header, payload, signature = GOOD.split(".")

    token = parse_compact(GOOD)

    assert token.header == TokenHeader("RS256", "k1", "JWT")
    assert token.signing_input == f"{header}.{payload}".encode()
    assert token.payload == decoded(payload)
    assert token.signature == decoded(signature)


def test_key_id_and_type_may_be_missing() -> None:
    assert parse_compact(write_token(claims_of(), header={"kid": None, "typ": None})).header == TokenHeader("RS256")


@pytest.mark.parametrize(("name", "value"), [("x5t", "AAAA"), ("cty", "JWT"), ("b64", True), ("of_tomorrow", [1])])
def test_header_members_that_change_nothing_are_passed_over(name: str, value: object) -> None:
    assert parse_compact(write_token(claims_of(), header={name: value})).header.algorithm == "RS256"


@pytest.mark.parametrize("forgery", sorted(forged_headers(KEY)))
def test_a_header_that_asks_for_more_than_a_signature_is_refused(forgery: str) -> None:
    assert reason_of(forged_headers(KEY)[forgery])


@pytest.mark.parametrize("forgery", sorted(forged_payloads(KEY)))
def test_a_payload_that_is_not_one_plain_json_object_is_refused(forgery: str) -> None:
    assert "payload" in reason_of(forged_payloads(KEY)[forgery])


@pytest.mark.parametrize("twist", sorted(set(twisted(GOOD)) - LOOKS_LIKE_A_TOKEN))
def test_a_token_has_one_spelling(twist: str) -> None:
    assert reason_of(twisted(GOOD)[twist])


@pytest.mark.parametrize("spelling", ["none", "None", "NONE", "nOnE"])
def test_no_spelling_of_no_algorithm_is_taken(spelling: str) -> None:
    assert "unsigned tokens are not taken" in reason_of(write_token(claims_of(), header={"alg": spelling}))


def test_a_token_may_be_as_long_as_the_limit_and_no_longer() -> None:
    signature = len(GOOD.rpartition(".")[2])
    head = encoded(b'{"alg":"RS256"}')
    room = LONGEST_TOKEN - len(head) - signature - 2
    fill = room * 3 // 4 - len(b'{"x":""}')
    longest = sign_parts(b'{"alg":"RS256"}', b'{"x":"' + b"y" * fill + b'"}', key=KEY)
    longer = sign_parts(b'{"alg":"RS256"}', b'{"x":"' + b"y" * (fill + 3) + b'"}', key=KEY)

    assert LONGEST_TOKEN - 3 <= len(longest) <= LONGEST_TOKEN < len(longer)
    assert parse_compact(longest).header.algorithm == "RS256"
    assert str(LONGEST_TOKEN) in reason_of(longer)


@pytest.mark.parametrize(("levels", "taken"), [(15, True), (16, False), (40, False)])
def test_a_payload_may_be_sixteen_levels_deep(levels: int, *, taken: bool) -> None:
    payload = b'{"x":' + b"[" * levels + b"]" * levels + b"}"
    token = sign_parts(b'{"alg":"RS256"}', payload, key=KEY)

    if taken:
        assert parse_compact(token).payload == payload
    else:
        assert "deeper than 16 levels" in reason_of(token)


def test_a_wide_payload_is_not_deep() -> None:
    assert parse_compact(write_token(claims_of(x=[[] for _ in range(50)]))).header.kid == "k1"


def test_numbers_of_thousands_of_digits_are_refused_at_once() -> None:
    assert reason_of(sign_parts(b'{"alg":"RS256"}', b'{"exp":' + b"9" * 5_000 + b"}", key=KEY))


@pytest.mark.parametrize(
    ("token", "cause"),
    [
        ("", "1 parts"),
        ("a.b", "2 parts"),
        ("a.b.c.d.e", "5 parts"),
        ("a.b.", "without a signature"),
        ("a=.b.c", "padded"),
        ("a b.c.d", "characters"),
        ("a.b.c", "header is not whole"),
        (write_token(claims_of(), header={"alg": "none"}), "'none'"),
        (write_token(claims_of(), header={"jwk": {}}), "'jwk'"),
        (sign_parts(b'{"alg":"RS256","kid":"a","kid":"a"}', b"{}", key=KEY), "holds 'kid' twice"),
    ],
    ids=["empty", "two", "five", "unsigned", "padded", "space", "cut", "none", "own key", "twins"],
)
def test_the_reason_names_the_cause(token: str, cause: str) -> None:
    assert cause in reason_of(token)


def test_the_reason_is_short_whatever_the_token_says() -> None:
    name = "x" * 3_000
    twins = f'{{"{name}":1,"{name}":2}}'.encode()

    assert len(reason_of(sign_parts(twins, b"{}", key=KEY))) < 200


@pytest.mark.parametrize(("credential", "looks"), [("a.b.c", True), ("..", True), ("a.b", False), ("gw-abc", False)])
def test_looks_alone_tell_a_token(credential: str, *, looks: bool) -> None:
    assert looks_compact(credential) is looks


@given(st.text() | SHAPE | st.lists(SHAPE, min_size=3, max_size=3).map(".".join))
def test_no_text_breaks_the_reader(text: str) -> None:
    with suppress(TokenMalformed):
        parse_compact(text)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_no_bytes_break_the_reader(header: bytes, payload: bytes) -> None:
    with suppress(TokenMalformed):
        parse_compact(f"{encoded(header)}.{encoded(payload)}.AAAA")


@given(st.data())
def test_no_two_tokens_read_the_same(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(GOOD) - 1))
    other = data.draw(st.characters())
    changed = f"{GOOD[:place]}{other}{GOOD[place + 1 :]}"

    try:
        token = parse_compact(changed)
    except TokenMalformed:
        return
    again = f"{token.signing_input.decode()}.{encoded(token.signature)}"
    assert again == changed
    assert (token == parse_compact(GOOD)) is (changed == GOOD)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=10,
    )
)
def test_any_plain_claim_is_read_back(value: object) -> None:
    token = parse_compact(write_token({"x": value}))

    assert json.loads(token.payload) == {"x": value}
