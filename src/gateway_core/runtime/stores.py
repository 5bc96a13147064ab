"""What must survive: the stores on the database, of which a start and an idle gateway load as little as they need."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway_core.audit.ports import AuditStore
from gateway_core.audit.sqlite import SqliteAuditStore
from gateway_core.identity.ports import ClientStore
from gateway_core.identity.sqlite import SqliteClientStore
from gateway_core.kernel.secret import Secret
from gateway_core.settings.model import Settings
from gateway_core.storage.address import PostgresDatabase, SqliteFile, database_url, parse_address
from gateway_core.storage.sqlite_reading import SqliteReader

if TYPE_CHECKING:
    # Its import is what this module puts off.
    from gateway_core.runtime.sql_stores import SqlStores


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores on one database; `watched` is that of the clients once more, which waits for no long question."""

    clients: ClientStore
    watched: ClientStore
    audit: AuditStore


@asynccontextmanager
async def open_stores(settings: Settings, *, must_exist: bool = False) -> AsyncGenerator[Stores]:
    """Give the stores on a database whose tables are up to date; raises SettingInvalid.

    One that is not there is made; with `must_exist` it is refused, and nothing is made.
    """
    url = database_url(settings)
    async with AsyncExitStack() as stack:
        sql = _SqlLater(url)
        stack.push_async_callback(sql.close)
        match parse_address(url.reveal()):
            case SqliteFile() as file:
                reader = SqliteReader(file)
                stack.callback(reader.close)
                if not reader.is_newest():
                    await _prepare(settings, must_exist=must_exist)
                # It waits for nothing but the disk, so one is enough.
                clients = SqliteClientStore(reader, sql.clients)
                yield Stores(clients, clients, SqliteAuditStore(reader, sql.audit))
            case PostgresDatabase():
                await _prepare(settings, must_exist=must_exist)
                watching = _SqlLater(url)
                stack.push_async_callback(watching.close)
                yield Stores(await sql.clients(), await watching.clients(), await sql.audit())


async def _prepare(settings: Settings, *, must_exist: bool) -> None:
    # Imported here: with SQLite only the first start needs it.
    from gateway_core.runtime.records import open_database  # noqa: PLC0415

    async with open_database(settings, must_exist=must_exist):
        pass


class _SqlLater:
    """The engine and the stores on it, loaded when somebody first needs them."""

    def __init__(self, url: Secret) -> None:
        self._url = url
        self._loading = asyncio.Lock()
        self._loaded: SqlStores | None = None

    async def clients(self) -> ClientStore:
        return (await self._load()).clients

    async def audit(self) -> AuditStore:
        return (await self._load()).audit

    async def close(self) -> None:
        if self._loaded is not None:
            await self._loaded.close()

    async def _load(self) -> SqlStores:
        async with self._loading:
            if self._loaded is None:
                # In a thread: it takes a fifth of a second, and requests are being served.
                build = await asyncio.to_thread(_import_sql_stores)
                self._loaded = build(self._url)
        return self._loaded


def _import_sql_stores() -> type[SqlStores]:
    # Imported here: see the class.
    from gateway_core.runtime.sql_stores import SqlStores  # noqa: PLC0415

    if gc.get_freeze_count():
        # A service has told the collector to leave alone what stays for good: this does as well.
        gc.freeze()
    return SqlStores
