"""Databases to test against: a file of SQLite, and a real PostgreSQL where its wheel is installed.

One server a test process, started when the first test wants it; an empty database for each test.
"""

from __future__ import annotations

import atexit
import itertools
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from fakes import postgres_program
from gateway_core.storage.engine import Database, prepare

Engine = Literal["sqlite", "postgresql"]

# The server's programs come as wheels for Python 3.11 and 3.12 only: elsewhere its cases are not made.
ENGINES: tuple[Engine, ...] = ("sqlite", "postgresql") if postgres_program.find_installation() else ("sqlite",)

_numbers = itertools.count(1)
_free: list[str] = []
"""Databases that were used and emptied: to make one takes eight times as long as to empty one."""
_OTHERS = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
_EMPTY = (f"{_OTHERS} pg_backend_pid()", "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")


@contextmanager
def new_database(engine: Engine, folder: Path) -> Iterator[str]:
    """Give the URL of an empty database; `folder` is for its file."""
    if engine == "sqlite":
        yield f"sqlite:///{folder / 'gateway.db'}"
        return
    name = _free.pop() if _free else _make_database()
    try:
        yield postgres_url(name)
    finally:
        _administer(*_EMPTY, database=name)
        _free.append(name)


@asynccontextmanager
async def open_database(url: str) -> AsyncIterator[Database]:
    """Give a database with its tables."""
    database = Database(url)
    try:
        await prepare(database)
        yield database
    finally:
        await database.close()


def postgres_url(name: str = "postgres") -> str:
    """Give the URL of one database of the server."""
    return f"postgresql://postgres@/{name}?host={quote(_server(), safe='')}"


def _make_database() -> str:
    name = f"test_{next(_numbers)}"
    _administer(f"CREATE DATABASE {name}")
    return name


def _administer(*statements: str, database: str = "postgres") -> None:
    """Run statements one by one, each in a transaction of its own."""
    words = [word for statement in statements for word in ("--command", statement)]
    program: list[str | Path] = [
        _programs() / "psql",
        "--quiet",
        "--no-psqlrc",
        "--tuples-only",
        postgres_url(database),
    ]
    # Warnings of what was dropped come on the other stream.
    subprocess.run([*program, *words], check=True, timeout=60, stdout=subprocess.DEVNULL)


def _programs() -> Path:
    installation = postgres_program.find_installation()
    assert installation is not None
    return installation / "bin"


@cache
def _server() -> str:
    """Start the server; gives the folder of its socket. It ends with this process."""
    # -P: the names of the fakes beside the program must not hide modules of the standard library.
    program = subprocess.Popen(
        [sys.executable, "-P", postgres_program.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    atexit.register(_stop, program)
    assert program.stdout is not None
    folder = program.stdout.readline().strip()
    assert folder, "the PostgreSQL server did not start; its words are above"
    return folder


def _stop(program: subprocess.Popen[str]) -> None:
    with program:
        assert program.stdin is not None
        program.stdin.close()
