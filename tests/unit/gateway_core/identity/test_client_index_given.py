"""Clients that the configuration gives, beside those of the store."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from fakes.clients import FakeClientStore
from fakes.clock import MORNING, FakeClock
from gateway_core.identity.client_index import ClientIndex, GivenClient
from gateway_core.identity.key_hash import LONGEST_CREDENTIAL, KeyHasher, new_key, prefix_of
from gateway_core.identity.model import Caller, Client, ClientKey
from gateway_core.kernel.errors import CredentialRefused
from gateway_core.kernel.secret import Secret

HASHER = KeyHasher(Secret("h" * 32))
CLIENT = Client("file:ci", "ci", MORNING, models=frozenset({"heavy"}))
KEY = "a secret of the build"


def index_of(store: FakeClientStore | None = None, clock: FakeClock | None = None) -> ClientIndex:
    return ClientIndex(store or FakeClientStore(), HASHER, clock=clock or FakeClock())


def given(key: str = KEY, client: Client = CLIENT) -> GivenClient:
    return GivenClient(client, Secret(key))


async def reason(index: ClientIndex, key: str) -> str:
    with pytest.raises(CredentialRefused) as refused:
        index.holder(key)
    assert str(refused.value) == "Forbidden by auth provider"
    return refused.value.reason


async def test_a_key_of_any_form_is_recognised_and_verified_once_it_is_given() -> None:
    index = index_of()
    assert not index.recognises(KEY)

    index.give([given()])

    assert index.recognises(KEY)
    assert index.holder(KEY) == Caller("client", client=CLIENT)


@pytest.mark.parametrize("other", ["", KEY[:-1], KEY + "x", KEY.upper(), "x" * (LONGEST_CREDENTIAL + 1)])
async def test_another_key_is_not_recognised(other: str) -> None:
    index = index_of()
    index.give([given()])

    assert not index.recognises(other)
    assert KEY not in await reason(index, other)


async def test_what_is_given_takes_the_place_of_all_that_was_given_before() -> None:
    index = index_of()
    index.give([given(), given("another key of the build")])
    index.give([given("a newer key of the build")])

    assert index.recognises("a newer key of the build")
    assert not index.recognises(KEY)
    await reason(index, "another key of the build")


async def test_clients_of_the_store_and_given_ones_stand_side_by_side_under_one_name() -> None:
    stored = new_key(bytes(32)).reveal()
    store = FakeClientStore()
    client = replace(CLIENT, id="id 1")
    assert await store.add(client, ClientKey("k", client.id, HASHER.digest(stored), prefix_of(stored), MORNING))

    async with index_of(store) as index:
        index.give([given()])

        assert index.holder(stored).client == client
        assert index.holder(KEY).client == CLIENT


async def test_a_key_that_was_revoked_in_the_store_stays_revoked_although_it_is_given() -> None:
    store = FakeClientStore()
    client = replace(CLIENT, id="id 1", revoked_at=MORNING)
    assert await store.add(client, ClientKey("k", client.id, HASHER.digest(KEY), prefix_of(KEY), MORNING))

    async with index_of(store) as index:
        index.give([given()])

        assert "was revoked" in await reason(index, KEY)


async def test_a_given_client_ends_when_it_expires_and_its_key_is_not_shown() -> None:
    clock = FakeClock()
    index = index_of(clock=clock)
    index.give([given(client=replace(CLIENT, expires_at=MORNING + timedelta(days=1)))])
    index.holder(KEY)
    clock.advance(24 * 3600)

    said = await reason(index, KEY)

    assert "the key of client 'ci' does not hold: the client expired" in said
    assert KEY[:8] not in said


def test_a_given_client_does_not_show_its_key() -> None:
    assert KEY not in repr(given())
