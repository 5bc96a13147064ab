"""The audit in a file of SQLite: whether there is something to remove is read directly, the rest is left to others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from gateway_core.audit.model import AuditEvent, AuditQuery
from gateway_core.audit.ports import AuditStore
from gateway_core.storage.moments import to_micros
from gateway_core.storage.sqlite_reading import SqliteReader


class SqliteAuditStore:
    """Implements ports.AuditStore; `whole` gives the store on the same file that can do everything."""

    def __init__(self, reader: SqliteReader, whole: Callable[[], Awaitable[AuditStore]]) -> None:
        self._reader = reader
        self._whole = whole

    async def add(self, events: Sequence[AuditEvent]) -> None:
        """Keep events, in their order; their ids are given by the store."""
        if events:
            await (await self._whole()).add(events)

    async def find(self, query: AuditQuery) -> Sequence[AuditEvent]:
        """Give the events asked for, the newest first."""
        return await (await self._whole()).find(query)

    async def forget(self, *, before: datetime) -> int:
        """Remove what is older; tells how many."""
        older = await self._reader.ask_for_many("SELECT 1 FROM audit_events WHERE at < ? LIMIT 1", to_micros(before))
        return await (await self._whole()).forget(before=before) if older else 0

    async def keep_newest(self, number: int) -> int:
        """Keep so many of the newest, and every change of a client; tells how many went."""
        [row] = await self._reader.ask_for_many("SELECT max(id) AS newest FROM audit_events")
        return await (await self._whole()).keep_newest(number) if (row["newest"] or 0) > number else 0
