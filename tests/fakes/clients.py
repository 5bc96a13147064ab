"""Clients in memory, and a place for their changes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from gateway_core.identity.model import Client, ClientKey
from gateway_core.kernel.errors import StorageUnavailable


class FakeClientStore:
    """Keeps clients until the test ends; while `down` it cannot be asked, with a `fault` it fails by that."""

    def __init__(self) -> None:
        self.down = False
        self.fault: Exception | None = None
        self.loads = 0
        self.asked = 0
        """How often the revision was asked for."""
        self._clients: dict[str, Client] = {}
        self._keys: list[ClientKey] = []
        self._revision = 0
        self._mark = ""
        self._asked_again = asyncio.Condition()

    async def until_looked(self) -> None:
        """Wait until somebody has asked for the revision, and is done with what followed from it."""
        due = self.asked + 2
        async with self._asked_again:
            await self._asked_again.wait_for(lambda: self.asked >= due)

    async def revision(self) -> int:
        """Give a number that grows with every change."""
        async with self._asked_again:
            self.asked += 1
            self._asked_again.notify_all()
        self._check()
        return self._revision

    async def load(self) -> tuple[Sequence[Client], Sequence[ClientKey]]:
        """Give all clients, by name, and all their keys, the oldest first."""
        self._check()
        self.loads += 1
        clients = sorted(self._clients.values(), key=lambda client: client.name)
        return clients, sorted(self._keys, key=lambda key: (key.created_at, key.id))

    async def add(self, client: Client, key: ClientKey) -> bool:
        """Keep a new client with its first key; False when the name is taken, also by a revoked one."""
        self._check()
        if any(client.name == known.name for known in self._clients.values()):
            return False
        self._clients[client.id] = client
        self._keys.append(key)
        self._revision += 1
        return True

    async def add_first(self, client: Client, key: ClientKey) -> bool:
        """Keep it only when no client was ever an admin, and its name is free."""
        self._check()
        return all(known.role != "admin" for known in self._clients.values()) and await self.add(client, key)

    async def rotate(self, client_id: str, key: ClientKey, *, old_until: datetime) -> None:
        """Keep a further key; those before it hold until `old_until`, or to their own end when that is sooner."""
        self._check()
        for index, old in enumerate(self._keys):
            if old.client_id == client_id and (old.valid_until is None or old.valid_until > old_until):
                self._keys[index] = replace(old, valid_until=old_until)
        self._keys.append(key)
        self._revision += 1

    async def revoke(self, client_id: str, *, at: datetime) -> None:
        """End a client and all its keys; they stay on record."""
        self._check()
        client = self._clients[client_id]
        self._clients[client_id] = replace(client, revoked_at=client.revoked_at or at)
        self._revision += 1

    async def hash_mark(self, mark: str) -> str:
        """Keep the mark of the hash key when none is kept yet; gives the one that is kept."""
        self._check()
        self._mark = self._mark or mark
        return self._mark

    async def kept_hash_mark(self) -> str:
        """Give the mark of the hash key that is kept, and keep none."""
        self._check()
        return self._mark

    async def start_over(self, mark: str, client: Client, *, key: ClientKey, at: datetime) -> bool:
        """End all clients, keep this one and this mark instead; False, and nothing done, when the name is taken."""
        self._check()
        others = list(self._clients)
        if not await self.add(client, key):
            return False
        for client_id in others:
            await self.revoke(client_id, at=at)
        self._mark = mark
        return True

    def _check(self) -> None:
        if self.fault is not None:
            raise self.fault
        if self.down:
            raise StorageUnavailable("The database 'memory' cannot be asked: it is down")
