"""The stores on the engine of the database, for SQLite and PostgreSQL alike."""

from __future__ import annotations

from gateway_core.audit.sql import SqlAuditStore
from gateway_core.identity.sql import SqlClientStore
from gateway_core.kernel.secret import Secret
from gateway_core.storage.engine import Database


class SqlStores:
    """One engine, and the stores on it; nothing is opened before the first question."""

    def __init__(self, url: Secret) -> None:
        self._database = Database(url)
        self.clients = SqlClientStore(self._database)
        self.audit = SqlAuditStore(self._database)

    async def close(self) -> None:
        """Close all connections."""
        await self._database.close()
