from __future__ import annotations

import json
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from fakes.signing import decoded, ec_key, encoded, jwk_of, number, private_pem, rsa_key
from gateway_core.identity.key_set import MOST_KEYS, KeySetUnreadable, ParsedKeySet, SkippedKey, parse_key_set

BOTH = ("RS256", "ES256")
PUBLIC = {"kty", "n", "e"}


def parse(*entries: object, algorithms: tuple[str, ...] = BOTH, issuer: str | None = None) -> ParsedKeySet:
    document = json.dumps({"keys": entries}).encode()
    return parse_key_set(document, source="Gitlab", algorithms=algorithms, issuer=issuer)


def reason_of(entry: object, *, algorithms: tuple[str, ...] = BOTH) -> str:
    parsed = parse(entry, algorithms=algorithms)
    assert parsed.keys == ()
    assert len(parsed.skipped) == 1
    return parsed.skipped[0].reason


def test_a_published_key_is_trusted_in_the_name_of_its_source() -> None:
    parsed = parse(jwk_of(rsa_key(), kid="k1"), issuer="http://gitlab.test")

    (key,) = parsed.keys
    assert (key.source, key.kid, key.algorithm, key.issuer) == ("Gitlab", "k1", "RS256", "http://gitlab.test")
    assert key.key.public_key == rsa_key().public_key()
    assert parsed.skipped == ()


def test_keys_keep_their_order_and_may_share_an_id_or_have_none() -> None:
    names = ("first", "second", "third")
    entries = [jwk_of(rsa_key(name), kid=kid) for name, kid in zip(names, ("same", "same", None), strict=True)]

    parsed = parse(*entries)

    assert [key.kid for key in parsed.keys] == ["same", "same", None]
    assert [key.key.public_key for key in parsed.keys] == [rsa_key(name).public_key() for name in names]


@pytest.mark.parametrize(
    "members", [{"use": None, "alg": None}, {"key_ops": ["verify"]}, {"x5c": ["AAAA"]}, {"kid": None}, {"of": "later"}]
)
def test_members_that_are_missing_or_fit_or_mean_nothing_to_us_do_no_harm(members: dict[str, object]) -> None:
    assert len(parse(jwk_of(rsa_key(), **members)).keys) == 1


def test_the_largest_and_the_smallest_keys_are_taken() -> None:
    largest = {"kty": "RSA", "n": number(2**8191 + 1), "e": "Aw"}

    assert len(parse(largest, jwk_of(rsa_key())).keys) == 2


def test_a_number_may_begin_with_zeros_and_be_padded() -> None:
    plain = jwk_of(rsa_key())
    modulus = encoded(b"\0" + decoded(str(plain["n"])))

    parsed = parse(plain, {**plain, "n": modulus + "=" * (-len(modulus) % 4)})

    assert parsed.keys[0] == parsed.keys[1]


@pytest.mark.parametrize(
    ("members", "cause"),
    [
        ({"use": "enc"}, "its use is 'enc'"),
        ({"use": 1}, "its use is 1"),
        ({"key_ops": ["sign"]}, "'key_ops'"),
        ({"key_ops": "verify"}, "'key_ops'"),
        ({"alg": "RS512"}, "its algorithm is 'RS512'"),
        ({"alg": "HS256"}, "its algorithm is 'HS256'"),
        ({"alg": "ES256"}, "its algorithm is 'ES256'"),
        ({"kid": 7}, "'kid'"),
        ({"kid": "k" * 257}, "'kid'"),
        ({"kty": "oct", "k": "AAAA"}, "'oct'"),
        ({"kty": "OKP", "crv": "Ed25519"}, "'OKP'"),
        ({"kty": "PQC"}, "'PQC'"),
        ({"kty": "rsa"}, "'rsa'"),
        ({"kty": None}, "None"),
        ({"kty": ["RSA"]}, "['RSA']"),
        ({"n": None}, "'n'"),
        ({"e": None}, "'e'"),
        ({"n": 5}, "'n'"),
        ({"n": "AAAA BBBB"}, "'n'"),
        ({"n": "AAAAA"}, "'n'"),
        ({"e": ""}, "'e'"),
        ({"e": "AQ"}, "exponent"),
        ({"e": "AA"}, "exponent"),
        ({"e": "AQAA"}, "exponent"),
        ({"e": encoded(b"\1" * 9)}, "exponent"),
        ({"n": number(2**2047)}, "even"),
        ({"n": number(2**8192 + 1)}, "8193 bits"),
    ],
)
def test_a_key_that_is_not_as_it_should_be_is_skipped_by_name(members: dict[str, object], cause: str) -> None:
    reason = reason_of(jwk_of(rsa_key(), **{"kid": "k1", **members}))

    assert cause in reason
    assert ("'k1'" in reason) is ("kid" not in members)


def test_a_weak_key_is_skipped_and_the_strong_ones_stay() -> None:
    parsed = parse(jwk_of(rsa_key("weak", bits=1024), kid="weak"), jwk_of(rsa_key(), kid="strong"))

    assert [key.kid for key in parsed.keys] == ["strong"]
    assert parsed.skipped == (
        SkippedKey("weak", "the key 'weak' is skipped: it has 1024 bits, from 2048 to 8192 are taken"),
    )


@pytest.mark.parametrize("entry", [None, 1, "RSA", [], [{"kty": "RSA"}]])
def test_what_is_no_object_is_no_key(entry: object) -> None:
    assert "not a JSON object" in reason_of(entry)


def test_a_key_on_the_curve_counts_where_its_algorithm_is_allowed() -> None:
    (key,) = parse(jwk_of(ec_key(), kid="e1")).keys

    assert (key.kid, key.algorithm) == ("e1", "ES256")
    assert key.key.public_key == ec_key().public_key()


def test_a_key_of_an_algorithm_that_is_not_allowed_is_skipped_with_the_setting_that_allows_it() -> None:
    assert "AIGW_AUTH__ALGORITHMS" in reason_of(jwk_of(ec_key()), algorithms=("RS256",))
    assert "AIGW_AUTH__ALGORITHMS" in reason_of(jwk_of(rsa_key()), algorithms=("ES256",))


@pytest.mark.parametrize(
    ("members", "cause"),
    [
        ({"crv": "secp256k1"}, "'secp256k1'"),
        ({"crv": None}, "None"),
        ({"x": encoded(b"\1" * 32)}, "not on the curve"),
        ({"x": encoded(b"\1" * 31)}, "32 bytes"),
        ({"y": encoded(b"\0" * 33)}, "32 bytes"),
        ({"y": None}, "'y'"),
        ({"x": encoded(b"\0" * 32), "y": encoded(b"\0" * 32)}, "not on the curve"),
        ({"x": encoded(b"\xff" * 32)}, "not on the curve"),
        ({"alg": "ES384"}, "its algorithm is 'ES384'"),
    ],
)
def test_a_point_that_is_no_key_is_skipped(members: dict[str, object], cause: str) -> None:
    assert cause in reason_of(jwk_of(ec_key(), **members))


def test_a_key_on_another_curve_is_skipped() -> None:
    assert "'P-384'" in reason_of(jwk_of(ec_key(p_256=False), alg=None))


@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi"])
def test_a_key_that_is_published_with_a_private_member_is_skipped(member: str) -> None:
    leaked = jwk_of(rsa_key(), kid="k1", **{member: number(rsa_key().private_numbers().d)})

    parsed = parse(leaked)

    assert parsed.keys == ()
    assert parsed.skipped[0].kid == "k1"
    assert "anyone can sign" in parsed.skipped[0].reason


def test_no_more_keys_are_read_than_any_issuer_has() -> None:
    parsed = parse(*[jwk_of(rsa_key())] * (MOST_KEYS + 3))

    assert len(parsed.keys) == MOST_KEYS
    assert parsed.skipped == (SkippedKey(None, "only the first 64 of 67 keys are read"),)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<html>",
        b"null",
        b"[]",
        b'"keys"',
        b"{}",
        b'{"keys":null}',
        b'{"keys":{}}',
        b'{"keys":[]',
        b"\xff",
        b'{"keys":[]}{}',
        b'{"keys":' + b"[" * 50_000,
        b'{"keys":[]}' + b" " * 256 * 1024,
    ],
    ids=range(13),
)
def test_a_document_that_is_no_key_set_is_unreadable(document: bytes) -> None:
    with pytest.raises(KeySetUnreadable):
        parse_key_set(document, source="Gitlab", algorithms=BOTH)


def test_a_certificate_or_a_pem_is_no_key_set() -> None:
    with pytest.raises(KeySetUnreadable, match="not one JSON object"):
        parse_key_set(private_pem(rsa_key()).encode(), source="Gitlab", algorithms=BOTH)


def test_an_empty_set_is_a_set() -> None:
    assert parse() == ParsedKeySet(())


def test_equal_documents_give_equal_keys() -> None:
    assert parse(jwk_of(rsa_key()), jwk_of(ec_key())).keys == parse(jwk_of(rsa_key()), jwk_of(ec_key())).keys


def test_a_key_is_ready_before_the_first_request_needs_it() -> None:
    (key,) = parse(jwk_of(rsa_key(), x5c=["AAAA"])).keys

    assert isinstance(key.key.raw_value, rsa.RSAPublicKey)
    assert set(key.key.keys()) == PUBLIC


SCRAPS = st.none() | st.integers() | st.text(max_size=10) | st.sampled_from(["RSA", "EC", "sig", "P-256", "AQAB"])


@given(st.binary(max_size=300))
def test_no_document_breaks_the_reader(document: bytes) -> None:
    with suppress(KeySetUnreadable):
        parse_key_set(document, source="Gitlab", algorithms=BOTH)


@given(
    st.dictionaries(st.sampled_from(["kty", "kid", "n", "e", "crv", "x", "y", "use", "alg", "key_ops"]), SCRAPS),
    st.sampled_from([jwk_of(ec_key()), jwk_of(rsa_key())]),
)
def test_no_key_breaks_the_reader(members: dict[str, object], good: dict[str, object]) -> None:
    parsed = parse({**good, **members})

    assert len(parsed.keys) + len(parsed.skipped) == 1
