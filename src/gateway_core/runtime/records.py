"""The database for commands, which work without the rest of the core."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gateway_core.audit.ports import AuditStore
from gateway_core.audit.sql import SqlAuditStore
from gateway_core.settings.model import Settings
from gateway_core.storage.address import database_url
from gateway_core.storage.engine import Database, prepare, read_revision
from gateway_core.storage.schema import HEAD


@dataclass(frozen=True, slots=True)
class TablesState:
    """Which database it is, and how far its tables are; `at` is None when there are none."""

    database: str
    at: str | None
    newest: str = HEAD


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncGenerator[Database]:
    """Give the database with its tables up to date; raises SettingInvalid."""
    database = Database(database_url(settings))
    try:
        await prepare(database)
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def open_audit(settings: Settings) -> AsyncGenerator[AuditStore]:
    """Give the audit, written and read at once; raises SettingInvalid."""
    async with open_database(settings) as database:
        yield SqlAuditStore(database)


async def read_tables_state(settings: Settings) -> TablesState:
    """Tell how far the tables are, and change nothing; raises SettingInvalid."""
    database = Database(database_url(settings))
    try:
        return TablesState(database.address.shown, await read_revision(database))
    finally:
        await database.close()
