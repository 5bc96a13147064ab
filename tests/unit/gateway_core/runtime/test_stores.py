"""The stores are there from the first start on, and later starts load next to nothing for them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fakes.databases import ENGINES, Engine, new_database
from gateway_core.audit.model import AuditEvent, AuditQuery
from gateway_core.identity.model import Client, ClientKey
from gateway_core.kernel.errors import SettingInvalid
from gateway_core.runtime.stores import Stores, open_stores
from gateway_core.settings.load import load_settings
from gateway_core.settings.model import Settings

SRC = Path(__file__).parents[4] / "src"
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CLIENT = Client("1", "ci", NOON)
KEY = ClientKey("k", "1", "digest", "gw-3f9ak2p7x", NOON)

START_AND_LOOK = """
import asyncio, sys
from datetime import UTC, datetime
from gateway_core.runtime.stores import open_stores
from gateway_core.settings.load import load_settings

async def start() -> None:
    async with open_stores(load_settings({"AIGW_DATABASE_URL": sys.argv[1]}, env_file=None)) as stores:
        await stores.clients.kept_hash_mark()
        await stores.clients.load()
        await stores.watched.revision()
        await stores.audit.add([])
        await stores.audit.forget(before=datetime.now(UTC))
        await stores.audit.keep_newest(1_000)

asyncio.run(start())
print("sqlalchemy" in sys.modules)
"""


@pytest.fixture(params=ENGINES)
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    engine: Engine = request.param
    with new_database(engine, tmp_path) as url:
        yield load_settings({"AIGW_DATABASE_URL": url}, env_file=None)


@pytest.fixture
async def stores(settings: Settings) -> AsyncIterator[Stores]:
    async with open_stores(settings) as opened:
        yield opened


async def test_a_change_is_seen_by_who_watches(stores: Stores) -> None:
    before = await stores.watched.revision()
    await stores.clients.add(CLIENT, KEY)

    assert await stores.watched.revision() > before
    clients, keys = await stores.watched.load()
    assert (list(clients), list(keys)) == ([CLIENT], [KEY])


async def test_what_was_kept_is_there_at_the_next_start(settings: Settings) -> None:
    async with open_stores(settings) as first:
        await first.clients.add(CLIENT, KEY)
        await first.audit.add([AuditEvent(NOON, "client_added")])

    async with open_stores(settings, must_exist=True) as second:
        clients, _ = await second.clients.load()
        [event] = await second.audit.find(AuditQuery())
        assert await second.audit.forget(before=NOON + timedelta(seconds=1)) == 1

    assert (list(clients), event.kind) == ([CLIENT], "client_added")


async def test_what_must_exist_is_not_made(settings: Settings) -> None:
    with pytest.raises(SettingInvalid, match="is AIGW_DATABASE_URL that of the gateway"):
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(open_stores(settings, must_exist=True))


def test_only_the_first_start_on_a_file_needs_the_engine(tmp_path: Path) -> None:
    command = [sys.executable, "-c", START_AND_LOOK, f"sqlite:///{tmp_path}/gateway.db"]
    starts = [
        subprocess.run(command, env={"PYTHONPATH": str(SRC)}, capture_output=True, text=True, check=False, timeout=60)
        for _ in range(2)
    ]

    assert [(start.stdout, start.stderr) for start in starts] == [("True\n", ""), ("False\n", "")]
