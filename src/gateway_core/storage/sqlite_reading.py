"""Read a file of SQLite directly.

A start asks it five small questions and who watches it two a second; the engine that writes to it takes
a fifth of the time of a start to load, and hundreds of times as long for each question.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from urllib.parse import quote

from gateway_core.kernel.errors import StorageUnavailable
from gateway_core.kernel.units import Seconds
from gateway_core.storage.address import SqliteFile
from gateway_core.storage.version import HEAD, VERSION_TABLE

_PATIENCE = Seconds(5)
_LONGEST = 200

Rows = Sequence[sqlite3.Row]


class SqliteReader:
    """One connection that only reads, opened at the first question. Each may raise StorageUnavailable."""

    def __init__(self, file: SqliteFile, *, patience: Seconds = _PATIENCE) -> None:
        self._file = file
        self._patience = patience
        self._connection: sqlite3.Connection | None = None
        self._waits = Seconds(0)
        self._one_at_a_time = threading.Lock()

    async def ask(self, question: str, *values: str | int) -> Rows:
        """Give a few rows: in microseconds and without a thread, or with patience when somebody is in the way."""
        if self._one_at_a_time.acquire(blocking=False):
            try:
                return self._ask(question, values, patience=Seconds(0))
            except sqlite3.Error:
                # What is in the way may be gone soon, and a connection that broke is made anew.
                self._close()
            finally:
                self._one_at_a_time.release()
        return await self.ask_for_many(question, *values)

    async def ask_for_many(self, question: str, *values: str | int) -> Rows:
        """Give any number of rows, from a thread."""
        return await asyncio.to_thread(self._ask_patiently, question, values)

    def is_newest(self) -> bool:
        """Tell whether the file is there for us to write to, with the tables of this version; when in doubt, no.

        For a start, when nobody is served yet: it may wait for who is in the way.
        """
        if not os.access(self._file.path, os.R_OK | os.W_OK):
            return False
        with self._one_at_a_time:
            try:
                # Its name is ours.
                rows = self._ask(f"SELECT version_num FROM {VERSION_TABLE}", (), patience=self._patience)  # noqa: S608
            except sqlite3.Error:
                self._close()
                return False
        return [row["version_num"] for row in rows] == [HEAD]

    def close(self) -> None:
        """Close the connection, once nobody asks any more; the next question opens another."""
        with self._one_at_a_time:
            self._close()

    def _ask_patiently(self, question: str, values: Sequence[str | int]) -> Rows:
        with self._one_at_a_time:
            try:
                return self._ask(question, values, patience=self._patience)
            except sqlite3.Error as error:
                self._close()
                reason = str(error)[:_LONGEST] or type(error).__name__
                message = f"Cannot use {self._file.shown}: {reason}"
                raise StorageUnavailable(message) from error

    def _ask(self, question: str, values: Sequence[str | int], *, patience: Seconds) -> Rows:
        if self._connection is None:
            self._connection, self._waits = self._open(), Seconds(0)
        if patience != self._waits:
            self._connection.execute(f"PRAGMA busy_timeout = {int(patience * 1000)}")
            self._waits = patience
        with closing(self._connection.execute(question, values)) as found:
            return found.fetchall()

    def _open(self) -> sqlite3.Connection:
        # rw: what is not there is not made. Writers keep a log of changes beside it, which readers write to as well.
        address = f"file:{quote(str(self._file.path))}?mode=rw"
        # The lock above keeps threads apart.
        connection = sqlite3.connect(address, uri=True, timeout=0, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        return connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
