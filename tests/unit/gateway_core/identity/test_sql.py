"""What the conformance suite cannot ask of every store: rows of another version, tables that are gone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from fakes.databases import ENGINES, new_database, open_database
from gateway_core.identity.model import Budget, Client, ClientKey
from gateway_core.identity.sql import SqlClientStore
from gateway_core.kernel.errors import StorageUnavailable
from gateway_core.kernel.units import MicroUsd
from gateway_core.storage.engine import Database
from gateway_core.storage.tables import CLIENT_KEYS, CLIENTS

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CLIENT = Client("1", "ci", NOON, role="admin", budget=Budget(MicroUsd(5), "month"))
KEY = ClientKey("k", "1", "digest", "gw-3f9ak2p7x", NOON)


@pytest.fixture(params=ENGINES)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with AsyncExitStack() as stack:
        url = stack.enter_context(new_database(request.param, tmp_path))
        yield await stack.enter_async_context(open_database(url))


async def test_what_only_a_newer_version_knows_opens_nothing_and_spends_least(database: Database) -> None:
    store = SqlClientStore(database)
    await store.add(CLIENT, KEY)
    async with database.transaction() as connection:
        await connection.execute(update(CLIENTS).values(role="owner", budget_per="week"))

    [client], _ = await store.load()

    assert client.role is None
    assert client.budget == Budget(MicroUsd(5), "total")


async def test_tables_that_are_gone_are_a_storage_that_cannot_be_asked(database: Database) -> None:
    store = SqlClientStore(database)
    async with database.transaction() as connection:
        await connection.run_sync(CLIENT_KEYS.drop)

    for ask in (store.load(), store.add(CLIENT, KEY)):
        with pytest.raises(StorageUnavailable):
            await ask


async def test_a_row_that_the_database_refuses_leaves_nothing_behind(database: Database) -> None:
    store = SqlClientStore(database)
    await store.add(CLIENT, KEY)
    before = await store.revision()

    with pytest.raises(StorageUnavailable, match="cannot be read or changed: IntegrityError"):
        await store.add(Client("2", "other", NOON), KEY)

    clients, keys = await store.load()
    assert (list(clients), list(keys), await store.revision()) == ([CLIENT], [KEY], before)
