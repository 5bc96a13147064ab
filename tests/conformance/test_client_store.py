"""What every store of clients owes the rest of the product: one suite over the fake and both databases.

Of SQLite's two stores each is tried beside the other: what one has changed, the other finds.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest

from fakes.clients import FakeClientStore
from fakes.databases import ENGINES, new_database, open_database
from gateway_core.identity.model import Budget, Client, ClientKey
from gateway_core.identity.ports import ClientStore
from gateway_core.identity.sql import SqlClientStore
from gateway_core.identity.sqlite import SqliteClientStore
from gateway_core.kernel.units import MicroUsd
from gateway_core.storage.address import SqliteFile
from gateway_core.storage.sqlite_reading import SqliteReader

NOON = datetime(2026, 11, 21, 12, 0, 0, 123_456, tzinfo=UTC)
HOUR = timedelta(hours=1)


def a_client(name: str = "ci") -> Client:
    return Client(id=f"id of {name}", name=name, created_at=NOON)


def an_admin(name: str = "admin") -> Client:
    return replace(a_client(name), role="admin")


def a_key(client: Client, number: int = 1, *, valid_until: datetime | None = None) -> ClientKey:
    return ClientKey(
        id=f"{client.name} {number}",
        client_id=client.id,
        digest=f"digest {number} of {client.name}",
        prefix="gw-3f9ak2p7x",
        created_at=NOON + HOUR * number,
        valid_until=valid_until,
    )


async def all_of(store: ClientStore) -> tuple[list[Client], list[ClientKey]]:
    clients, keys = await store.load()
    return list(clients), list(keys)


@pytest.fixture(params=["fake", *ENGINES, "sqlite read directly", "sqlite changed by another"])
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[ClientStore, ClientStore]]:
    """Give two stores over the same rows, as two processes have them."""
    if request.param == "fake":
        fake = FakeClientStore()
        yield fake, fake
        return
    async with AsyncExitStack() as stack:
        engine, _, directly = request.param.partition(" ")
        url = stack.enter_context(new_database(engine, tmp_path))
        databases = [await stack.enter_async_context(open_database(url)) for _ in range(2)]
        first, second = (SqlClientStore(database) for database in databases)
        if not directly:
            yield first, second
            return
        reader = SqliteReader(SqliteFile(tmp_path / "gateway.db"))
        stack.callback(reader.close)
        direct = SqliteClientStore(reader, lambda: itself(first))
        yield (direct, second) if directly == "read directly" else (second, direct)


async def itself(store: ClientStore) -> ClientStore:
    return store


@pytest.fixture
def store(stores: tuple[ClientStore, ClientStore]) -> ClientStore:
    return stores[0]


async def test_an_empty_store_holds_nobody(store: ClientStore) -> None:
    assert await all_of(store) == ([], [])


async def test_a_client_comes_back_as_it_was_added(store: ClientStore) -> None:
    client = replace(
        a_client(),
        role="operator",
        scopes=frozenset({"complete_code", "generate_code"}),
        models=frozenset({"anthropic/claude", "coder"}),
        budget=Budget(MicroUsd(50_000_000), "month"),
        rpm=600,
        tpm=5_000_000_000,
        expires_at=NOON + HOUR * 1_000,
    )
    key = a_key(client, valid_until=NOON + HOUR)

    assert await store.add(client, key)

    assert await all_of(store) == ([client], [key])


async def test_a_client_without_limits_comes_back_without_limits(store: ClientStore) -> None:
    assert await store.add(a_client(), a_key(a_client()))

    assert await all_of(store) == ([a_client()], [a_key(a_client())])


@pytest.mark.parametrize("per", ["day", "month", "total"])
async def test_a_budget_comes_back_with_its_period(store: ClientStore, per: Literal["day", "month", "total"]) -> None:
    client = replace(a_client(), budget=Budget(MicroUsd(1), per))

    await store.add(client, a_key(client))

    assert (await store.load())[0] == [client]


async def test_clients_come_by_name_and_keys_by_age(store: ClientStore) -> None:
    for name in ("b", "a-1", "a", "a.2"):
        assert await store.add(a_client(name), a_key(a_client(name), number=ord(name[0])))

    clients, keys = await all_of(store)

    assert [client.name for client in clients] == ["a", "a-1", "a.2", "b"]
    assert [key.created_at for key in keys] == sorted(key.created_at for key in keys)


async def test_a_name_that_is_taken_is_not_given_again(store: ClientStore) -> None:
    await store.add(a_client(), a_key(a_client()))
    other = replace(a_client(), id="another id")

    assert not await store.add(other, a_key(other, number=2))

    assert await all_of(store) == ([a_client()], [a_key(a_client())])


async def test_the_name_of_a_revoked_client_stays_taken(store: ClientStore) -> None:
    await store.add(a_client(), a_key(a_client()))
    await store.revoke(a_client().id, at=NOON + HOUR)
    other = replace(a_client(), id="another id")

    assert not await store.add(other, a_key(other, number=2))


async def test_the_first_admin_is_first_once(store: ClientStore) -> None:
    admin, other = an_admin(), an_admin("other")

    assert await store.add_first(admin, a_key(admin))
    assert not await store.add_first(other, a_key(other))

    assert await all_of(store) == ([admin], [a_key(admin)])


async def test_a_first_admin_comes_after_clients_who_are_none(store: ClientStore) -> None:
    viewer, admin = replace(a_client("viewer"), role="viewer"), an_admin()
    for client in (a_client(), viewer):
        await store.add(client, a_key(client))

    assert await store.add_first(admin, a_key(admin))
    assert (await all_of(store))[0] == [admin, a_client(), viewer]


async def test_a_first_admin_does_not_come_after_another_even_a_revoked_one(store: ClientStore) -> None:
    await store.add(an_admin("boss"), a_key(an_admin("boss")))
    await store.revoke(an_admin("boss").id, at=NOON)

    assert not await store.add_first(an_admin(), a_key(an_admin()))


async def test_a_first_admin_whose_name_is_taken_is_not_kept(store: ClientStore) -> None:
    await store.add(a_client("admin"), a_key(a_client("admin")))
    other = replace(an_admin(), id="another id")

    assert not await store.add_first(other, a_key(other, number=2))
    assert await all_of(store) == ([a_client("admin")], [a_key(a_client("admin"))])


@pytest.mark.parametrize("names", [("admin", "admin"), ("admin", "root")], ids=["one name", "two names"])
async def test_of_many_processes_at_once_one_adds_the_first_admin(
    stores: tuple[ClientStore, ClientStore], names: tuple[str, str]
) -> None:
    await stores[0].add(a_client(), a_key(a_client()))
    clients = [replace(an_admin(name), id=f"{name} {number}") for number in range(6) for name in names]

    first = await asyncio.gather(*(stores[i % 2].add_first(one, a_key(one, number=i)) for i, one in enumerate(clients)))

    assert first.count(True) == 1
    kept, keys = await all_of(stores[0])
    assert kept == sorted([clients[first.index(True)], a_client()], key=lambda client: client.name)
    assert {key.client_id for key in keys} == {client.id for client in kept}


async def test_of_two_processes_at_once_one_gets_the_name(stores: tuple[ClientStore, ClientStore]) -> None:
    clients = [replace(a_client(), id=f"id {number}") for number in range(6)]

    added = await asyncio.gather(*(stores[i % 2].add(one, a_key(one, number=i)) for i, one in enumerate(clients)))

    assert added.count(True) == 1
    assert (await all_of(stores[1]))[0] == [clients[added.index(True)]]


async def test_a_rotated_key_ends_and_the_new_one_does_not(store: ClientStore) -> None:
    client = a_client()
    await store.add(client, a_key(client))

    await store.rotate(client.id, a_key(client, number=2), old_until=NOON + HOUR * 24)

    assert (await all_of(store))[1] == [a_key(client, valid_until=NOON + HOUR * 24), a_key(client, number=2)]


async def test_a_key_never_holds_longer_because_of_a_later_rotation(store: ClientStore) -> None:
    client = a_client()
    await store.add(client, a_key(client))
    await store.rotate(client.id, a_key(client, number=2), old_until=NOON + HOUR)
    await store.rotate(client.id, a_key(client, number=3), old_until=NOON + HOUR * 9)

    ends = [key.valid_until for key in (await all_of(store))[1]]

    assert ends == [NOON + HOUR, NOON + HOUR * 9, None]


async def test_a_later_rotation_may_end_all_old_keys_sooner(store: ClientStore) -> None:
    client = a_client()
    await store.add(client, a_key(client))
    await store.rotate(client.id, a_key(client, number=2), old_until=NOON + HOUR * 9)
    await store.rotate(client.id, a_key(client, number=3), old_until=NOON)

    assert [key.valid_until for key in (await all_of(store))[1]] == [NOON, NOON, None]


async def test_a_rotation_leaves_other_clients_alone(store: ClientStore) -> None:
    ours, other = a_client(), a_client("other")
    await store.add(ours, a_key(ours))
    await store.add(other, a_key(other, number=5))

    await store.rotate(ours.id, a_key(ours, number=2), old_until=NOON)

    assert a_key(other, number=5) in (await all_of(store))[1]


async def test_a_revoked_client_says_when_and_its_keys_stay_on_record(store: ClientStore) -> None:
    ours, other = a_client(), a_client("other")
    await store.add(ours, a_key(ours))
    await store.add(other, a_key(other))

    await store.revoke(ours.id, at=NOON + HOUR)

    clients, keys = await all_of(store)
    assert clients == [replace(ours, revoked_at=NOON + HOUR), other]
    assert len(keys) == 2


async def test_revoked_twice_it_keeps_the_first_time(store: ClientStore) -> None:
    await store.add(a_client(), a_key(a_client()))
    await store.revoke(a_client().id, at=NOON)
    await store.revoke(a_client().id, at=NOON + HOUR)

    assert (await all_of(store))[0][0].revoked_at == NOON


async def test_each_change_and_nothing_else_makes_the_revision_grow(
    stores: tuple[ClientStore, ClientStore],
) -> None:
    store, seen_by = stores
    client, admin, other = a_client(), an_admin(), a_client("other")
    seen = [await seen_by.revision()]

    await store.add_first(admin, a_key(admin))
    seen.append(await seen_by.revision())
    await store.add(client, a_key(client))
    seen.append(await seen_by.revision())
    await store.rotate(client.id, a_key(client, number=2), old_until=NOON)
    seen.append(await seen_by.revision())
    await store.revoke(client.id, at=NOON)
    seen.append(await seen_by.revision())
    assert await store.start_over("aaaa", other, key=a_key(other), at=NOON)
    seen.append(await seen_by.revision())

    assert seen == sorted(set(seen))
    await store.load()
    await store.hash_mark("aaaa")
    assert not await store.add(client, a_key(client, number=3))
    assert not await store.add_first(client, a_key(client, number=3))
    assert not await store.start_over("aaaa", other, key=a_key(other, number=3), at=NOON)
    assert await seen_by.revision() == seen[-1]


async def test_a_change_is_seen_by_the_other_process(stores: tuple[ClientStore, ClientStore]) -> None:
    ours, theirs = stores
    await ours.add(a_client(), a_key(a_client()))

    assert await all_of(theirs) == ([a_client()], [a_key(a_client())])


async def test_the_first_hash_mark_stays(stores: tuple[ClientStore, ClientStore]) -> None:
    ours, theirs = stores

    assert await ours.hash_mark("aaaa") == "aaaa"
    assert await theirs.hash_mark("bbbb") == "aaaa"
    assert await ours.hash_mark("aaaa") == "aaaa"


async def test_of_two_processes_at_once_one_keeps_its_hash_mark(stores: tuple[ClientStore, ClientStore]) -> None:
    kept = await asyncio.gather(*(stores[i % 2].hash_mark(f"mark {i}") for i in range(6)))

    assert len(set(kept)) == 1


async def test_a_hash_mark_is_read_without_being_kept(stores: tuple[ClientStore, ClientStore]) -> None:
    ours, theirs = stores

    assert await ours.kept_hash_mark() == ""
    await theirs.hash_mark("aaaa")
    assert await ours.kept_hash_mark() == "aaaa"


async def test_a_new_start_ends_all_clients_but_its_own_and_replaces_the_hash_mark(
    stores: tuple[ClientStore, ClientStore],
) -> None:
    ours, theirs = stores
    await ours.hash_mark("aaaa")
    clients = [a_client(), an_admin(), a_client("gone")]
    for number, client in enumerate(clients):
        await ours.add(client, a_key(client, number=number))
    await ours.revoke(a_client("gone").id, at=NOON)
    new = an_admin("admin-2")

    assert await ours.start_over("bbbb", new, key=a_key(new, number=7), at=NOON + HOUR)

    kept, keys = await all_of(theirs)
    assert {client.name: client.revoked_at for client in kept} == {
        "admin": NOON + HOUR,
        "admin-2": None,
        "ci": NOON + HOUR,
        "gone": NOON,
    }
    assert len(keys) == 4
    assert await theirs.kept_hash_mark() == "bbbb"


async def test_a_new_start_under_a_name_that_is_taken_changes_nothing(store: ClientStore) -> None:
    await store.hash_mark("aaaa")
    await store.add(a_client(), a_key(a_client()))
    new = replace(an_admin("ci"), id="another id")

    assert not await store.start_over("bbbb", new, key=a_key(new, number=2), at=NOON)

    assert await all_of(store) == ([a_client()], [a_key(a_client())])
    assert await store.kept_hash_mark() == "aaaa"


async def test_a_database_without_a_mark_gets_one_by_a_new_start(store: ClientStore) -> None:
    assert await store.start_over("bbbb", an_admin(), key=a_key(an_admin()), at=NOON)

    assert await store.kept_hash_mark() == "bbbb"
