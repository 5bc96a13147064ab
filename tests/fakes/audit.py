"""The audit, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from gateway_core.audit.limits import fitted
from gateway_core.audit.model import CHANGES, AuditEvent, AuditQuery
from gateway_core.kernel.errors import StorageUnavailable


class FakeAuditTrail:
    """Shows what was handed in."""

    def __init__(self) -> None:
        self.events: list[AuditEvent] = []

    def record(self, event: AuditEvent) -> None:
        """Take one event."""
        self.events.append(event)


class FakeAuditStore:
    """Keeps events until the test ends; while `down` it cannot be asked."""

    def __init__(self) -> None:
        self.down = False
        self.batches: list[int] = []
        """How many events each call brought."""
        self.events: list[AuditEvent] = []
        self._ids = 0

    def recover(self) -> None:
        """Be there again."""
        self.down = False

    async def add(self, events: Sequence[AuditEvent]) -> None:
        """Keep events, in their order."""
        self._check()
        self.batches.append(len(events))
        for event in events:
            self._ids += 1
            self.events.append(replace(fitted(event), id=self._ids))

    async def find(self, query: AuditQuery) -> Sequence[AuditEvent]:
        """Give the events asked for, the newest first."""
        self._check()
        return [event for event in reversed(self.events) if _is_wanted(event, query)][: query.limit]

    async def forget(self, *, before: datetime) -> int:
        """Remove what is older; tells how many."""
        self._check()
        kept = [event for event in self.events if event.at >= before]
        removed = len(self.events) - len(kept)
        self.events = kept
        return removed

    async def keep_newest(self, number: int) -> int:
        """Keep so many of the newest, and every change of a client; tells how many went."""
        self._check()
        before = len(self.events)
        old = max(0, before - number)
        self.events[:old] = [event for event in self.events[:old] if event.kind in CHANGES]
        return before - len(self.events)

    def _check(self) -> None:
        if self.down:
            raise StorageUnavailable("Cannot use the database of this test: it is down")


def _is_wanted(event: AuditEvent, query: AuditQuery) -> bool:
    exact = (
        (query.kind, event.kind),
        (query.actor, event.actor),
        (query.subject, event.subject),
        (query.request_id, event.request_id),
    )
    return (
        all(not wanted or wanted == given for wanted, given in exact)
        and (query.since is None or event.at >= query.since)
        and (query.before_id is None or event.id < query.before_id)
    )
