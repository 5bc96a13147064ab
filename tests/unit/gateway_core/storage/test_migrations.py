"""Each step of the tables goes forward and back, and together they give the tables that the code knows."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect

from fakes.databases import ENGINES, Engine, new_database
from gateway_core.storage.engine import Database
from gateway_core.storage.migrations import run
from gateway_core.storage.tables import METADATA
from gateway_core.storage.version import HEAD, VERSION_TABLE

ROOT = Path(__file__).parents[4]


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    engine: Engine = request.param
    with new_database(engine, tmp_path) as made:
        yield made


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    opened = Database(url)
    yield opened
    await opened.close()


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(
        connection, opts={"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True}
    )
    return list(compare_metadata(context, METADATA))


def shape(connection: Connection) -> dict[str, object]:
    seen = inspect(connection)
    return {
        table: (
            [(column["name"], str(column["type"]), column["nullable"]) for column in seen.get_columns(table)],
            seen.get_pk_constraint(table),
            sorted(map(str, seen.get_foreign_keys(table))),
            sorted(map(str, seen.get_unique_constraints(table))),
            sorted(map(str, seen.get_indexes(table))),
        )
        for table in seen.get_table_names()
        if table != VERSION_TABLE
    }


def test_the_code_knows_the_newest_step() -> None:
    assert run.head() == HEAD
    assert run.knows(HEAD)
    assert run.knows(None)
    assert not run.knows("9999")


async def test_all_steps_together_make_the_tables_that_the_code_uses(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.run_sync(run.upgrade)

        assert await connection.run_sync(differences) == []


async def test_the_names_and_references_are_those_that_the_code_would_make(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.run_sync(run.upgrade)
        migrated = await connection.run_sync(shape)
        await connection.run_sync(run.downgrade)
        await connection.run_sync(METADATA.create_all)

        assert await connection.run_sync(shape) == migrated


async def test_each_step_can_be_undone_and_done_again(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.run_sync(run.upgrade)
        there = await connection.run_sync(shape)
    async with database.transaction() as connection:
        await connection.run_sync(partial(run.downgrade, to="-1"))
        await connection.run_sync(run.upgrade)
    async with database.transaction() as connection:
        assert await connection.run_sync(shape) == there
        await connection.run_sync(run.downgrade)
    async with database.transaction() as connection:
        assert await connection.run_sync(shape) == {}
        await connection.run_sync(run.upgrade)
        assert await connection.run_sync(shape) == there


def test_the_wheel_holds_the_steps(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=100)

    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
    steps = (ROOT / "src/gateway_core/storage/migrations").rglob("*.py")
    assert {str(step.relative_to(ROOT / "src")) for step in steps} <= names
