"""The audit in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, RowMapping, and_, delete, func, insert, select

from gateway_core.audit.limits import fitted
from gateway_core.audit.model import CHANGES, AuditEvent, AuditQuery
from gateway_core.storage.moments import from_micros, to_micros
from gateway_core.storage.ports import Storage
from gateway_core.storage.tables import AUDIT_EVENTS

# Few enough that writers of other processes get their turn in between.
_AT_ONCE = 5000


class SqlAuditStore:
    """Implements ports.AuditStore."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def add(self, events: Sequence[AuditEvent]) -> None:
        """Keep events, in their order; their ids are given by the store."""
        if not events:
            return
        rows = [_to_row(fitted(event)) for event in events]
        async with self._storage.transaction() as connection:
            await connection.execute(insert(AUDIT_EVENTS), rows)

    async def find(self, query: AuditQuery) -> Sequence[AuditEvent]:
        """Give the events asked for, the newest first."""
        table = AUDIT_EVENTS.c
        wanted = select(AUDIT_EVENTS).order_by(table.id.desc()).limit(query.limit)
        for column, value in (
            (table.kind, query.kind),
            (table.actor, query.actor),
            (table.subject, query.subject),
            (table.request_id, query.request_id),
        ):
            if value:
                wanted = wanted.where(column == value)
        if query.since is not None:
            wanted = wanted.where(table.at >= to_micros(query.since))
        if query.before_id is not None:
            wanted = wanted.where(table.id < query.before_id)
        async with self._storage.reading() as connection:
            rows = (await connection.execute(wanted)).mappings().all()
        return [_from_row(row) for row in rows]

    async def forget(self, *, before: datetime) -> int:
        """Remove what is older; tells how many."""
        return await self._remove(AUDIT_EVENTS.c.at < to_micros(before))

    async def keep_newest(self, number: int) -> int:
        """Keep so many of the newest, and every change of a client; tells how many went."""
        # By their ids, which only grow: to count a million rows would take seconds.
        async with self._storage.reading() as connection:
            newest = await connection.scalar(select(func.max(AUDIT_EVENTS.c.id))) or 0
        return await self._remove(and_(AUDIT_EVENTS.c.id <= newest - number, AUDIT_EVENTS.c.kind.not_in(CHANGES)))

    async def _remove(self, unwanted: ColumnElement[bool]) -> int:
        ids = select(AUDIT_EVENTS.c.id).where(unwanted).limit(_AT_ONCE)
        removed = 0
        while True:
            async with self._storage.transaction() as connection:
                result = await connection.execute(delete(AUDIT_EVENTS).where(AUDIT_EVENTS.c.id.in_(ids)))
            removed += result.rowcount
            if result.rowcount < _AT_ONCE:
                return removed


def _to_row(event: AuditEvent) -> dict[str, object]:
    return {
        "at": to_micros(event.at),
        "kind": event.kind,
        "actor": event.actor,
        "subject": event.subject,
        "reason": event.reason,
        "request_id": event.request_id,
        "address": event.address,
        "details": dict(event.details),
    }


def _from_row(row: RowMapping) -> AuditEvent:
    return AuditEvent(
        at=from_micros(row["at"]),
        kind=row["kind"],
        actor=row["actor"],
        subject=row["subject"],
        reason=row["reason"],
        request_id=row["request_id"],
        address=row["address"],
        details=row["details"],
        id=row["id"],
    )
