from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.clock import FakeClock
from fakes.signing import (
    ISSUER,
    NOW,
    SERVICE,
    claims_of,
    forged_headers,
    forged_payloads,
    rsa_key,
    twisted,
    write_token,
)
from gateway_core.identity.model import Caller
from gateway_core.identity.unsigned import UnsignedTokens
from gateway_core.kernel.errors import CredentialRefused

GOOD = write_token(claims_of())


async def verify(token: str, *, clock: FakeClock | None = None) -> Caller:
    return await UnsignedTokens(SERVICE, clock or FakeClock()).verify(token)


async def reason_of(token: str, *, clock: FakeClock | None = None) -> str:
    with pytest.raises(CredentialRefused, match=r"^Forbidden by auth provider$") as refused:
        await verify(token, clock=clock)
    assert refused.value.counts
    return refused.value.reason


@pytest.mark.parametrize("signature", ["c2lnbmVkIGJ5IG5vYm9keQ", "AAAA"])
async def test_nobody_looks_at_the_signature(signature: str) -> None:
    header, payload, _ = GOOD.split(".")

    caller = await verify(f"{header}.{payload}.{signature}")

    assert caller.kind == "token"
    assert caller.claims is not None
    assert caller.claims.issuer == ISSUER
    assert caller.claims.scopes == {"complete_code"}


@pytest.mark.parametrize("changes", [{"aud": "other"}, {"exp": NOW}, {"nbf": NOW + 1}, {"exp": "soon"}])
async def test_audience_and_times_still_hold(changes: dict[str, object]) -> None:
    assert "the token is refused" in await reason_of(write_token(claims_of(**changes)))


async def test_a_token_that_held_does_not_once_its_time_is_over() -> None:
    clock = FakeClock()
    await verify(GOOD, clock=clock)

    clock.advance(3600)

    assert "expired" in await reason_of(GOOD, clock=clock)


@pytest.mark.parametrize("name", sorted(forged_headers(rsa_key()) | forged_payloads(rsa_key())))
async def test_the_form_still_holds(name: str) -> None:
    assert await reason_of((forged_headers(rsa_key()) | forged_payloads(rsa_key()))[name])


@pytest.mark.parametrize("twist", sorted(set(twisted(GOOD)) - {"longer signature", "doubled payload"}))
async def test_no_other_spelling_of_a_token_is_taken(twist: str) -> None:
    assert await reason_of(twisted(GOOD)[twist])


@pytest.mark.parametrize(("credential", "looks"), [("a.b.c", True), ("gw-abc", False)])
def test_what_looks_like_a_token_is_recognised(credential: str, *, looks: bool) -> None:
    assert UnsignedTokens(SERVICE, FakeClock()).recognises(credential) is looks


@given(st.text() | st.lists(st.text("eyJhbGciOi.-_=", max_size=30), min_size=3, max_size=3).map(".".join))
def test_no_text_is_taken_and_none_breaks_the_reader(text: str) -> None:
    assert asyncio.run(reason_of(text))
