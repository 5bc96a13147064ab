"""The clients in a file of SQLite: what is asked often is read directly, the rest is left to who can change them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from gateway_core.identity.model import Client, ClientKey
from gateway_core.identity.ports import ClientStore
from gateway_core.identity.rows import HASH_MARK, PART, parse_clients, parse_keys
from gateway_core.storage.sqlite_reading import SqliteReader


class SqliteClientStore:
    """Implements ports.ClientStore; `changing` gives the store on the same file that can change it."""

    def __init__(self, reader: SqliteReader, changing: Callable[[], Awaitable[ClientStore]]) -> None:
        self._reader = reader
        self._changing = changing

    async def revision(self) -> int:
        """Give a number that grows with every change; cheap."""
        rows = await self._reader.ask("SELECT number FROM revisions WHERE name = ?", PART)
        number: int = rows[0]["number"] if rows else 0
        return number

    async def load(self) -> tuple[Sequence[Client], Sequence[ClientKey]]:
        """Give all clients, by name, and all their keys, the oldest first."""
        # Keys first: a client that is added in between is then without keys, never a key without its client.
        keys = await parse_keys(await self._reader.ask_for_many("SELECT * FROM client_keys"))
        return await parse_clients(await self._reader.ask_for_many("SELECT * FROM clients")), keys

    async def add(self, client: Client, key: ClientKey) -> bool:
        """Keep a new client with its first key; False when the name is taken, also by a revoked one."""
        return await (await self._changing()).add(client, key)

    async def add_first(self, client: Client, key: ClientKey) -> bool:
        """Keep it only when no client was ever an admin, and its name is free; of two processes at once one gets True."""
        return await (await self._changing()).add_first(client, key)

    async def rotate(self, client_id: str, key: ClientKey, *, old_until: datetime) -> None:
        """Keep a further key; those before it hold until `old_until`, or to their own end when that is sooner."""
        await (await self._changing()).rotate(client_id, key, old_until=old_until)

    async def revoke(self, client_id: str, *, at: datetime) -> None:
        """End a client and all its keys; they stay on record, so that a refusal can say when."""
        await (await self._changing()).revoke(client_id, at=at)

    async def hash_mark(self, mark: str) -> str:
        """Keep the mark of the hash key when none is kept yet; gives the one that is kept."""
        return await self.kept_hash_mark() or await (await self._changing()).hash_mark(mark)

    async def kept_hash_mark(self) -> str:
        """Give the mark of the hash key that is kept, and keep none; empty when there is none."""
        rows = await self._reader.ask("SELECT value FROM facts WHERE name = ?", HASH_MARK)
        return rows[0]["value"] if rows else ""

    async def start_over(self, mark: str, client: Client, *, key: ClientKey, at: datetime) -> bool:
        """End all clients, keep this one and this mark instead; False, and nothing done, when the name is taken."""
        return await (await self._changing()).start_over(mark, client, key=key, at=at)
