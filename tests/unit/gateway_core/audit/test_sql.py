"""Old events are removed in portions, so that nobody waits for all of them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from fakes.clock import MORNING
from fakes.databases import open_database
from gateway_core.audit import sql
from gateway_core.audit.model import AuditEvent, AuditQuery
from gateway_core.audit.sql import SqlAuditStore
from gateway_core.kernel.errors import StorageUnavailable
from gateway_core.storage.engine import Database


async def test_more_old_events_than_one_portion_all_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "_AT_ONCE", 3)
    events = [AuditEvent(MORNING + timedelta(hours=hours), "client_added") for hours in range(10)]
    async with open_database(f"sqlite:///{tmp_path}/gateway.db") as database:
        store = SqlAuditStore(database)
        await store.add(events)

        assert await store.forget(before=MORNING + timedelta(hours=9)) == 9
        assert [event.at for event in await store.find(AuditQuery())] == [events[-1].at]


async def test_more_events_than_are_kept_go_in_portions_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "_AT_ONCE", 3)
    async with open_database(f"sqlite:///{tmp_path}/gateway.db") as database:
        store = SqlAuditStore(database)
        await store.add([AuditEvent(MORNING, "credential_refused", subject=str(number)) for number in range(10)])

        assert await store.keep_newest(2) == 8
        assert [event.subject for event in await store.find(AuditQuery())] == ["9", "8"]


async def test_the_record_is_read_while_another_process_writes(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/gateway.db"
    async with open_database(url) as writer, open_database(url) as reader:
        await SqlAuditStore(writer).add([AuditEvent(MORNING, "client_added")])
        async with writer.transaction():
            assert len(await SqlAuditStore(reader).find(AuditQuery())) == 1


async def test_a_database_without_tables_cannot_be_asked(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/gateway.db")

    with pytest.raises(StorageUnavailable, match="audit_events"):
        await SqlAuditStore(database).find(AuditQuery())

    await database.close()
