"""Two kinds of database behind one door: what is particular to each."""

from __future__ import annotations

import asyncio
import gc
import re
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, text

from fakes.databases import ENGINES, new_database, open_database
from gateway_core.kernel.errors import SettingInvalid, StorageUnavailable
from gateway_core.kernel.units import Seconds
from gateway_core.storage.engine import Database
from gateway_core.storage.tables import FACTS
from gateway_core.telemetry.logs import redactor

# Where the server's programs cannot be installed, its cases are not made; see fakes/databases.py.
SERVERS = [engine for engine in ENGINES if engine == "postgresql"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "new" / "folder" / "gateway.db"


@pytest.fixture(params=SERVERS)
def server(tmp_path: Path) -> Iterator[str]:
    with new_database("postgresql", tmp_path) as url:
        yield url


async def ask(database: Database, statement: str) -> object:
    async with database.transaction() as connection:
        return (await connection.execute(text(statement))).scalar()


async def test_the_file_and_all_beside_it_are_ours_alone(file: Path) -> None:
    async with open_database(f"sqlite:///{file}") as database, database.transaction() as connection:
        await connection.execute(insert(FACTS).values(name="a", value="1"))
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()}

    assert modes == {"gateway.db": 0o600, "gateway.db-wal": 0o600, "gateway.db-shm": 0o600}
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_file_that_is_there_keeps_the_mode_that_its_owner_gave_it(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    path.touch(0o640)

    asyncio.run(open_and_close(f"sqlite:///{path}"))

    assert stat.S_IMODE(path.stat().st_mode) == 0o640


async def open_and_close(url: str) -> None:
    async with open_database(url):
        pass


async def test_readers_of_the_file_do_not_wait_for_its_writer(file: Path) -> None:
    async with open_database(f"sqlite:///{file}") as database:
        assert await ask(database, "PRAGMA journal_mode") == "wal"
        assert await ask(database, "PRAGMA foreign_keys") == 1
        assert await ask(database, "PRAGMA synchronous") == 1


async def test_nothing_is_made_before_the_first_transaction(file: Path) -> None:
    database = Database(f"sqlite:///{file}")
    await database.close()

    assert not file.parent.exists()


@pytest.mark.parametrize("content", [b"no database " * 400, b"SQLite format 3\0" + b"\xff" * 5000])
async def test_a_file_that_holds_something_else_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "gateway.db"
    path.write_bytes(content)

    with pytest.raises(SettingInvalid, match=r"database file '.*gateway\.db': .*; give AIGW_DATA_DIR") as caught:
        async with open_database(f"sqlite:///{path}"):
            pass

    assert "\n" not in str(caught.value)
    assert path.read_bytes() == content


async def test_a_file_that_cannot_be_used_leaves_no_thread_behind(tmp_path: Path) -> None:
    (tmp_path / "gateway.db").write_text("no database " * 400)
    before = set(threading.enumerate())

    for path in (tmp_path, tmp_path / "gateway.db"):
        with pytest.raises(SettingInvalid):
            await open_and_close(f"sqlite:///{path}")

    # A connection that nobody closed would complain here.
    gc.collect()
    left = set(threading.enumerate()) - before
    for thread in left:
        thread.join(10)
    assert not [thread for thread in left if thread.is_alive()]


async def test_a_place_where_no_file_can_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "wall").touch()

    with pytest.raises(SettingInvalid, match="AIGW_DATA_DIR or AIGW_DATABASE_URL"):
        async with open_database(f"sqlite:///{tmp_path}/wall/gateway.db"):
            pass


async def test_a_folder_in_place_of_the_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match="Is a directory; give AIGW_DATA_DIR"):
        async with open_database(f"sqlite:///{tmp_path}"):
            pass


async def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    with socket.socket() as taken:
        # Bound and never listening: nothing else can answer there.
        taken.bind(("127.0.0.1", 0))
        url = f"postgresql://me:dont-tell-9@127.0.0.1:{taken.getsockname()[1]}/gate"
        with pytest.raises(SettingInvalid, match=r"'gate' on '127\.0\.0\.1:.*; check AIGW_DATABASE_URL") as caught:
            async with open_database(url):
                pass

    assert "dont-tell-9" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_password_is_taught_to_the_log() -> None:
    Database("postgresql://me:dont-tell-me@127.0.0.1/gate")

    assert b"dont-tell-me" not in redactor.mask_text(b"the word is dont-tell-me, they say")


async def test_a_database_that_the_server_does_not_have_is_named(server: str) -> None:
    with pytest.raises(SettingInvalid, match='database "no_such" does not exist; check AIGW_DATABASE_URL'):
        async with open_database(re.sub(r"test_\d+", "no_such", server)):
            pass


async def test_a_statement_that_takes_too_long_is_given_up(server: str) -> None:
    hasty = Database(server, patience=Seconds(0.2))

    with pytest.raises(StorageUnavailable, match="no answer in time"):
        await ask(hasty, "SELECT pg_sleep(60)")

    assert await ask(hasty, "SELECT 1") == 1
    await hasty.close()


async def test_connections_that_the_server_closed_are_replaced_unseen(server: str) -> None:
    async with open_database(server) as database, open_database(server) as other:
        await ask(database, "SELECT 1")
        await ask(
            other,
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND datname = current_database()",
        )

        assert await ask(database, "SELECT 1") == 1


async def test_the_server_sees_who_we_are(server: str) -> None:
    database = Database(server)

    assert await ask(database, "SHOW application_name") == "ai-gateway"

    await database.close()
