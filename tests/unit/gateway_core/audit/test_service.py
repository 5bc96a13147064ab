"""Events are logged at once and kept soon, whatever the database does; time is virtual."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from typing_extensions import override

from fakes.audit import FakeAuditStore
from fakes.clock import MORNING
from gateway_core.audit import service
from gateway_core.audit.model import AuditEvent
from gateway_core.audit.service import BufferedAuditTrail
from gateway_core.kernel.units import Seconds
from gateway_core.telemetry.logs import get_log
from unit.ai_gateway.edge.virtual_time import run

ADDED = AuditEvent(MORNING, "client_added", actor="command:me", subject="ci", details={"role": "viewer"})
REFUSED = AuditEvent(MORNING, "credential_refused", subject="/v1/x", reason="no such key", address="192.0.2.7")

Lines = Callable[[], list[dict[str, object]]]


class LoopClock:
    """The virtual loop's time."""

    def now(self) -> datetime:
        return MORNING + timedelta(seconds=self.monotonic())

    def monotonic(self) -> Seconds:
        return Seconds(asyncio.get_running_loop().time())


class RefusingStore(FakeAuditStore):
    """Fails at one event in a way that nobody thought of."""

    @override
    async def add(self, events: Sequence[AuditEvent]) -> None:
        if any(event.subject == "poison" for event in events):
            raise ZeroDivisionError("nobody thought of this")
        await super().add(events)


class CountingStore(FakeAuditStore):
    """Remembers how many events it was to keep."""

    def __init__(self) -> None:
        super().__init__()
        self.kept_newest: list[int] = []

    @override
    async def keep_newest(self, number: int) -> int:
        self.kept_newest.append(number)
        return await super().keep_newest(number)


class StuckStore(FakeAuditStore):
    """Never answers."""

    @override
    async def add(self, events: Sequence[AuditEvent]) -> None:
        await asyncio.Event().wait()


def trail_on(store: FakeAuditStore, *, keep_days: int = 90, keep_events: int = 10**6) -> BufferedAuditTrail:
    return BufferedAuditTrail(store, LoopClock(), keep_days=keep_days, keep_events=keep_events)


def events(count: int) -> list[AuditEvent]:
    return [replace(ADDED, subject=str(number)) for number in range(count)]


def refusals(count: int) -> list[AuditEvent]:
    # Each of another caller, so that none is summed up.
    return [replace(REFUSED, actor=str(number), subject=str(number)) for number in range(count)]


def subjects(store: FakeAuditStore) -> list[str]:
    return [event.subject for event in store.events]


@pytest.fixture
def logged(json_log: Lines, monkeypatch: pytest.MonkeyPatch) -> Lines:
    # Made anew because a used one keeps its first configuration.
    monkeypatch.setattr(service, "log", get_log("audit"))
    return lambda: [line for line in json_log() if line["logger"] == "audit"]


def messages(logged: Lines) -> list[object]:
    return [line["message"] for line in logged()]


def test_an_event_is_kept_within_half_a_second() -> None:
    async def scene() -> None:
        store = FakeAuditStore()
        async with trail_on(store) as trail:
            await asyncio.sleep(100)
            trail.record(ADDED)
            assert store.events == []
            await asyncio.sleep(0.5)
            assert store.events == [replace(ADDED, id=1)]

    run(scene())


def test_events_of_a_quarter_second_are_written_together() -> None:
    async def scene() -> None:
        store = FakeAuditStore()
        async with trail_on(store) as trail:
            for event in events(100):
                trail.record(event)
                await asyncio.sleep(0.01)
        assert subjects(store) == [str(number) for number in range(100)]
        assert len(store.batches) <= 5

    run(scene())


def test_no_batch_is_larger_than_one_transaction_should_be() -> None:
    async def scene() -> None:
        store = FakeAuditStore()
        async with trail_on(store) as trail:
            for event in events(1200):
                trail.record(event)
        assert store.batches == [500, 500, 200]

    run(scene())


def test_what_waits_at_the_end_is_still_written() -> None:
    async def scene() -> None:
        store = FakeAuditStore()
        async with trail_on(store) as trail:
            trail.record(ADDED)
        assert len(store.events) == 1

    run(scene())


def test_events_wait_while_the_database_is_down_and_keep_their_order(logged: Lines) -> None:
    async def scene() -> None:
        store = FakeAuditStore()
        async with trail_on(store) as trail:
            await asyncio.sleep(10)
            store.down = True
            for event in events(5):
                trail.record(event)
                await asyncio.sleep(60)
            store.down = False
            await asyncio.sleep(11)
            assert subjects(store) == ["0", "1", "2", "3", "4"]

    run(scene())

    said = [message for message in messages(logged) if message != "client_added"]
    assert said == ["audit_writing_failed", "audit_writing_resumed"]


def test_past_a_number_the_newest_are_dropped_and_counted(logged: Lines) -> None:
    async def scene() -> None:
        store = FakeAuditStore()
        store.down = True
        async with trail_on(store) as trail:
            for event in events(10_050):
                trail.record(event)
            await asyncio.sleep(30)
            trail.record(ADDED)
            store.down = False
            await asyncio.sleep(100)
            assert len(store.events) == 10_000
            assert subjects(store)[-1] == "9999"

    run(scene())

    told = [line["events"] for line in logged() if line["message"] == "audit_events_dropped"]
    assert told == [50, 1]


def test_a_database_that_is_down_at_the_end_costs_three_seconds_and_a_line(logged: Lines) -> None:
    async def scene() -> None:
        store = FakeAuditStore()
        store.down = True
        loop = asyncio.get_running_loop()
        async with trail_on(store) as trail:
            trail.record(ADDED)
            await asyncio.sleep(60)
            began = loop.time()
        assert loop.time() - began <= 3

    run(scene())

    assert [line["events"] for line in logged() if line["message"] == "audit_events_lost"] == [1]


def test_a_database_that_comes_back_at_the_end_gets_all() -> None:
    async def scene() -> None:
        store = FakeAuditStore()
        store.down = True
        async with trail_on(store) as trail:
            trail.record(ADDED)
            await asyncio.sleep(60)
            asyncio.get_running_loop().call_later(1, store.recover)
        assert len(store.events) == 1

    run(scene())


def test_a_database_that_never_answers_does_not_hold_up_the_end(logged: Lines) -> None:
    async def scene() -> None:
        loop = asyncio.get_running_loop()
        async with trail_on(StuckStore()) as trail:
            trail.record(ADDED)
        assert loop.time() <= 3

    run(scene())

    assert "audit_events_lost" in messages(logged)


def test_a_failure_that_nobody_thought_of_costs_one_batch_and_is_told(logged: Lines) -> None:
    async def scene() -> None:
        store = RefusingStore()
        async with trail_on(store) as trail:
            trail.record(replace(ADDED, subject="poison"))
            await asyncio.sleep(1)
            trail.record(ADDED)
        assert subjects(store) == ["ci"]

    run(scene())

    [line] = [line for line in logged() if line["message"] == "audit_events_refused"]
    assert line["level"] == "error"
    assert "nobody thought of this" in str(line)


def test_what_is_too_old_is_removed_once_an_hour() -> None:
    async def scene() -> None:
        store = FakeAuditStore()
        old, newer = (replace(ADDED, at=MORNING - timedelta(days=1) + timedelta(minutes=wait)) for wait in (-1, 30))
        await store.add([old, newer])
        async with trail_on(store, keep_days=1):
            await asyncio.sleep(60)
            assert [event.at for event in store.events] == [newer.at]
            await asyncio.sleep(3400)
            assert len(store.events) == 1
            await asyncio.sleep(200)
            assert store.events == []

    run(scene())


def test_a_database_that_cannot_forget_is_asked_again_an_hour_later(logged: Lines) -> None:
    async def scene() -> None:
        store = FakeAuditStore()
        await store.add([replace(ADDED, at=MORNING - timedelta(days=9))])
        store.down = True
        async with trail_on(store, keep_days=1):
            await asyncio.sleep(60)
            store.down = False
            await asyncio.sleep(3700)
        assert store.events == []

    run(scene())

    assert messages(logged) == ["old_audit_events_kept", "old_audit_events_removed"]


def test_of_too_many_events_the_oldest_are_removed_once_an_hour_and_it_is_told(logged: Lines) -> None:
    async def scene() -> None:
        store = FakeAuditStore()
        async with trail_on(store, keep_events=10):
            await asyncio.sleep(60)
            await store.add(refusals(25))
            await asyncio.sleep(3400)
            assert len(store.events) == 25
            await asyncio.sleep(200)
            assert subjects(store) == [str(number) for number in range(15, 25)]

    run(scene())

    [line] = logged()
    told = (line["message"], line["level"], line["events"], line["kept"])
    assert told == ("audit_events_removed_early", "warning", 15, 10)


def test_events_that_come_in_great_numbers_do_not_wait_for_the_hour_to_be_removed() -> None:
    async def scene() -> None:
        store = FakeAuditStore()
        async with trail_on(store, keep_events=100) as trail:
            await asyncio.sleep(60)
            for event in refusals(9_990):
                trail.record(event)
            await asyncio.sleep(10)
            assert len(store.events) == 9_990
            for event in refusals(10):
                trail.record(event)
            await asyncio.sleep(10)
            assert len(store.events) == 100
            for event in refusals(10):
                trail.record(event)
            await asyncio.sleep(10)
            assert len(store.events) == 110

    run(scene())


def test_a_million_events_are_kept_unless_it_is_said_otherwise() -> None:
    async def scene() -> None:
        store = CountingStore()
        async with BufferedAuditTrail(store, LoopClock(), keep_days=90):
            await asyncio.sleep(60)
        assert store.kept_newest == [1_000_000]

    run(scene())


def test_an_event_is_logged_at_once_with_what_is_known_of_it(logged: Lines) -> None:
    async def scene() -> None:
        async with trail_on(FakeAuditStore()) as trail:
            trail.record(ADDED)
            trail.record(REFUSED)
            lines = [{**line, "timestamp": ""} for line in logged()]
            ours = {"logger": "audit", "type": "mlops", "stage": "main", "correlation_id": None, "timestamp": ""}
            assert [{name: fact for name, fact in line.items() if name not in ours} for line in lines] == [
                {
                    "message": "client_added",
                    "level": "info",
                    "actor": "command:me",
                    "subject": "ci",
                    "details": {"role": "viewer"},
                },
                {
                    "message": "credential_refused",
                    "level": "warning",
                    "subject": "/v1/x",
                    "reason": "no such key",
                    "address": "192.0.2.7",
                },
            ]

    run(scene())


def test_a_flood_of_refusals_is_twenty_lines_and_a_sum_in_log_and_database(logged: Lines) -> None:
    async def scene() -> None:
        store = FakeAuditStore()
        async with trail_on(store) as trail:
            for _ in range(5000):
                trail.record(REFUSED)
            await asyncio.sleep(70)
            assert len(store.events) == 21
            assert store.events[-1].details == {"repeated": "4980"}

    run(scene())

    assert len([message for message in messages(logged) if message == "credential_refused"]) == 21


def test_a_flood_just_before_the_end_is_summed_up_too() -> None:
    async def scene() -> None:
        store = FakeAuditStore()
        async with trail_on(store) as trail:
            for _ in range(50):
                trail.record(REFUSED)
        assert store.events[-1].details == {"repeated": "30"}

    run(scene())


def test_an_event_too_large_is_cut_before_it_is_logged(logged: Lines) -> None:
    async def scene() -> None:
        async with trail_on(FakeAuditStore()) as trail:
            trail.record(replace(REFUSED, reason="why " * 25_000, subject="\ud800"))

    run(scene())

    [line] = logged()
    assert line["reason"] == "why " * 500
