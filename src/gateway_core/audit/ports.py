"""What the audit asks of its adapters, and what others may ask of the audit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from gateway_core.audit.model import AuditEvent, AuditQuery


class AuditTrail(Protocol):
    """Where events are handed in; never waits and never fails."""

    def record(self, event: AuditEvent) -> None:
        """Take one event: it is logged at once, and kept soon."""
        ...


class AuditStore(Protocol):
    """Where events are kept. Every method may raise StorageUnavailable."""

    async def add(self, events: Sequence[AuditEvent]) -> None:
        """Keep events, in their order; their ids are given by the store."""
        ...

    async def find(self, query: AuditQuery) -> Sequence[AuditEvent]:
        """Give the events asked for, the newest first."""
        ...

    async def forget(self, *, before: datetime) -> int:
        """Remove what is older; tells how many."""
        ...

    async def keep_newest(self, number: int) -> int:
        """Keep so many of the newest, and every change of a client; tells how many went."""
        ...
