"""What every place for audit events owes: one suite over the fake, SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from fakes.audit import FakeAuditStore
from fakes.clock import MORNING
from fakes.databases import ENGINES, new_database, open_database
from gateway_core.audit import limits
from gateway_core.audit.model import AuditEvent, AuditQuery
from gateway_core.audit.ports import AuditStore
from gateway_core.audit.sql import SqlAuditStore
from gateway_core.audit.sqlite import SqliteAuditStore
from gateway_core.storage.address import SqliteFile
from gateway_core.storage.sqlite_reading import SqliteReader

REFUSED = AuditEvent(
    at=MORNING + timedelta(microseconds=123457),
    kind="credential_refused",
    actor="token:instance-1",
    subject="/v2/code/completions",
    reason="the key 'gw-3f9ak2p7…' was revoked",
    request_id="r-1",
    address="192.0.2.7",
    details={"role": "viewer", "wörter": 'a "b" \\ ☃ 💾'},
)
ADDED = AuditEvent(at=MORNING + timedelta(hours=1), kind="client_added", actor="command:me", subject="ci")
REVOKED = AuditEvent(at=MORNING + timedelta(hours=2), kind="client_revoked", actor="command:me", subject="ci")


@pytest.fixture(params=("fake", *ENGINES, "sqlite directly"))
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AuditStore]:
    if request.param == "fake":
        yield FakeAuditStore()
        return
    async with AsyncExitStack() as stack:
        engine, _, directly = request.param.partition(" ")
        url = stack.enter_context(new_database(engine, tmp_path))
        whole = SqlAuditStore(await stack.enter_async_context(open_database(url)))
        if not directly:
            yield whole
            return
        reader = SqliteReader(SqliteFile(tmp_path / "gateway.db"))
        stack.callback(reader.close)
        yield SqliteAuditStore(reader, lambda: itself(whole))


async def itself(store: AuditStore) -> AuditStore:
    return store


async def found(store: AuditStore, query: AuditQuery) -> list[AuditEvent]:
    """Give what was found, without the numbers that the store gave."""
    return [replace(event, id=0) for event in await store.find(query)]


async def test_events_come_back_whole_and_the_newest_first(store: AuditStore) -> None:
    await store.add([REFUSED, ADDED])
    await store.add([REVOKED])

    assert await found(store, AuditQuery()) == [REVOKED, ADDED, REFUSED]


async def test_nothing_kept_is_nothing_found(store: AuditStore) -> None:
    await store.add([])

    assert await found(store, AuditQuery()) == []


@pytest.mark.parametrize(
    ("query", "events"),
    [
        (AuditQuery(kind="client_added"), [ADDED]),
        (AuditQuery(kind="token_issued"), []),
        (AuditQuery(actor="command:me"), [REVOKED, ADDED]),
        (AuditQuery(actor="command:"), []),
        (AuditQuery(subject="ci"), [REVOKED, ADDED]),
        (AuditQuery(subject="' OR 1=1 --"), []),
        (AuditQuery(request_id="r-1"), [REFUSED]),
        (AuditQuery(since=ADDED.at), [REVOKED, ADDED]),
        (AuditQuery(since=ADDED.at + timedelta(microseconds=1)), [REVOKED]),
        (AuditQuery(actor="command:me", kind="client_revoked", subject="ci"), [REVOKED]),
        (AuditQuery(limit=2), [REVOKED, ADDED]),
        (AuditQuery(actor="command:me", limit=1), [REVOKED]),
    ],
)
async def test_only_what_was_asked_for_is_found(store: AuditStore, query: AuditQuery, events: list[AuditEvent]) -> None:
    await store.add([REFUSED, ADDED, REVOKED])

    assert await found(store, query) == events


async def test_one_page_follows_the_other(store: AuditStore) -> None:
    await store.add([replace(ADDED, subject=f"client {number}") for number in range(5)])

    first = await store.find(AuditQuery(limit=2))
    then = await store.find(AuditQuery(limit=2, before_id=first[-1].id))

    assert [event.subject for event in (*first, *then)] == ["client 4", "client 3", "client 2", "client 1"]


async def test_a_large_batch_keeps_its_order(store: AuditStore) -> None:
    await store.add([replace(ADDED, subject=str(number)) for number in range(500)])

    newest = await store.find(AuditQuery(limit=1000))

    assert [event.subject for event in newest] == [str(number) for number in reversed(range(500))]
    assert len({event.id for event in newest}) == 500


async def test_what_is_older_is_forgotten_and_counted(store: AuditStore) -> None:
    await store.add([REFUSED, ADDED, REVOKED])

    assert await store.forget(before=REVOKED.at) == 2
    assert await found(store, AuditQuery()) == [REVOKED]
    assert await store.forget(before=REVOKED.at) == 0


async def test_only_the_newest_are_kept_and_the_rest_is_counted(store: AuditStore) -> None:
    await store.add([replace(REFUSED, subject=str(number)) for number in range(10)])

    assert await store.keep_newest(10) == 0
    assert await store.keep_newest(9) == 1
    assert await store.keep_newest(4) == 5
    assert [event.subject for event in await store.find(AuditQuery())] == ["9", "8", "7", "6"]
    await store.add([replace(REFUSED, subject="10")])
    assert await store.keep_newest(4) == 1
    assert [event.subject for event in await store.find(AuditQuery())] == ["10", "9", "8", "7"]


async def test_no_flood_pushes_out_what_operators_did(store: AuditStore) -> None:
    await store.add([ADDED, REVOKED, replace(ADDED, kind="client_rotated")])
    await store.add([replace(REFUSED, subject=str(number)) for number in range(10)])

    assert await store.keep_newest(2) == 8
    kinds = [event.kind for event in await store.find(AuditQuery())]
    assert kinds[2:] == ["client_rotated", "client_revoked", "client_added"]


async def test_of_nothing_nothing_is_removed(store: AuditStore) -> None:
    assert await store.keep_newest(1) == 0


async def test_a_later_event_never_gets_the_number_of_a_forgotten_one(store: AuditStore) -> None:
    await store.add([ADDED])
    [before] = await store.find(AuditQuery())
    await store.add([REFUSED])
    await store.forget(before=ADDED.at)
    await store.add([REVOKED])

    [newest, kept] = await store.find(AuditQuery())

    assert kept.id == before.id < newest.id


async def test_what_no_column_could_hold_is_kept_in_part(store: AuditStore) -> None:
    odd = replace(
        REFUSED, actor="a\0b" * 500, subject="\ud800x" * 500, reason="r\0" * 5000, request_id="q" * 5000,
        address="9" * 500, details={"n\0": "v\udfff" * 5000},
    )  # fmt: skip

    await store.add([odd])

    [kept] = await found(store, AuditQuery())
    assert kept == limits.fitted(odd)
    assert kept.actor.startswith("a\N{REPLACEMENT CHARACTER}b")
