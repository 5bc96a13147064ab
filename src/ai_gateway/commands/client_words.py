"""Clients in words: what is typed about them, and how they are listed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation

from rich.console import Console
from rich.table import Table

from ai_gateway.api.admin.client_render import render_known
from gateway_core.identity.clients import KnownClient, state_of
from gateway_core.identity.model import Budget, Client, ClientKey
from gateway_core.identity.new_client import NewClient, not_enforced
from gateway_core.kernel.units import MicroUsd

_MICRO = 1_000_000
_HEADINGS = ("NAME", "ROLE", "KEYS", "STATE", "LIMITS")


def parse_list(text: str) -> tuple[str, ...]:
    """Read names with commas between; raises ValueError when there is none, which would mean all."""
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    if not names:
        raise ValueError("names nothing; leave the option out for all.")
    return names


def parse_budget(text: str) -> Budget:
    """Read `50/month`: US dollars per day, month or total; raises ValueError."""
    amount, _, per = text.partition("/")
    try:
        micro = Decimal(amount) * _MICRO
    except InvalidOperation:
        micro = Decimal("NaN")
    if micro.is_finite() and micro == int(micro):
        match per:
            case "day" | "month" | "total":
                return Budget(MicroUsd(int(micro)), per)
            case _:
                pass
    message = f"{text!r} is no budget; give US dollars per day, month or total, such as 50/month or 0.5/day."
    raise ValueError(message)


def unenforced(asked: NewClient) -> str:
    """Name the options that were given and have no effect in this version."""
    return " and ".join(f"--{name}" for name in not_enforced(asked))


def show_table(known: Sequence[KnownClient], *, now: datetime) -> None:
    """Show clients on a terminal."""
    table = Table(box=None, pad_edge=False)
    for heading in _HEADINGS:
        table.add_column(heading, overflow="fold")
    for one in known:
        # As plain text: a name in brackets would be taken for a style.
        table.add_row(*_row(one, now=now), style="dim" if not one.holds(now) else None)
    Console(markup=False, highlight=False).print(table)


def render_lines(known: Sequence[KnownClient], *, now: datetime) -> Iterator[str]:
    """Write clients for another program or a file: a heading, then a line each, with tabs between."""
    yield "\t".join(_HEADINGS)
    for one in known:
        yield "\t".join(_row(one, now=now))


def render_json(known: Sequence[KnownClient], *, now: datetime) -> Iterator[str]:
    """Write each client as one JSON object, as `GET /admin/clients` has it."""
    for one in known:
        yield json.dumps(render_known(one, now=now))


def _row(one: KnownClient, *, now: datetime) -> tuple[str, ...]:
    client = one.client
    keys = [key for key in one.keys if key.valid_until is None or key.valid_until > now]
    return (
        client.name,
        client.role or "-",
        ", ".join(f"{key.prefix}…" for key in keys),
        "; ".join((_told(client, now=now), *(_old(key) for key in keys if one.holds(now) and key.valid_until))),
        "; ".join(_limits(client)) or "-",
    )


def _told(client: Client, *, now: datetime) -> str:
    state = state_of(client, at=now)
    if client.revoked_at is not None:
        return f"{state} {_minute(client.revoked_at)}"
    if client.expires_at is not None:
        return (
            f"{state} {_minute(client.expires_at)}" if state == "expired" else f"expires {_minute(client.expires_at)}"
        )
    return state


def _old(key: ClientKey) -> str:
    return f"old key {key.prefix}… until {_minute(key.valid_until)}" if key.valid_until else ""


def _limits(client: Client) -> Iterator[str]:
    if client.scopes:
        yield f"scopes {','.join(sorted(client.scopes))}"
    if client.models:
        yield f"models {','.join(sorted(client.models))}"
    if client.budget:
        yield f"{client.budget.amount / _MICRO:g} USD/{client.budget.per}"
    if client.rpm:
        yield f"{client.rpm} requests/min"
    if client.tpm:
        yield f"{client.tpm} tokens/min"


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
