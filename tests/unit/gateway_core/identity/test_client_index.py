from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from typing_extensions import override

from fakes.clients import FakeClientStore
from fakes.clock import MORNING, FakeClock
from gateway_core.identity import client_index
from gateway_core.identity.client_index import ClientIndex
from gateway_core.identity.key_hash import KeyHasher, new_key, prefix_of
from gateway_core.identity.model import Caller, Client, ClientKey
from gateway_core.kernel.errors import CredentialRefused, StorageUnavailable
from gateway_core.kernel.secret import Secret
from gateway_core.kernel.units import Seconds
from gateway_core.telemetry.logs import get_log
from unit.gateway_core.identity.office import ME, Office

HASHER = KeyHasher(Secret("h" * 32))
KEY = new_key(bytes(range(32))).reveal()
OTHER = new_key(bytes(range(1, 33))).reveal()
CLIENT = Client("id 1", "ci", MORNING)
DAY = timedelta(days=1)


def stored(key: str, *, client: Client = CLIENT, valid_until: datetime | None = None) -> ClientKey:
    return ClientKey(f"of {key}", client.id, HASHER.digest(key), prefix_of(key), MORNING, valid_until)


async def holding(client: Client = CLIENT, *keys: ClientKey) -> FakeClientStore:
    """Give a store with one client; without keys it holds KEY."""
    store = FakeClientStore()
    first, *others = keys or (stored(KEY, client=client),)
    assert await store.add(client, first)
    for key in others:
        await store.rotate(client.id, key, old_until=MORNING + DAY)
    return store


def index_of(store: FakeClientStore, clock: FakeClock | None = None) -> ClientIndex:
    # As often as can be, so that no test waits for half a second.
    return ClientIndex(store, HASHER, clock=clock or FakeClock(), looks_every=Seconds(0))


async def refusal(index: ClientIndex, credential: str) -> str:
    with pytest.raises(CredentialRefused) as refused:
        index.holder(credential)
    assert str(refused.value) == "Forbidden by auth provider"
    assert refused.value.counts
    return refused.value.reason


@pytest.fixture
def logged(
    json_log: Callable[[], list[dict[str, object]]], monkeypatch: pytest.MonkeyPatch
) -> Callable[[], list[dict[str, object]]]:
    # Made anew because a used one keeps its first configuration.
    monkeypatch.setattr(client_index, "log", get_log("identity"))
    return lambda: [line for line in json_log() if line["logger"] == "identity"]


@pytest.mark.parametrize(("credential", "ours"), [(KEY, True), ("gw-", True), ("sk-ant-1", False), ("", False)])
def test_a_key_is_recognised_by_how_it_begins(credential: str, *, ours: bool) -> None:
    assert index_of(FakeClientStore()).recognises(credential) is ours


async def test_who_holds_a_key_is_its_client() -> None:
    client = replace(CLIENT, role="viewer", scopes=frozenset({"complete_code"}))

    async with index_of(await holding(client)) as index:
        assert index.holder(KEY) == Caller("client", client=client)


async def test_a_key_that_nobody_holds_is_refused_by_the_part_that_may_be_shown() -> None:
    async with index_of(await holding()) as index:
        said = await refusal(index, OTHER)

    assert said == f"no client holds the key {OTHER[:12]}…: list them with `ai-gateway clients list`"
    assert OTHER[12:] not in said


@pytest.mark.parametrize(
    "near", [KEY[:-1], f"{KEY}x", KEY.upper(), f" {KEY}", f"{KEY}\n", KEY.replace("gw-", "GW-"), KEY[::-1]]
)
async def test_nothing_but_the_whole_key_will_do(near: str) -> None:
    async with index_of(await holding()) as index:
        await refusal(index, near)


async def test_the_digest_is_no_key() -> None:
    async with index_of(await holding()) as index:
        await refusal(index, HASHER.digest(KEY))


async def test_under_another_hash_key_nobody_gets_in() -> None:
    other = ClientIndex(await holding(), KeyHasher(Secret("x" * 32)), clock=FakeClock())

    async with other as index:
        await refusal(index, KEY)


@pytest.mark.parametrize("credential", ["sk-ant-api03-a-secret-of-somebody-else", "", "x", "\udcff"])
async def test_a_secret_of_another_service_is_not_shown(credential: str) -> None:
    async with index_of(await holding()) as index:
        assert await refusal(index, credential) == "the credential is no key of a client, which begins with gw-"


@pytest.mark.parametrize("credential", ["gw-", "gw-secret", KEY[:23]])
async def test_a_piece_of_a_key_is_not_shown(credential: str) -> None:
    async with index_of(await holding()) as index:
        said = await refusal(index, credential)

    assert said == "the key is too short to be a whole one: was it cut when it was copied?"


@pytest.mark.parametrize("length", [201, 1_000_000])
async def test_what_is_longer_than_any_key_is_refused_for_that(length: int) -> None:
    async with index_of(await holding()) as index:
        said = await refusal(index, "gw-".ljust(length, "x"))

    assert said == f"the credential has {length} characters, and a key at most 200"


async def test_a_key_of_200_characters_holds() -> None:
    long = "gw-".ljust(200, "x")

    async with index_of(await holding(CLIENT, stored(long))) as index:
        assert index.holder(long).client == CLIENT


async def test_a_revoked_client_is_told_when() -> None:
    store = await holding()
    await store.revoke(CLIENT.id, at=MORNING)

    async with index_of(store) as index:
        said = await refusal(index, KEY)

    assert said == (
        f"the key {KEY[:12]}… of client 'ci' was revoked on 2026-11-21 09:00 UTC: "
        "add another client, under another name"
    )


async def test_a_revocation_by_a_clock_that_is_ahead_counts_at_once() -> None:
    store = await holding()
    await store.revoke(CLIENT.id, at=MORNING + DAY)

    async with index_of(store) as index:
        assert "was revoked" in await refusal(index, KEY)


async def test_a_client_that_expires_holds_until_that_moment() -> None:
    clock = FakeClock()

    async with index_of(await holding(replace(CLIENT, expires_at=MORNING + DAY)), clock) as index:
        clock.advance(DAY.total_seconds() - 1)
        assert index.holder(KEY).client
        clock.advance(1)
        said = await refusal(index, KEY)

    assert said.endswith("does not hold: the client expired on 2026-11-22 09:00 UTC; add another client")


async def test_a_key_that_was_rotated_out_holds_for_its_grace_beside_the_new_one() -> None:
    clock = FakeClock()

    async with index_of(await holding(CLIENT, stored(KEY), stored(OTHER)), clock) as index:
        assert index.holder(KEY) == index.holder(OTHER) == Caller("client", client=CLIENT)
        clock.advance(DAY.total_seconds())
        said = await refusal(index, KEY)
        assert index.holder(OTHER).client

    assert said == (
        f"the key {KEY[:12]}… of client 'ci' was rotated out and ended on 2026-11-22 09:00 UTC: "
        "use the newer key, or `ai-gateway clients rotate`"
    )


@pytest.mark.parametrize(("expires", "ends"), [(1, 2), (2, 1)])
async def test_of_two_ends_the_sooner_counts(expires: int, ends: int) -> None:
    clock = FakeClock()
    client = replace(CLIENT, expires_at=MORNING + DAY * expires)
    key = stored(KEY, client=client, valid_until=MORNING + DAY * ends)

    async with index_of(await holding(client, key), clock) as index:
        clock.advance(DAY.total_seconds())
        said = await refusal(index, KEY)

    assert ("the client expired" in said) == (expires < ends)


async def test_no_request_asks_the_store() -> None:
    store = await holding()
    index = ClientIndex(store, HASHER, clock=FakeClock(), looks_every=Seconds(3600))

    async with index:
        before = store.asked, store.loads
        store.down = True
        for credential in (KEY, OTHER, "sk-ant-api03-whatever"):
            if credential == KEY:
                index.holder(credential)
            else:
                await refusal(index, credential)

        assert (store.asked, store.loads) == before


async def test_a_key_that_was_ended_at_once_holds_on_no_machine_however_far_its_clock_is_behind() -> None:
    office = Office()
    key = (await office.add()).reveal()
    await office.registry.rotate("ci", by=ME, grace=Seconds(0))

    async with index_of(office.store, FakeClock(MORNING - 400 * DAY)) as index:
        said = await refusal(index, key)

    assert said == (
        f"the key {key[:12]}… of client 'ci' was rotated out and ended at once: "
        "use the newer key, or `ai-gateway clients rotate`"
    )


async def test_a_new_key_works_without_a_restart() -> None:
    store = await holding()

    async with index_of(store) as index:
        await refusal(index, OTHER)
        await store.rotate(CLIENT.id, stored(OTHER), old_until=MORNING)
        await store.until_looked()

        assert index.holder(OTHER).client == CLIENT
        assert "was rotated out" in await refusal(index, KEY)


async def test_a_revocation_counts_without_a_restart_in_every_process() -> None:
    store = await holding()

    async with index_of(store) as one, index_of(store) as other:
        assert one.holder(KEY).client
        await store.revoke(CLIENT.id, at=MORNING)
        for index in (one, other):
            await store.until_looked()
            await store.until_looked()
            assert "was revoked" in await refusal(index, KEY)


async def test_keys_are_loaded_again_only_when_something_changed() -> None:
    store = await holding()

    async with index_of(store):
        for _ in range(3):
            await store.until_looked()
        assert store.loads == 1

        await store.revoke(CLIENT.id, at=MORNING)
        for _ in range(3):
            await store.until_looked()
        assert store.loads == 2


async def test_a_store_that_cannot_be_asked_at_the_start_is_an_error() -> None:
    store = await holding()
    store.down = True

    with pytest.raises(StorageUnavailable):
        await index_of(store).start()


async def test_while_the_store_is_down_known_keys_hold_and_two_lines_say_so(
    logged: Callable[[], list[dict[str, object]]],
) -> None:
    store = await holding()

    async with index_of(store) as index:
        await store.until_looked()
        assert logged() == []

        store.down = True
        for _ in range(5):
            await store.until_looked()
        assert index.holder(KEY).client == CLIENT
        [begins] = logged()

        store.down = False
        await store.revoke(CLIENT.id, at=MORNING)
        for _ in range(5):
            await store.until_looked()
        [over] = logged()
        assert "was revoked" in await refusal(index, KEY)

    assert (begins["message"], begins["level"]) == ("client_changes_unseen", "warning")
    assert "it is down" in str(begins["reason"])
    assert (over["message"], over["level"]) == ("client_changes_seen_again", "warning")


async def test_a_failure_that_nobody_thought_of_does_not_end_the_looking(
    logged: Callable[[], list[dict[str, object]]],
) -> None:
    store = await holding()

    async with index_of(store) as index:
        await store.revoke(CLIENT.id, at=MORNING)
        store.fault = ZeroDivisionError("a fault of ours")
        await store.until_looked()
        assert index.holder(KEY).client

        store.fault = None
        await store.until_looked()

        assert "was revoked" in await refusal(index, KEY)
    assert [line["message"] for line in logged()] == ["client_changes_unseen", "client_changes_seen_again"]


async def test_it_looks_no_more_once_it_is_stopped() -> None:
    store = await holding()
    index = index_of(store)
    await index.start()
    await store.until_looked()

    await index.stop()
    await index.stop()

    assert index._looking is None
    assert index.holder(KEY).client


class CountedHasher(KeyHasher):
    """Remember what was hashed."""

    def __init__(self) -> None:
        super().__init__(Secret("h" * 32))
        self.hashed: list[str] = []

    @override
    def digest(self, key: str) -> str:
        self.hashed.append(key)
        return super().digest(key)


@pytest.mark.parametrize("credential", [KEY, OTHER, KEY[:-1] + "x", KEY[:12], "gw-"])
async def test_a_key_costs_one_hash_whether_it_is_right_or_wrong(credential: str) -> None:
    hasher = CountedHasher()
    index = ClientIndex(await holding(), hasher, clock=FakeClock(), looks_every=Seconds(0))
    async with index:
        with suppress(CredentialRefused):
            index.holder(credential)

    assert hasher.hashed == [credential]
