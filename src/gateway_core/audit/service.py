"""Take events without waiting; write them in the background."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import islice
from types import TracebackType
from typing import Self

from gateway_core.audit.flood import REFUSALS, FloodGuard
from gateway_core.audit.limits import fitted
from gateway_core.audit.model import AuditEvent
from gateway_core.audit.ports import AuditStore
from gateway_core.kernel.clock import Clock
from gateway_core.kernel.errors import StorageUnavailable
from gateway_core.kernel.units import Seconds
from gateway_core.telemetry.logs import get_log

log = get_log("audit")

BUFFER = 10_000
BATCH = 500
KEEP_EVENTS = 1_000_000
_EVERY = Seconds(0.25)
_LONGEST_PAUSE = Seconds(10)
# How often the writer looks round when nothing happens: for sums that are due, and old events.
_TICK = Seconds(5)
# Old events go once an hour, and when so many were written since: a flood does not wait for the hour.
_TIDIES_EVERY = Seconds(3600)
_TIDIES_AFTER = 10_000
_TELLS_EVERY = Seconds(60)
_CLOSE_PATIENCE = Seconds(3)


class BufferedAuditTrail:
    """Implements ports.AuditTrail; an async context manager, inside which events are written.

    While the database cannot be asked events wait, up to a number; past it the newest
    are dropped and counted. They are logged all the same.
    """

    def __init__(self, store: AuditStore, clock: Clock, *, keep_days: int, keep_events: int = KEEP_EVENTS) -> None:
        self._store = store
        self._clock = clock
        self._keep_for = timedelta(days=keep_days)
        self._keep_events = keep_events
        self._flood = FloodGuard()
        self._waiting: deque[AuditEvent] = deque()
        self._something = asyncio.Event()
        self._closing = asyncio.Event()
        self._failing = False
        self._dropped = self._written = 0
        self._told_at = self._tidied_at = Seconds(float("-inf"))
        self._writer: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._writer = asyncio.create_task(self._write(), name="audit")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._take_in(self._flood.sum_up(now=self._clock.monotonic(), even_early=True))
        self._closing.set()
        self._something.set()
        if self._writer is not None:
            await asyncio.wait((self._writer,), timeout=_CLOSE_PATIENCE)
            self._writer.cancel()
            await asyncio.wait((self._writer,))
        self._tell_dropped(at_most_every=Seconds(0))
        if self._waiting:
            log.error(
                "audit_events_lost", events=len(self._waiting), reason="the database could not be asked to the end"
            )

    def record(self, event: AuditEvent) -> None:
        """Log one event at once, and keep it soon; further refusals of a flood are summed up."""
        self._take_in(self._flood.take(fitted(event), now=self._clock.monotonic()))

    def _take_in(self, events: Sequence[AuditEvent]) -> None:
        for event in events:
            _log(event)
            if len(self._waiting) >= BUFFER:
                self._dropped += 1
            else:
                self._waiting.append(event)
                self._something.set()

    async def _write(self) -> None:
        pause = _EVERY
        while self._waiting or not self._closing.is_set():
            if not self._waiting:
                await _until(self._something, at_most=_TICK)
            await self._rest(pause)
            self._something.clear()
            self._take_in(self._flood.sum_up(now=self._clock.monotonic()))
            written = await self._write_waiting()
            pause = _EVERY if written else Seconds(min(pause * 2, _LONGEST_PAUSE))
            self._tell_dropped(at_most_every=_TELLS_EVERY)
            await self._tidy()

    async def _rest(self, pause: Seconds) -> None:
        """Let events gather, or the database recover; at the end only as long as must be."""
        if not self._closing.is_set():
            await _until(self._closing, at_most=pause)
        elif self._failing:
            await asyncio.sleep(_EVERY)

    async def _write_waiting(self) -> bool:
        """Write what waits, in its order; False when the database could not be asked."""
        due = len(self._waiting)
        while due > 0:
            batch = list(islice(self._waiting, min(BATCH, due)))
            due -= len(batch)
            # Gathered, so that a failure nobody thought of is a value here and does not end the writing.
            [failure] = await asyncio.gather(self._store.add(batch), return_exceptions=True)
            if isinstance(failure, StorageUnavailable):
                self._note_failing(failure)
                return False
            if failure is not None:
                log.error("audit_events_refused", events=len(batch), exc_info=failure)
            self._written += len(batch)
            for _ in batch:
                self._waiting.popleft()
        if self._failing:
            self._failing = False
            log.info("audit_writing_resumed")
        return True

    def _note_failing(self, failure: StorageUnavailable) -> None:
        if not self._failing:
            self._failing = True
            log.warning("audit_writing_failed", reason=str(failure), waiting=len(self._waiting))

    def _tell_dropped(self, *, at_most_every: Seconds) -> None:
        now = self._clock.monotonic()
        if self._dropped and now - self._told_at >= at_most_every:
            log.error("audit_events_dropped", events=self._dropped, reason="too many wait for the database")
            self._dropped, self._told_at = 0, now

    async def _tidy(self) -> None:
        """Remove what is too old or too much: once an hour, or sooner when much was written."""
        now = self._clock.monotonic()
        due = now - self._tidied_at >= _TIDIES_EVERY or self._written >= _TIDIES_AFTER
        if self._closing.is_set() or not due:
            return
        self._tidied_at, self._written = now, 0
        [failure] = await asyncio.gather(self._remove(), return_exceptions=True)
        if failure is not None:
            log.warning("old_audit_events_kept", reason=str(failure))

    async def _remove(self) -> None:
        old = await self._store.forget(before=self._clock.now() - self._keep_for)
        if old:
            log.info("old_audit_events_removed", events=old)
        too_many = await self._store.keep_newest(self._keep_events)
        if too_many:
            log.warning("audit_events_removed_early", events=too_many, kept=self._keep_events)


def _log(event: AuditEvent) -> None:
    facts = {
        "actor": event.actor,
        "subject": event.subject,
        "reason": event.reason,
        "request_id": event.request_id,
        "address": event.address,
        "details": dict(event.details),
    }
    told = {name: fact for name, fact in facts.items() if fact}
    if event.kind in REFUSALS:
        log.warning(event.kind, **told)
    else:
        log.info(event.kind, **told)


async def _until(event: asyncio.Event, *, at_most: Seconds) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(at_most):
            await event.wait()
