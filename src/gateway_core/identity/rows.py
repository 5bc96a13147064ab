"""Clients and their keys, from the rows of either database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Protocol, TypeVar

import msgspec

from gateway_core.identity.model import ROLES, Budget, Client, ClientKey
from gateway_core.kernel.units import MicroUsd
from gateway_core.storage.moments import from_micros

PART = "clients"
"""The name under which changes of clients are counted."""

HASH_MARK = "client_hash_mark"
"""The name of the fact that tells by which key the stored keys were hashed."""

_AT_ONCE = 200
Parsed = TypeVar("Parsed")


class Row(Protocol):
    """A row of a table, by the names of its columns."""

    # Any: what a column holds is as its table says.
    def __getitem__(self, column: str, /) -> Any: ...


async def parse_clients(rows: Iterable[Row]) -> list[Client]:
    """Read clients, and sort them by name: databases do not agree on that order."""
    return sorted(await _parse(_parse_client, rows), key=lambda client: client.name)


async def parse_keys(rows: Iterable[Row]) -> list[ClientKey]:
    """Read keys, and sort them, the oldest first."""
    return sorted(await _parse(_parse_key, rows), key=lambda key: (key.created_at, key.id))


async def _parse(parse: Callable[[Row], Parsed], rows: Iterable[Row]) -> list[Parsed]:
    """Read all rows, and let requests be served in between: ten thousand take a tenth of a second."""
    found = []
    for number, row in enumerate(rows, start=1):
        found.append(parse(row))
        if number % _AT_ONCE == 0:
            await asyncio.sleep(0)
    return found


def _parse_client(row: Row) -> Client:
    return Client(
        id=row["id"],
        name=row["name"],
        created_at=from_micros(row["created_at"]),
        # A role that only a newer version knows opens nothing in this one.
        role=next((role for role in ROLES if role == row["role"]), None),
        scopes=_names(row["scopes"]),
        models=_names(row["models"]),
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


def _names(stored: list[str] | str) -> frozenset[str]:
    """Read a list; it is text where nobody has read it before."""
    return frozenset(msgspec.json.decode(stored, type=list[str]) if isinstance(stored, str) else stored)


def _parse_key(row: Row) -> ClientKey:
    return ClientKey(
        id=row["id"],
        client_id=row["client_id"],
        digest=row["digest"],
        prefix=row["prefix"],
        created_at=from_micros(row["created_at"]),
        valid_until=_moment(row["valid_until"]),
    )


def _moment(stored: int | None) -> datetime | None:
    return None if stored is None else from_micros(stored)
