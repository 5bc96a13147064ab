"""Clients and their keys in the database."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from sqlalchemy import Table, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway_core.identity.model import Client, ClientKey
from gateway_core.identity.rows import HASH_MARK, PART, parse_clients, parse_keys
from gateway_core.kernel.errors import StorageUnavailable
from gateway_core.storage.moments import to_micros
from gateway_core.storage.ports import Storage
from gateway_core.storage.tables import CLIENT_KEYS, CLIENTS, FACTS, REVISIONS


class SqlClientStore:
    """The tables of clients, in either database."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def revision(self) -> int:
        """Give a number that grows with every change; cheap."""
        async with self._transaction(reading=True) as connection:
            wanted = select(REVISIONS.c.number).where(REVISIONS.c.name == PART)
            return await connection.scalar(wanted) or 0

    async def load(self) -> tuple[Sequence[Client], Sequence[ClientKey]]:
        """Give all clients, by name, and all their keys, the oldest first."""
        async with self._transaction(reading=True) as connection:
            # Keys first: a client that is added in between is then without keys, never a key without its client.
            keys = await parse_keys((await connection.execute(select(CLIENT_KEYS))).mappings())
            clients = await parse_clients((await connection.execute(select(CLIENTS))).mappings())
        return clients, keys

    async def add(self, client: Client, key: ClientKey) -> bool:
        """Keep a new client with its first key; False when the name is taken, also by a revoked one."""
        async with self._transaction() as connection:
            if await _is_taken(connection, client.name):
                return False
            await _count_change(connection)
            return await _keep(connection, client, key=key)

    async def add_first(self, client: Client, key: ClientKey) -> bool:
        """Keep it only when no client was ever an admin, and its name is free; of two processes at once one gets True."""
        async with self._transaction() as connection:
            if await _had_admin(connection) or await _is_taken(connection, client.name):
                return False
            # From here on other writers wait, so what is asked once more stays true.
            await _count_change(connection)
            return not await _had_admin(connection) and await _keep(connection, client, key=key)

    async def rotate(self, client_id: str, key: ClientKey, *, old_until: datetime) -> None:
        """Keep a further key; those before it hold until `old_until`, or to their own end when that is sooner."""
        until = to_micros(old_until)
        ends = CLIENT_KEYS.c.valid_until
        async with self._transaction() as connection:
            await _count_change(connection)
            holding = CLIENT_KEYS.c.client_id == client_id, or_(ends.is_(None), ends > until)
            await connection.execute(update(CLIENT_KEYS).where(*holding).values(valid_until=until))
            await connection.execute(CLIENT_KEYS.insert().values(_key_row(key)))

    async def revoke(self, client_id: str, *, at: datetime) -> None:
        """End a client and all its keys; they stay on record, so that a refusal can say when."""
        async with self._transaction() as connection:
            await _count_change(connection)
            holding = CLIENTS.c.id == client_id, CLIENTS.c.revoked_at.is_(None)
            await connection.execute(update(CLIENTS).where(*holding).values(revoked_at=to_micros(at)))

    async def hash_mark(self, mark: str) -> str:
        """Keep the mark of the hash key when none is kept yet; gives the one that is kept."""
        async with self._transaction() as connection:
            row = _insert(FACTS, connection).values(name=HASH_MARK, value=mark)
            await connection.execute(row.on_conflict_do_nothing(index_elements=["name"]))
            return await _kept_mark(connection)

    async def kept_hash_mark(self) -> str:
        """Give the mark of the hash key that is kept, and keep none; empty when there is none."""
        async with self._transaction(reading=True) as connection:
            return await _kept_mark(connection)

    async def start_over(self, mark: str, client: Client, *, key: ClientKey, at: datetime) -> bool:
        """End all clients, keep this one and this mark instead; False, and nothing done, when the name is taken."""
        async with self._transaction() as connection:
            if await _is_taken(connection, client.name):
                return False
            await _count_change(connection)
            if not await _keep(connection, client, key=key):
                return False
            others = CLIENTS.c.id != client.id, CLIENTS.c.revoked_at.is_(None)
            await connection.execute(update(CLIENTS).where(*others).values(revoked_at=to_micros(at)))
            row = _insert(FACTS, connection).values(name=HASH_MARK, value=mark)
            await connection.execute(row.on_conflict_do_update(index_elements=["name"], set_={"value": mark}))
            return True

    @asynccontextmanager
    async def _transaction(self, *, reading: bool = False) -> AsyncGenerator[AsyncConnection]:
        try:
            async with self._storage.reading() if reading else self._storage.transaction() as connection:
                yield connection
        except SQLAlchemyError as error:
            # The storage has words for a database that is not there; this is one that is not as it should be.
            message = f"The clients in the database cannot be read or changed: {type(error).__name__}"
            raise StorageUnavailable(message) from error


def _insert(table: Table, connection: AsyncConnection) -> postgresql.Insert | sqlite.Insert:
    """Begin an insert that may say what happens when the row is there already."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


async def _count_change(connection: AsyncConnection) -> None:
    """Tell every process that clients changed; writers after this one wait until it is through."""
    row = _insert(REVISIONS, connection).values(name=PART, number=1)
    further = {"number": REVISIONS.c.number + 1}
    await connection.execute(row.on_conflict_do_update(index_elements=["name"], set_=further))


async def _had_admin(connection: AsyncConnection) -> bool:
    return await connection.scalar(select(CLIENTS.c.id).where(CLIENTS.c.role == "admin").limit(1)) is not None


async def _is_taken(connection: AsyncConnection, name: str) -> bool:
    return await connection.scalar(select(CLIENTS.c.id).where(CLIENTS.c.name == name)) is not None


async def _kept_mark(connection: AsyncConnection) -> str:
    return await connection.scalar(select(FACTS.c.value).where(FACTS.c.name == HASH_MARK)) or ""


async def _keep(connection: AsyncConnection, client: Client, *, key: ClientKey) -> bool:
    row = _insert(CLIENTS, connection).values(_client_row(client))
    kept = await connection.execute(row.on_conflict_do_nothing(index_elements=["name"]))
    if kept.rowcount != 1:
        return False
    await connection.execute(CLIENT_KEYS.insert().values(_key_row(key)))
    return True


def _client_row(client: Client) -> dict[str, object]:
    budget = client.budget
    return {
        "id": client.id,
        "name": client.name,
        "role": client.role,
        "scopes": sorted(client.scopes),
        "models": sorted(client.models),
        "budget_micro_usd": budget.amount if budget else None,
        "budget_per": budget.per if budget else None,
        "rpm": client.rpm,
        "tpm": client.tpm,
        "created_at": to_micros(client.created_at),
        "expires_at": _stored(client.expires_at),
        "revoked_at": _stored(client.revoked_at),
    }


def _key_row(key: ClientKey) -> dict[str, object]:
    return {
        "id": key.id,
        "client_id": key.client_id,
        "digest": key.digest,
        "prefix": key.prefix,
        "created_at": to_micros(key.created_at),
        "valid_until": _stored(key.valid_until),
    }


def _stored(moment: datetime | None) -> int | None:
    return None if moment is None else to_micros(moment)
