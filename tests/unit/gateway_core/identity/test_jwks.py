from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.clock import FakeClock
from fakes.signing import (
    ISSUER,
    NOW,
    SERVICE,
    FakeKeySets,
    claims_of,
    ec_key,
    encoded,
    forged_algorithms,
    forged_headers,
    forged_payloads,
    rsa_key,
    trusted,
    twisted,
    write_token,
)
from gateway_core.identity import jwks
from gateway_core.identity.jwks import SignedTokens
from gateway_core.identity.model import Caller, Claims
from gateway_core.identity.ports import TrustedKey
from gateway_core.kernel.errors import CredentialRefused, KeySetsMissing

GOOD = write_token(claims_of())
OTHER = "http://other.test"


def verifier(
    *keys: TrustedKey,
    key_sets: FakeKeySets | None = None,
    clock: FakeClock | None = None,
    algorithms: tuple[str, ...] = ("RS256",),
) -> SignedTokens:
    sets = key_sets or FakeKeySets(*(keys or (trusted(rsa_key()),)))
    return SignedTokens(SERVICE, SERVICE, key_sets=sets, algorithms=algorithms, clock=clock or FakeClock())


def claims_held(caller: Caller) -> Claims:
    assert caller.kind == "token"
    assert caller.claims is not None
    return caller.claims


async def reason_of(token: str, tokens: SignedTokens | None = None) -> str:
    with pytest.raises(CredentialRefused, match=r"^Forbidden by auth provider$") as refused:
        await (tokens or verifier()).verify(token)
    assert refused.value.counts
    return refused.value.reason


async def test_a_token_signed_by_a_trusted_key_names_its_holder() -> None:
    claims = claims_held(await verifier().verify(GOOD))

    assert (claims.issuer, claims.subject, claims.realm) == (ISSUER, "1234", "self-managed")
    assert claims.scopes == {"complete_code"}


async def test_a_token_of_another_key_is_refused() -> None:
    assert "fits no trusted key with the id 'k1'" in await reason_of(write_token(claims_of(), key=rsa_key("other")))


@pytest.mark.parametrize("forgery", sorted(forged_algorithms(rsa_key())))
async def test_no_lie_about_the_algorithm_is_believed(forgery: str) -> None:
    both = verifier(trusted(rsa_key()), trusted(ec_key()), algorithms=("RS256", "ES256"))

    assert await reason_of(forged_algorithms(rsa_key())[forgery], both)


@pytest.mark.parametrize("forgery", sorted(forged_headers(rsa_key()) | forged_payloads(rsa_key())))
async def test_a_malformed_token_is_refused_though_its_signature_holds(forgery: str) -> None:
    assert await reason_of((forged_headers(rsa_key()) | forged_payloads(rsa_key()))[forgery])


@pytest.mark.parametrize("twist", sorted(twisted(GOOD)))
async def test_no_twist_of_a_token_that_is_remembered_is_taken_for_it(twist: str) -> None:
    tokens = verifier()
    await tokens.verify(GOOD)

    assert await reason_of(twisted(GOOD)[twist], tokens)


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"exp": NOW - 1}, "expired 1 s ago"),
        ({"aud": "other"}, "'other'"),
        ({"nbf": NOW + 1}, "nbf"),
        ({"sub": []}, "sub"),
    ],
)
async def test_what_a_signed_token_says_must_hold_too(changes: dict[str, object], cause: str) -> None:
    assert cause in await reason_of(write_token(claims_of(**changes)))


async def test_what_nobody_signed_is_not_quoted() -> None:
    forged = write_token(claims_of(aud="a lie", iss="a lie"), key=rsa_key("other"))

    assert "a lie" not in await reason_of(forged)


async def test_a_malformed_token_is_refused_before_any_key_is_needed() -> None:
    key_sets = FakeKeySets()

    assert "1 parts" in await reason_of("garbage", verifier(key_sets=key_sets))
    assert "'none'" in await reason_of(write_token(claims_of(), header={"alg": "none"}), verifier(key_sets=key_sets))
    assert "AIGW_AUTH__ALGORITHMS" in await reason_of(
        write_token(claims_of(), header={"alg": "HS256"}), verifier(key_sets=key_sets)
    )
    assert key_sets.looks == 0


async def test_without_any_key_nothing_can_be_verified_and_the_log_says_why() -> None:
    key_sets = FakeKeySets(trouble="Gitlab: connection refused")

    with pytest.raises(KeySetsMissing) as missing:
        await verifier(key_sets=key_sets).verify(GOOD)

    assert str(missing.value) == "No keys founds in JWKS; are OIDC providers up? Gitlab: connection refused"
    assert key_sets.looks == 1


async def test_an_unknown_key_id_lets_the_issuers_be_asked_once_more() -> None:
    key_sets = FakeKeySets(trusted(rsa_key("old"), kid="old"), found_later=[trusted(rsa_key())])

    assert claims_held(await verifier(key_sets=key_sets).verify(GOOD)).issuer == ISSUER
    assert key_sets.looks == 1


async def test_a_key_that_was_replaced_under_its_id_lets_the_issuers_be_asked_once_more() -> None:
    key_sets = FakeKeySets(trusted(rsa_key("old")), found_later=[trusted(rsa_key())])

    assert claims_held(await verifier(key_sets=key_sets).verify(GOOD)).issuer == ISSUER


async def test_the_issuers_are_asked_once_for_each_token_that_fits_no_key_and_never_for_one_that_does() -> None:
    key_sets = FakeKeySets(trusted(rsa_key()), trouble="CustomersDot: timed out")
    tokens = verifier(key_sets=key_sets)
    await tokens.verify(GOOD)
    assert key_sets.looks == 0

    reason = await reason_of(write_token(claims_of(), header={"kid": "k2"}), tokens)

    assert "no trusted RS256 key has the id 'k2'" in reason
    assert "CustomersDot: timed out" in reason
    assert key_sets.looks == 1


async def test_the_key_with_the_tokens_id_counts_though_others_fit_as_well() -> None:
    tokens = verifier(trusted(rsa_key("other")), trusted(rsa_key(), kid="k2"))

    assert "fits no trusted key" in await reason_of(GOOD, tokens)


@pytest.mark.parametrize("kid", [None, "k1", "../../../etc/passwd", "k1' OR 1=1", "k1\0", "https://evil.test/key"])
async def test_a_key_id_is_a_name_and_nothing_else(kid: str | None) -> None:
    named = write_token(claims_of(), header={"kid": kid})
    forged = write_token(claims_of(), key=rsa_key("other"), header={"kid": kid})
    tokens = verifier(trusted(rsa_key(), kid=kid), trusted(rsa_key("third"), kid="k3"))

    assert claims_held(await tokens.verify(named)).issuer == ISSUER
    assert await reason_of(forged, tokens)


async def test_without_an_id_every_key_is_tried() -> None:
    anonymous = write_token(claims_of(), header={"kid": None})

    by_named = verifier(trusted(rsa_key("other"), kid="k2"), trusted(rsa_key(), kid="k1"))
    by_nameless = verifier(trusted(rsa_key("other"), kid=None), trusted(rsa_key(), kid=None))

    assert claims_held(await by_named.verify(anonymous)).issuer == ISSUER
    assert claims_held(await by_nameless.verify(GOOD)).issuer == ISSUER


async def test_curve_signatures_hold_where_they_are_allowed() -> None:
    token = write_token(claims_of(), key=ec_key())
    allowed = verifier(trusted(ec_key()), algorithms=("RS256", "ES256"))

    assert claims_held(await allowed.verify(token)).issuer == ISSUER
    assert "'ES256', taken here: RS256" in await reason_of(token, verifier(trusted(ec_key()), trusted(rsa_key())))


@pytest.mark.parametrize(
    "signature", [b"\0" * 64, b"\0" * 63, b"\xff" * 64, b"0", b"\0" * 31 + b"\1" + b"\0" * 31 + b"\1"]
)
async def test_no_trivial_curve_signature_holds(signature: bytes) -> None:
    signed = write_token(claims_of(), key=ec_key()).rpartition(".")[0]
    tokens = verifier(trusted(ec_key()), algorithms=("ES256",))

    assert await reason_of(f"{signed}.{encoded(signature)}", tokens)


@pytest.mark.parametrize("length", [1, 255, 256, 257, 512])
@pytest.mark.parametrize("filling", [b"\0", b"\1", b"\xff"])
async def test_no_trivial_signature_holds(length: int, filling: bytes) -> None:
    assert await reason_of(f"{GOOD.rpartition('.')[0]}.{encoded(filling * length)}")


async def test_a_key_of_one_issuer_signs_for_no_other() -> None:
    tokens = verifier(
        trusted(rsa_key(), kid="k1", issuer=ISSUER), trusted(rsa_key("other"), source="other", kid="k2", issuer=OTHER)
    )
    own = write_token(claims_of(iss=OTHER), key=rsa_key("other"), header={"kid": "k2"})
    foreign = write_token(claims_of(iss=ISSUER), key=rsa_key("other"), header={"kid": "k2"})

    assert claims_held(await tokens.verify(own)).issuer == OTHER
    reason = await reason_of(foreign, tokens)
    assert all(f"'{word}'" in reason for word in (ISSUER, "other", OTHER))


@pytest.mark.parametrize("issuer", [None, f"{ISSUER}/", ISSUER.upper(), f" {ISSUER}", 1])
async def test_an_issuer_is_compared_to_the_letter(issuer: object) -> None:
    assert await reason_of(write_token(claims_of(iss=issuer)), verifier(trusted(rsa_key(), issuer=ISSUER)))


async def test_a_key_that_two_issuers_share_signs_for_both() -> None:
    tokens = verifier(
        trusted(rsa_key(), issuer=OTHER), trusted(rsa_key("third")), trusted(rsa_key(), source="later", issuer=ISSUER)
    )

    assert claims_held(await tokens.verify(GOOD)).issuer == ISSUER


@pytest.mark.parametrize("issuer", [ISSUER, OTHER, None])
async def test_a_key_whose_issuer_is_not_checked_signs_for_any(issuer: str | None) -> None:
    assert claims_held(await verifier().verify(write_token(claims_of(iss=issuer)))).issuer == (issuer or "")


async def test_a_key_whose_issuer_is_not_checked_does_not_sign_for_one_that_is() -> None:
    barred = verifier(replace(trusted(rsa_key()), barred=frozenset({OTHER})))

    assert claims_held(await barred.verify(GOOD)).issuer == ISSUER
    for name in (OTHER, f"{OTHER}/"):
        assert "does not count for it" in await reason_of(write_token(claims_of(iss=name)), barred)


async def test_nobody_but_us_signs_in_our_name() -> None:
    forged = write_token(claims_of(iss=SERVICE))

    assert "names this gateway" in await reason_of(forged)
    assert "names this gateway" in await reason_of(forged, verifier(trusted(rsa_key(), issuer=SERVICE)))


@pytest.mark.parametrize("name", ["signing", "validation"])
async def test_both_of_our_own_keys_sign_in_our_name_and_no_other(name: str) -> None:
    local = [
        trusted(rsa_key(key), source="local", kid=f"{SERVICE}_{key}_key", issuer=SERVICE)
        for key in ("signing", "validation")
    ]
    tokens = verifier(*local, trusted(rsa_key()))
    header = {"kid": None}

    own = write_token(claims_of(iss=SERVICE), key=rsa_key(name), header=header)
    other = write_token(claims_of(), key=rsa_key(name), header=header)

    assert claims_held(await tokens.verify(own)).issuer == SERVICE
    assert f"counts for '{SERVICE}' only" in await reason_of(other, tokens)


async def test_a_remembered_token_is_not_verified_anew() -> None:
    key_sets = FakeKeySets(trusted(rsa_key()))
    tokens = verifier(key_sets=key_sets)
    first = await tokens.verify(GOOD)

    # Behind its back: with these keys the token would not hold.
    key_sets.known = []

    assert await tokens.verify(GOOD) is first


async def test_a_remembered_token_is_forgotten_when_the_keys_change() -> None:
    key_sets = FakeKeySets(trusted(rsa_key()))
    tokens = verifier(key_sets=key_sets)
    await tokens.verify(GOOD)

    key_sets.change_to(trusted(rsa_key("other")))

    assert await reason_of(GOOD, tokens)


async def test_a_token_that_waited_for_the_issuers_is_remembered_with_the_new_keys() -> None:
    key_sets = FakeKeySets(found_later=[trusted(rsa_key())])
    tokens = verifier(key_sets=key_sets)
    first = await tokens.verify(GOOD)

    key_sets.known = []

    assert await tokens.verify(GOOD) is first


async def test_a_remembered_token_holds_until_it_expires_and_not_a_moment_longer() -> None:
    clock = FakeClock()
    tokens = verifier(clock=clock)
    await tokens.verify(GOOD)

    clock.advance(3599.5)
    await tokens.verify(GOOD)
    clock.advance(0.5)

    assert "expired" in await reason_of(GOOD, tokens)


async def test_a_refused_token_is_not_remembered() -> None:
    clock = FakeClock()
    tokens = verifier(clock=clock)
    early = write_token(claims_of(nbf=NOW + 10))
    await reason_of(early, tokens)

    clock.advance(10)

    assert claims_held(await tokens.verify(early)).issuer == ISSUER


async def test_tokens_that_differ_at_their_end_alone_are_not_taken_for_each_other() -> None:
    tokens = verifier()
    await tokens.verify(GOOD)
    signed, _, signature = GOOD.rpartition(".")

    assert await reason_of(f"{signed}.{signature[:-3]}AAA", tokens)
    assert await reason_of(f"{signed}.{encoded(hashlib.sha256(b'').digest() * 8)}", tokens)


async def test_the_oldest_of_very_many_tokens_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jwks, "MOST_REMEMBERED", 2)
    key_sets = FakeKeySets(trusted(rsa_key()))
    tokens = verifier(key_sets=key_sets)
    first, second, third = (write_token(claims_of(sub=name)) for name in ("a", "b", "c"))
    for token in (first, second, third):
        await tokens.verify(token)

    key_sets.known = []

    assert [claims_held(await tokens.verify(token)).subject for token in (second, third)] == ["b", "c"]
    with pytest.raises(KeySetsMissing):
        await tokens.verify(first)


@pytest.mark.parametrize(("credential", "looks"), [("a.b.c", True), ("gw-abc", False), ("a.b.c.d", False)])
def test_what_looks_like_a_token_is_recognised(credential: str, *, looks: bool) -> None:
    assert verifier().recognises(credential) is looks


@given(st.data())
def test_no_change_of_any_kind_to_a_token_is_accepted(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(GOOD) - 1))
    letter = data.draw(st.characters() | st.sampled_from("ABCabc012-_.=+/ \n\t\0") | st.just(""))
    kept = data.draw(st.sampled_from(["", GOOD[place], GOOD[place].swapcase()]))
    changed = f"{GOOD[:place]}{kept}{letter}{GOOD[place + 1 :]}"

    if changed != GOOD:
        assert asyncio.run(reason_of(changed))


@given(st.permutations(GOOD.split(".")), st.integers(0, len(GOOD)), st.sampled_from(["", "=", ".", " ", "AAAA"]))
def test_no_cut_no_order_and_no_padding_of_a_token_is_accepted(parts: list[str], end: int, tail: str) -> None:
    changed = ".".join(parts)[:end] + tail

    if changed != GOOD:
        assert asyncio.run(reason_of(changed))


@given(st.text() | st.text("eyJhbGciOi.-_=", max_size=60))
def test_no_text_is_accepted_and_none_breaks_the_verifier(text: str) -> None:
    assert asyncio.run(reason_of(text))


@given(st.dictionaries(st.sampled_from(["iss", "aud", "exp", "sub", "scopes", "x"]), st.text() | st.integers()))
def test_no_claims_are_accepted_from_a_stranger(changes: dict[str, object]) -> None:
    payload = json.dumps({**claims_of(), **changes}).encode()

    assert asyncio.run(reason_of(write_token(payload, key=rsa_key("stranger"))))
