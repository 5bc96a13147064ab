"""The tables are brought to the newest state at start: once, by whoever is first, and never backwards."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, inspect, select, text

from fakes.databases import ENGINES, Engine, new_database, open_database
from gateway_core.kernel.errors import SettingInvalid
from gateway_core.kernel.units import Seconds
from gateway_core.storage.engine import Database, exists, prepare, read_revision
from gateway_core.storage.tables import FACTS, METADATA
from gateway_core.storage.version import HEAD, VERSION_TABLE

PREPARE = """
import asyncio, sys
from gateway_core.storage.engine import Database, prepare

async def main():
    database = Database(sys.argv[1])
    sys.stdin.read()
    await prepare(database)
    await database.close()
    print("alembic" in sys.modules)

asyncio.run(main())
"""


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    engine: Engine = request.param
    with new_database(engine, tmp_path) as made:
        yield made


def start_preparing(url: str) -> subprocess.Popen[str]:
    """Start a process that has all it needs, and prepares the database when its input ends."""
    return subprocess.Popen(
        [sys.executable, "-c", PREPARE, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def finish(process: subprocess.Popen[str]) -> str:
    said, _ = process.communicate(timeout=100)
    assert process.returncode == 0
    return said.strip()


def tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


async def test_an_empty_database_gets_all_tables(url: str) -> None:
    async with open_database(url) as database:
        assert await read_revision(database) == HEAD
        async with database.transaction() as connection:
            assert await connection.run_sync(tables) == {*METADATA.tables, VERSION_TABLE}


async def test_what_is_there_already_is_left_alone(url: str) -> None:
    async with open_database(url) as database, database.transaction() as connection:
        await connection.execute(insert(FACTS).values(name="a", value="1"))

    async with open_database(url) as database, database.transaction() as connection:
        assert (await connection.scalars(select(FACTS.c.name))).all() == ["a"]


def test_processes_that_start_together_make_the_tables_once_and_later_ones_load_no_migrations(url: str) -> None:
    together = [start_preparing(url) for _ in range(3)]
    for process in together:
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None

    assert "True" in [finish(process) for process in together]
    assert finish(start_preparing(url)) == "False"


async def test_many_that_prepare_at_once_all_succeed(url: str) -> None:
    databases = [Database(url) for _ in range(8)]

    await asyncio.gather(*map(prepare, databases))

    assert [await read_revision(database) for database in databases] == [HEAD] * 8
    for database in databases:
        await database.close()


async def test_tables_of_a_newer_version_are_not_touched(url: str) -> None:
    async with open_database(url) as database:
        await set_revision(database, "9999")

        with pytest.raises(SettingInvalid, match=r"made by a newer version .*'9999'.*; run that version, or restore"):
            await prepare(database)

        assert await read_revision(database) == "9999"


async def set_revision(database: Database, revision: str) -> None:
    async with database.transaction() as connection:
        await connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '{revision}'"))


async def test_tables_of_something_else_are_not_touched(url: str) -> None:
    database = Database(url)
    async with database.transaction() as connection:
        await connection.execute(text("CREATE TABLE clients (name TEXT)"))

    with pytest.raises(SettingInvalid, match=r"clients.* already exists"):
        await prepare(database)

    async with database.transaction() as connection:
        assert await connection.run_sync(tables) == {"clients"}
    await database.close()


async def test_a_database_is_there_once_it_has_its_tables(url: str) -> None:
    database = Database(url)
    assert not await exists(database)

    await prepare(database)

    assert await exists(database)
    await database.close()


async def test_looking_waits_for_no_writer(url: str) -> None:
    hasty = Database(url, patience=Seconds(0.1))
    async with open_database(url) as database, database.transaction() as connection:
        await connection.execute(insert(FACTS).values(name="a", value="1"))

        assert await read_revision(hasty) == HEAD

    await hasty.close()


async def test_looking_makes_no_file(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/gateway.db")

    assert await read_revision(database) is None
    assert list_names(tmp_path) == []


def list_names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]
