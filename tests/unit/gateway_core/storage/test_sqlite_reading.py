"""A file of SQLite is read directly: at once when nobody is in the way, else with patience."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from fakes.databases import open_database
from gateway_core.kernel.errors import StorageUnavailable
from gateway_core.kernel.units import Seconds
from gateway_core.storage.address import SqliteFile
from gateway_core.storage.sqlite_reading import SqliteReader

PATIENT = Seconds(5)
COUNT = "SELECT count(*) AS rows FROM notes"
OpenReader = Callable[..., SqliteReader]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give a file with one table and no rows, whose writers lock readers out."""
    path = tmp_path / "100% ours?.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE notes (text TEXT)")
    return path


@pytest.fixture
def reader_of() -> Iterator[OpenReader]:
    opened: list[SqliteReader] = []

    def read(path: Path, *, patience: Seconds = PATIENT) -> SqliteReader:
        opened.append(SqliteReader(SqliteFile(path), patience=patience))
        return opened[-1]

    yield read
    for reader in opened:
        reader.close()


async def test_what_another_has_written_is_seen_at_the_next_question(file: Path, reader_of: OpenReader) -> None:
    reader = reader_of(file)
    before = [row["rows"] for row in await reader.ask(COUNT)]
    with closing(sqlite3.connect(file, isolation_level=None)) as writer:
        writer.execute("INSERT INTO notes VALUES ('a')")

    assert before == [0]
    assert [row["rows"] for row in await reader.ask(COUNT)] == [1]
    assert [row["text"] for row in await reader.ask_for_many("SELECT * FROM notes WHERE text = ?", "a")] == ["a"]


async def test_a_few_rows_take_no_thread(file: Path, reader_of: OpenReader, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[threading.Thread] = []
    monkeypatch.setattr(threading.Thread, "start", threads.append)

    await reader_of(file).ask(COUNT)

    assert threads == []


async def test_whoever_holds_the_file_for_a_moment_is_waited_for(file: Path, reader_of: OpenReader) -> None:
    reader = reader_of(file)
    await reader.ask(COUNT)
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        writer.execute("INSERT INTO notes VALUES ('a')")
        ending = threading.Timer(0.05, writer.execute, ["COMMIT"])
        ending.start()
        rows = await reader.ask(COUNT)
        ending.join()

    assert [row["rows"] for row in rows] == [1]


async def test_a_file_that_stays_held_cannot_be_asked_and_can_be_later(file: Path, reader_of: OpenReader) -> None:
    reader = reader_of(file, patience=Seconds(0.01))
    with closing(sqlite3.connect(file, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StorageUnavailable) as refused:
            await reader.ask(COUNT)

    assert str(refused.value) == f"Cannot use the database file {str(file)!r}: database is locked"
    assert [row["rows"] for row in await reader.ask(COUNT)] == [0]


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path, reader_of: OpenReader) -> None:
    reader = reader_of(tmp_path / "none.db")

    with pytest.raises(StorageUnavailable, match="unable to open database file"):
        asyncio.run(reader.ask(COUNT))

    assert not reader.is_newest()
    assert list(tmp_path.iterdir()) == []


async def test_a_connection_that_was_closed_is_opened_anew(file: Path, reader_of: OpenReader) -> None:
    reader = reader_of(file)
    await reader.ask(COUNT)
    reader.close()

    assert [row["rows"] for row in await reader.ask(COUNT)] == [0]


async def test_only_a_file_with_the_tables_of_this_version_is_the_newest(
    tmp_path: Path, file: Path, reader_of: OpenReader
) -> None:
    ours = tmp_path / "gateway.db"
    async with open_database(f"sqlite:///{ours}"):
        assert reader_of(ours).is_newest()
    assert not reader_of(file).is_newest()
    with closing(sqlite3.connect(ours, isolation_level=None)) as connection:
        connection.execute("UPDATE gateway_schema SET version_num = '9999'")

    assert not reader_of(ours).is_newest()


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be looked at", b""])
def test_a_file_that_is_no_database_is_not_the_newest(content: bytes, tmp_path: Path, reader_of: OpenReader) -> None:
    (tmp_path / "gateway.db").write_bytes(content)

    assert not reader_of(tmp_path / "gateway.db").is_newest()


async def test_a_file_that_we_may_not_write_to_is_not_the_newest(
    tmp_path: Path, reader_of: OpenReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = tmp_path / "gateway.db"
    async with open_database(f"sqlite:///{ours}"):
        # Who runs the tests may be root, who may write anywhere.
        monkeypatch.setattr(os, "access", lambda _path, wanted: not wanted & os.W_OK)
        assert not reader_of(ours).is_newest()
