"""The database for commands, which work without the rest of the core."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gateway_core.audit.ports import AuditStore
from gateway_core.audit.sql import SqlAuditStore
from gateway_core.kernel.errors import SettingInvalid
from gateway_core.settings.model import Settings
from gateway_core.storage.address import SqliteFile, database_url
from gateway_core.storage.engine import Database, exists, prepare, read_revision
from gateway_core.storage.schema import require_known
from gateway_core.storage.version import HEAD


@dataclass(frozen=True, slots=True)
class TablesState:
    """Which database it is, and how far its tables are; `at` is None when there are none."""

    database: str
    at: str | None
    newest: str = HEAD


@asynccontextmanager
async def open_database(settings: Settings, *, must_exist: bool = False) -> AsyncGenerator[Database]:
    """Give the database with its tables up to date; raises SettingInvalid.

    One that is not there is made; with `must_exist` it is refused, and nothing is made.
    """
    database = Database(database_url(settings))
    try:
        if must_exist and not await exists(database):
            raise SettingInvalid(_say_missing(settings, database))
        await prepare(database)
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def open_audit(settings: Settings, *, must_exist: bool = False) -> AsyncGenerator[AuditStore]:
    """Give the audit, written and read at once; for `must_exist` see above. Raises SettingInvalid."""
    async with open_database(settings, must_exist=must_exist) as database:
        yield SqlAuditStore(database)


async def read_tables_state(settings: Settings) -> TablesState:
    """Tell how far the tables are, and change nothing.

    Raises SettingInvalid, also when a newer version made them.
    """
    database = Database(database_url(settings))
    try:
        at = await read_revision(database)
    finally:
        await database.close()
    require_known(at)
    return TablesState(database.address.shown, at)


def _say_missing(settings: Settings, database: Database) -> str:
    chosen_by = "AIGW_DATA_DIR" if settings.database_url is None else "AIGW_DATABASE_URL"
    match database.address:
        case SqliteFile(path=path) if not path.exists():
            missing = f"There is no database at {str(path)!r}"
        case address:
            missing = f"There are no tables of a gateway in {address.shown}"
    return f"{missing}: is {chosen_by} that of the gateway?"
