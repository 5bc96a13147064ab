"""Clients and their keys in the database."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from sqlalchemy import Table, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway_core.identity.model import ROLES, Budget, Client, ClientKey
from gateway_core.kernel.errors import StorageUnavailable
from gateway_core.kernel.units import MicroUsd
from gateway_core.storage.ports import Storage
from gateway_core.storage.tables import CLIENT_KEYS, CLIENTS, FACTS, REVISIONS, from_micros, to_micros

_PART = "clients"
_HASH_MARK = "client_hash_mark"


class SqlClientStore:
    """The tables of clients, in either database."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def revision(self) -> int:
        """Give a number that grows with every change; cheap."""
        async with self._transaction() as connection:
            wanted = select(REVISIONS.c.number).where(REVISIONS.c.name == _PART)
            return await connection.scalar(wanted) or 0

    async def load(self) -> tuple[Sequence[Client], Sequence[ClientKey]]:
        """Give all clients, by name, and all their keys, the oldest first."""
        async with self._transaction() as connection:
            # Keys first: a client that is added in between is then without keys, never a key without its client.
            keys = [_key(row) for row in (await connection.execute(select(CLIENT_KEYS))).mappings()]
            clients = [_client(row) for row in (await connection.execute(select(CLIENTS))).mappings()]
        # Sorted here: databases do not agree on the order of names.
        clients.sort(key=lambda client: client.name)
        keys.sort(key=lambda key: (key.created_at, key.id))
        return clients, keys

    async def add(self, client: Client, key: ClientKey) -> bool:
        """Keep a new client with its first key; False when the name is taken, also by a revoked one."""
        async with self._transaction() as connection:
            if await connection.scalar(select(CLIENTS.c.id).where(CLIENTS.c.name == client.name)):
                return False
            await _count_change(connection)
            return await _keep(connection, client, key=key)

    async def add_first(self, client: Client, key: ClientKey) -> bool:
        """Keep it only when there is no client at all; of two processes at once one gets True."""
        async with self._transaction() as connection:
            if await _has_clients(connection):
                return False
            # From here on other writers wait, so what is asked once more stays true.
            await _count_change(connection)
            return not await _has_clients(connection) and await _keep(connection, client, key=key)

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
            row = _insert(FACTS, connection).values(name=_HASH_MARK, value=mark)
            await connection.execute(row.on_conflict_do_nothing(index_elements=["name"]))
            return await connection.scalar(select(FACTS.c.value).where(FACTS.c.name == _HASH_MARK)) or ""

    @asynccontextmanager
    async def _transaction(self) -> AsyncGenerator[AsyncConnection]:
        try:
            async with self._storage.transaction() as connection:
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
    row = _insert(REVISIONS, connection).values(name=_PART, number=1)
    further = {"number": REVISIONS.c.number + 1}
    await connection.execute(row.on_conflict_do_update(index_elements=["name"], set_=further))


async def _has_clients(connection: AsyncConnection) -> bool:
    return bool(await connection.scalar(select(func.count()).select_from(CLIENTS)))


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


def _client(row: RowMapping) -> Client:
    return Client(
        id=row["id"],
        name=row["name"],
        created_at=from_micros(row["created_at"]),
        # A role that only a newer version knows opens nothing in this one.
        role=next((role for role in ROLES if role == row["role"]), None),
        scopes=frozenset(row["scopes"]),
        models=frozenset(row["models"]),
        budget=_budget(row["budget_micro_usd"], row["budget_per"]),
        rpm=row["rpm"],
        tpm=row["tpm"],
        expires_at=_moment(row["expires_at"]),
        revoked_at=_moment(row["revoked_at"]),
    )


def _budget(amount: int | None, per: str | None) -> Budget | None:
    match amount, per:
        case None, _:
            return None
        case amount, ("day" | "month") as per:
            return Budget(MicroUsd(amount), per)
        case amount, _:
            # Also for a period that only a newer version knows: the strictest that this one has.
            return Budget(MicroUsd(amount), "total")


def _key_row(key: ClientKey) -> dict[str, object]:
    return {
        "id": key.id,
        "client_id": key.client_id,
        "digest": key.digest,
        "prefix": key.prefix,
        "created_at": to_micros(key.created_at),
        "valid_until": _stored(key.valid_until),
    }


def _key(row: RowMapping) -> ClientKey:
    return ClientKey(
        id=row["id"],
        client_id=row["client_id"],
        digest=row["digest"],
        prefix=row["prefix"],
        created_at=from_micros(row["created_at"]),
        valid_until=_moment(row["valid_until"]),
    )


def _stored(moment: datetime | None) -> int | None:
    return None if moment is None else to_micros(moment)


def _moment(stored: int | None) -> datetime | None:
    return None if stored is None else from_micros(stored)
