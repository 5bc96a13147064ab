"""The register of clients, opened for a command or a start; nothing else of the core is built for it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

from gateway_core.audit.model import AuditEvent
from gateway_core.audit.ports import AuditStore
from gateway_core.identity.clients import ClientRegistry
from gateway_core.identity.hash_key_file import FILE_NAME, make_hash_key, read_hash_key
from gateway_core.identity.key_hash import KeyHasher
from gateway_core.identity.ports import ClientStore
from gateway_core.kernel.clock import Clock, SystemClock
from gateway_core.kernel.errors import SettingInvalid, StorageUnavailable
from gateway_core.kernel.secret import Secret
from gateway_core.runtime.stores import open_stores
from gateway_core.settings.model import Settings
from gateway_core.storage.address import database_url, parse_address

_GONE_FOR_GOOD = (
    "Only when it is gone for good: `ai-gateway clients start-over` ends all clients and begins with one new admin."
)


@asynccontextmanager
async def open_registry(
    settings: Settings, *, clock: Clock | None = None, must_exist: bool = False, start_over: bool = False
) -> AsyncGenerator[ClientRegistry]:
    """Open the register on the database of the gateway, which may run or not.

    A database that is not there is made or, with `must_exist`, refused. To `start_over` the hash
    key need not be that of the stored keys. Changes are written to the audit at the end of the
    block: a command is over too soon for a buffer. Raises SettingInvalid, and StorageUnavailable
    that says when only the audit is missing.
    """
    trail = _Collected()
    async with AsyncExitStack() as stack:
        stores = await stack.enter_async_context(open_stores(settings, must_exist=must_exist))
        store = stores.clients
        hasher = _open_any_hasher(settings) if start_over else await open_hasher(settings, store)
        stack.push_async_callback(trail.write, stores.audit)
        yield ClientRegistry(store, hasher, audit=trail, clock=clock or SystemClock())


def name_database(settings: Settings) -> str:
    """Name the database of these settings in a message, without its password; raises SettingInvalid."""
    return parse_address(database_url(settings).reveal()).shown


async def open_hasher(settings: Settings, store: ClientStore) -> KeyHasher:
    """Give what hashes keys of clients; the first start makes its key.

    Raises SettingInvalid when the stored ones were hashed with another key, or with one that is missing.
    """
    key = read_hash_key(_given_hash_key(settings), settings.data_dir)
    kept = await store.kept_hash_mark()
    if key is None and kept:
        # A new one would open nothing, and hide that the earlier one is needed.
        raise _hash_key_missing(settings)
    hasher = KeyHasher(key or make_hash_key(settings.data_dir))
    if (kept or await store.hash_mark(hasher.mark())) != hasher.mark():
        raise _hash_key_differs(settings)
    return hasher


def _open_any_hasher(settings: Settings) -> KeyHasher:
    key = read_hash_key(_given_hash_key(settings), settings.data_dir)
    return KeyHasher(key or make_hash_key(settings.data_dir))


def _given_hash_key(settings: Settings) -> Secret | None:
    given = settings.clients.hash_key
    return Secret(given.get_secret_value()) if given is not None else None


def _hash_key_missing(settings: Settings) -> SettingInvalid:
    return SettingInvalid(
        f"The client hash key file {_hash_key_path(settings)!r} is missing, and AIGW_CLIENTS__HASH_KEY is not set: "
        f"the keys of clients in {name_database(settings)} were hashed with it. Restore it from a backup, or copy it "
        f"from the machine that made it. {_GONE_FOR_GOOD}"
    )


def _hash_key_differs(settings: Settings) -> SettingInvalid:
    given = settings.clients.hash_key is not None
    where = "AIGW_CLIENTS__HASH_KEY" if given else f"the client hash key file {_hash_key_path(settings)!r}"
    return SettingInvalid(
        f"The keys of clients in {name_database(settings)} were hashed with another key than {where} holds, so none "
        "of them would open anything; set AIGW_CLIENTS__HASH_KEY to the earlier one, the same for every replica. "
        f"{_GONE_FOR_GOOD}"
    )


def _hash_key_path(settings: Settings) -> str:
    return str((settings.data_dir / FILE_NAME).absolute())


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
