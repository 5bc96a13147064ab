"""The one database: a file of SQLite by default, PostgreSQL when several machines share it."""

from __future__ import annotations

import errno
import os
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path

from sqlalchemy import URL, AsyncAdaptedQueuePool, Connection, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from gateway_core.kernel.errors import SettingInvalid, StorageUnavailable
from gateway_core.kernel.secret import Secret
from gateway_core.kernel.units import Seconds
from gateway_core.storage import schema
from gateway_core.storage.address import PostgresDatabase, SqliteFile, parse_address
from gateway_core.storage.faults import is_of_the_database, reason_of
from gateway_core.storage.version import HEAD
from gateway_core.telemetry.logs import redactor

PATIENCE = Seconds(5)
_CONNECT = Seconds(5)
# Long enough to wait for another process that brings the tables up to date, and to do it.
_MIGRATION_PATIENCE = Seconds(60)
_CONNECTIONS = 5
# The name under which the engine tells a connection that its transaction only reads.
_READING = "gateway_reading"


class Database:
    """Implements ports.Storage; raises SettingInvalid when the URL names no database.

    Nothing is opened before the first transaction. A statement, and the wait for a
    connection or for another writer, take `patience` at most.
    """

    def __init__(self, url: Secret | str, *, patience: Seconds = PATIENCE) -> None:
        self.url = url if isinstance(url, Secret) else Secret(url)
        self.address = parse_address(self.url.reveal())
        match self.address:
            case SqliteFile(path=path):
                self._engine = _sqlite_engine(path, patience)
            case PostgresDatabase(url=given, password=password):
                redactor.learn(password.reveal())
                self._engine = _postgres_engine(given, patience)
        # The same connections, with a word to each.
        self._reader = self._engine.execution_options(**{_READING: True})

    def transaction(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Open a transaction: committed at the end of the block, undone when it raises.

        Raises StorageUnavailable when the database cannot be asked.
        """
        return self._begin(self._engine)

    def reading(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Open a transaction that only reads: it waits for no writer of another process, and holds none up.

        Raises StorageUnavailable when the database cannot be asked.
        """
        return self._begin(self._reader)

    @asynccontextmanager
    async def _begin(self, engine: AsyncEngine) -> AsyncGenerator[AsyncConnection]:
        try:
            async with engine.begin() as connection:
                yield connection
        except (SQLAlchemyError, OSError, EOFError) as error:
            if not is_of_the_database(error):
                raise
            message = f"Cannot use {self.address.shown}: {reason_of(error)}"
            raise StorageUnavailable(message) from error

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()


async def prepare(database: Database) -> None:
    """Bring the tables to the state that this version needs, and make the file when there is none.

    One cheap query when they are there already. Several processes may do this at once.
    Raises SettingInvalid, in one line with the cure, when the database cannot be used.
    """
    if await read_revision(database) == HEAD:
        return
    # With a patience of its own: others may be at it just now.
    patient = Database(database.url, patience=_MIGRATION_PATIENCE)
    try:
        async with _with_cure(database), patient.transaction() as connection:
            await schema.upgrade(connection)
    finally:
        await patient.close()


async def read_revision(database: Database) -> str | None:
    """Tell the state of the tables, None when there are none, and make nothing; raises SettingInvalid."""
    if isinstance(database.address, SqliteFile) and _is_missing(database.address.path):
        return None
    async with _with_cure(database), database.reading() as connection:
        return await schema.read_revision(connection)


async def exists(database: Database) -> bool:
    """Tell whether a gateway has made its tables there, and make nothing; raises SettingInvalid."""
    return await read_revision(database) is not None


@asynccontextmanager
async def _with_cure(database: Database) -> AsyncGenerator[None]:
    """Tell the operator what to do about a database that cannot be used at all."""
    try:
        yield
    except StorageUnavailable as unavailable:
        message = f"{unavailable}; {_cure(database)}"
        raise SettingInvalid(message) from unavailable


def _cure(database: Database) -> str:
    match database.address:
        case SqliteFile():
            return "give AIGW_DATA_DIR or AIGW_DATABASE_URL a place that we may write to, or restore a backup."
        case PostgresDatabase():
            return "check AIGW_DATABASE_URL, and that the server is up and lets us in."


def _sqlite_engine(path: Path, patience: Seconds) -> AsyncEngine:
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(path)),
        # By hand: we say when a transaction begins, and how.
        connect_args={"timeout": patience, "isolation_level": None},
        # One connection: writers of this process wait in line for it, where those of others poll.
        poolclass=AsyncAdaptedQueuePool,
        pool_size=1,
        max_overflow=0,
        pool_timeout=patience,
    )

    @event.listens_for(engine.sync_engine, "do_connect")
    def make_file(*_connecting: object) -> None:
        _make_file(path)

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: DBAPIConnection, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in ("foreign_keys = ON", "journal_mode = WAL", "synchronous = NORMAL"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        # At once for writing: a reader that turns writer is refused, a writer that begins waits.
        reading = connection.get_execution_options().get(_READING, False)
        connection.exec_driver_sql("BEGIN DEFERRED" if reading else "BEGIN IMMEDIATE")

    return engine


def _is_missing(path: Path) -> bool:
    try:
        return not path.exists()
    except OSError:
        # The transaction will say why we cannot even look.
        return False


def _make_file(path: Path) -> None:
    """Make the file for us alone; the files that SQLite puts beside it are as closed.

    One that is there is looked at, never opened: closing it again would end the locks
    of all that this process does with it (POSIX). Raises OSError when it cannot be used:
    of a connection that fails while it opens, the driver leaves a thread behind.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    if not os.access(path, os.R_OK | os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _postgres_engine(url: Secret, patience: Seconds) -> AsyncEngine:
    return create_async_engine(
        "postgresql+asyncpg://",
        # The driver reads the URL itself: it knows all that PostgreSQL's own tools accept there.
        connect_args={
            "dsn": url.reveal(),
            "timeout": _CONNECT,
            # Asked of the server by the client: a setting at connect is refused by some poolers.
            "command_timeout": patience,
            "server_settings": {"application_name": "ai-gateway"},
        },
        pool_size=_CONNECTIONS,
        max_overflow=0,
        pool_timeout=patience,
        pool_pre_ping=True,
    )
