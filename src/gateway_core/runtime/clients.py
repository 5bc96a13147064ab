"""The register of clients, opened for a command or a start; nothing else of the core is built for it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

from gateway_core.audit.model import AuditEvent
from gateway_core.audit.ports import AuditStore
from gateway_core.audit.sql import SqlAuditStore
from gateway_core.identity.clients import ClientRegistry
from gateway_core.identity.hash_key_file import FILE_NAME, open_hash_key
from gateway_core.identity.key_hash import KeyHasher
from gateway_core.identity.ports import ClientStore
from gateway_core.identity.sql import SqlClientStore
from gateway_core.kernel.clock import Clock, SystemClock
from gateway_core.kernel.errors import SettingInvalid, StorageUnavailable
from gateway_core.kernel.secret import Secret
from gateway_core.runtime.records import open_database
from gateway_core.settings.model import Settings


@asynccontextmanager
async def open_registry(settings: Settings, *, clock: Clock | None = None) -> AsyncGenerator[ClientRegistry]:
    """Open the register on the database of the gateway, which may run or not.

    Changes are written to the audit at the end of the block: a command is over too soon for a
    buffer. Raises SettingInvalid, and StorageUnavailable that says when only the audit is missing.
    """
    trail = _Collected()
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(settings))
        store = SqlClientStore(database)
        hasher = await open_hasher(settings, store)
        stack.push_async_callback(trail.write, SqlAuditStore(database))
        yield ClientRegistry(store, hasher, audit=trail, clock=clock or SystemClock())


async def open_hasher(settings: Settings, store: ClientStore) -> KeyHasher:
    """Give what hashes keys of clients; raises SettingInvalid when the stored ones were hashed with another key."""
    given = settings.clients.hash_key
    key = open_hash_key(Secret(given.get_secret_value()) if given is not None else None, settings.data_dir)
    hasher = KeyHasher(key)
    if await store.hash_mark(hasher.mark()) != hasher.mark():
        path = str(settings.data_dir / FILE_NAME)
        where = "AIGW_CLIENTS__HASH_KEY" if given is not None else f"the client hash key file {path!r}"
        message = (
            f"The keys of clients in the database were hashed with another key than {where} holds, so none of "
            "them would open anything; set AIGW_CLIENTS__HASH_KEY to the earlier one, the same for every replica."
        )
        raise SettingInvalid(message)
    return hasher


class _Collected:
    """Events of one command, kept until they can be written at once."""

    def __init__(self) -> None:
        self._events: list[AuditEvent] = []

    def record(self, event: AuditEvent) -> None:
        self._events.append(event)

    async def write(self, store: AuditStore) -> None:
        try:
            await store.add(self._events)
        except StorageUnavailable as error:
            message = f"The change was made, but it could not be written to the audit: {error}"
            raise StorageUnavailable(message) from error
