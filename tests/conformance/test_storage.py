"""What every database owes the repositories: one suite over a file of SQLite and a PostgreSQL server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Executable, delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from fakes.databases import ENGINES, Engine, new_database, open_database
from gateway_core.kernel.errors import StorageUnavailable
from gateway_core.kernel.units import Seconds
from gateway_core.storage.engine import Database
from gateway_core.storage.moments import from_micros, to_micros
from gateway_core.storage.ports import Storage
from gateway_core.storage.tables import CLIENT_KEYS, CLIENTS, FACTS, REVISIONS


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    engine: Engine = request.param
    with new_database(engine, tmp_path) as made:
        yield made


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    async with open_database(url) as opened:
        yield opened


async def put(storage: Storage, name: str, *, value: str = "1") -> None:
    async with storage.transaction() as connection:
        await connection.execute(insert(FACTS).values(name=name, value=value))


async def names(storage: Storage) -> list[str]:
    async with storage.transaction() as connection:
        return list(await connection.scalars(select(FACTS.c.name).order_by(FACTS.c.name)))


async def test_what_a_transaction_wrote_is_there_for_the_next(database: Database) -> None:
    await put(database, "a")

    assert await names(database) == ["a"]


async def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError, match="changed my mind"):
        await change_my_mind(database)

    assert await names(database) == []


async def change_my_mind(storage: Storage) -> None:
    async with storage.transaction() as connection:
        await connection.execute(insert(FACTS).values(name="a", value="1"))
        raise RuntimeError("changed my mind")


async def test_a_key_that_is_taken_is_told_apart_from_a_database_that_is_down(database: Database) -> None:
    await put(database, "a")

    with pytest.raises(IntegrityError):
        await put(database, "a")


async def test_a_reference_to_nothing_is_refused(database: Database) -> None:
    key = {"id": "k", "client_id": "nobody", "digest": "d", "prefix": "gw-", "created_at": 0}

    with pytest.raises(IntegrityError):
        await run(database, insert(CLIENT_KEYS).values(key))


async def test_keys_go_with_their_client(database: Database) -> None:
    client = {"id": "c", "name": "ci", "scopes": [], "models": ["a", "ü"], "created_at": 0}
    key = {"id": "k", "client_id": "c", "digest": "d", "prefix": "gw-", "created_at": 0}
    await run(database, insert(CLIENTS).values(client))
    await run(database, insert(CLIENT_KEYS).values(key))

    await run(database, delete(CLIENTS))

    async with database.transaction() as connection:
        assert (await connection.execute(select(CLIENT_KEYS))).all() == []


async def test_lists_and_times_come_back_as_they_were(database: Database) -> None:
    moment = datetime(2026, 11, 21, 9, 30, 15, 123457, tzinfo=UTC)
    client = {"id": "c", "name": "ci", "scopes": [], "models": ["a", "ü"], "created_at": to_micros(moment)}
    await run(database, insert(CLIENTS).values(client))

    async with database.transaction() as connection:
        row = (await connection.execute(select(CLIENTS))).mappings().one()

    assert (row["scopes"], row["models"], row["rpm"]) == ([], ["a", "ü"], None)
    assert from_micros(row["created_at"]) == moment
    assert from_micros(to_micros(moment.astimezone().replace(microsecond=1))) == moment.replace(microsecond=1)


async def run(storage: Storage, statement: Executable) -> None:
    async with storage.transaction() as connection:
        await connection.execute(statement)


async def test_concurrent_changes_of_one_row_all_count(url: str, database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(insert(REVISIONS).values(name="clients", number=0))

    async with open_database(url) as other:
        await asyncio.gather(*(bump(storage) for storage in (database, other) for _ in range(20)))

    async with database.transaction() as connection:
        assert await connection.scalar(select(REVISIONS.c.number)) == 40


async def bump(storage: Storage) -> None:
    """Read, and write what was read plus one, under the row's lock."""
    async with storage.transaction() as connection:
        number = await connection.scalar(select(REVISIONS.c.number).with_for_update())
        await connection.execute(update(REVISIONS).values(number=(number or 0) + 1))


async def test_a_cancelled_transaction_leaves_nothing_and_harms_no_later_one(database: Database) -> None:
    inside = asyncio.Event()

    async def hang() -> None:
        async with database.transaction() as connection:
            await connection.execute(insert(FACTS).values(name="a", value="1"))
            inside.set()
            await asyncio.Event().wait()

    for _ in range(12):
        inside.clear()
        task = asyncio.create_task(hang())
        await inside.wait()
        task.cancel()
        await asyncio.wait((task,))

    await put(database, "b")
    assert await names(database) == ["b"]


async def test_who_waits_too_long_for_another_writer_is_told_so(url: str, database: Database) -> None:
    hasty = Database(url, patience=Seconds(0.1))
    async with database.transaction() as connection:
        await connection.execute(insert(FACTS).values(name="a", value="1"))

        with pytest.raises(StorageUnavailable, match="Cannot use the database"):
            await put(hasty, "a")

    await hasty.close()


async def test_who_only_reads_waits_for_no_writer_and_sees_what_was_there_before(url: str, database: Database) -> None:
    await put(database, "a")
    hasty = Database(url, patience=Seconds(0.1))
    async with database.transaction() as connection:
        await connection.execute(insert(FACTS).values(name="b", value="1"))

        async with hasty.reading() as reader:
            assert list(await reader.scalars(select(FACTS.c.name))) == ["a"]

    await hasty.close()


async def test_who_only_reads_holds_no_writer_up(url: str, database: Database) -> None:
    hasty = Database(url, patience=Seconds(0.1))
    async with database.reading() as reader:
        assert list(await reader.scalars(select(FACTS.c.name))) == []

        await put(hasty, "a")

    assert await names(database) == ["a"]
    await hasty.close()


async def test_a_writer_is_still_one_after_something_was_read(url: str, database: Database) -> None:
    async with database.reading() as reader:
        await reader.execute(select(FACTS))
    hasty = Database(url, patience=Seconds(0.1))

    async with database.transaction() as connection:
        # Nothing is written yet. What is read now must not change before this transaction writes.
        await connection.execute(select(FACTS).with_for_update())
        if connection.dialect.name == "sqlite":
            with pytest.raises(StorageUnavailable):
                await put(hasty, "b")
        await connection.execute(insert(FACTS).values(name="a", value="1"))

    assert await names(database) == ["a"]
    await hasty.close()


async def test_a_database_that_is_down_cannot_be_read_either(tmp_path: Path) -> None:
    (tmp_path / "gateway.db").mkdir()
    database = Database(f"sqlite:///{tmp_path}/gateway.db")

    with pytest.raises(StorageUnavailable, match="Cannot use the database"):
        await names_read(database)

    await database.close()


async def names_read(storage: Storage) -> list[str]:
    async with storage.reading() as connection:
        return list(await connection.scalars(select(FACTS.c.name)))


async def test_a_connection_that_is_not_free_in_time_is_a_database_that_cannot_be_asked(url: str) -> None:
    hasty = Database(url, patience=Seconds(0.1))

    with pytest.raises(StorageUnavailable, match="no answer in time"):
        await nest(hasty, 6)

    await hasty.close()


async def nest(storage: Storage, depth: int) -> None:
    if depth:
        async with storage.transaction():
            await nest(storage, depth - 1)


async def test_a_failed_statement_is_told_without_its_text_and_values(database: Database) -> None:
    with pytest.raises(StorageUnavailable) as caught:
        await run(database, text("SELECT 'hidden' FROM nowhere"))

    assert "nowhere" in str(caught.value)
    assert "hidden" not in str(caught.value)
