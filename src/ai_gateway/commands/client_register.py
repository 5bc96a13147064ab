"""What the commands about clients do: the register is opened, changed, and closed again."""

from __future__ import annotations

import asyncio
import os
import pwd
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import typer

from ai_gateway.commands.client_words import parse_budget, parse_list, render_json, render_lines, show_table, unenforced
from ai_gateway.commands.times import parse_duration, parse_end
from gateway_core.identity.clients import Actor, ClientRegistry
from gateway_core.identity.new_client import NewClient
from gateway_core.kernel.clock import SystemClock
from gateway_core.kernel.errors import CallerFailure, NotFound, SettingInvalid, StorageUnavailable
from gateway_core.kernel.secret import Secret
from gateway_core.kernel.units import Seconds
from gateway_core.runtime.clients import name_database, open_registry
from gateway_core.settings.load import load_settings
from gateway_core.telemetry.logs import configure_logging

T = TypeVar("T")

_AFTER_STARTING_OVER = (
    "  1. start every gateway on this database again: one that runs goes on with the earlier hash key;\n"
    "  2. with several machines, give each the same: AIGW_CLIENTS__HASH_KEY, or a copy of client-hash-key;\n"
    "  3. add your clients anew with the key below or this command; earlier names stay taken."
)
_REFUSED = 1
_CANNOT = 2


def add(
    name: str,
    *,
    role: str | None,
    scopes: str | None,
    models: str | None,
    budget: str | None,
    rpm: int | None,
    tpm: int | None,
    expires: str | None,
) -> None:
    """Add a client and print its key."""
    asked = NewClient(
        name,
        role=role,
        scopes=_option("--scopes", scopes, parse=parse_list) or (),
        models=_option("--models", models, parse=parse_list) or (),
        budget=_option("--budget", budget, parse=parse_budget),
        rpm=rpm,
        tpm=tpm,
        expires_at=_option("--expires", expires, parse=lambda text: parse_end(text, now=SystemClock().now())),
    )

    async def work(registry: ClientRegistry, database: str) -> None:
        client, key = await registry.add(asked, by=_account())
        _say(f"Client {client.name!r} was added to {database}. Its key, which is not shown again:")
        _hand_over(key)

    _run(work)
    if idle := unenforced(asked):
        _say(f"This version keeps {idle}, but does not enforce what they say yet.")


def list_clients(*, as_json: bool) -> None:
    """Print all clients: a table on a terminal, lines with tabs elsewhere."""

    async def work(registry: ClientRegistry, _database: str) -> None:
        known, now = await registry.list_clients(), SystemClock().now()
        if not as_json and sys.stdout.isatty():
            show_table(known, now=now)
            return
        for line in (render_json if as_json else render_lines)(known, now=now):
            typer.echo(line)

    _run(work, must_exist=True)


def rotate(name: str, *, grace: str) -> None:
    """Print a new key for a client; the old one holds for `grace` yet."""
    still = _option("--grace", grace, parse=parse_duration) or timedelta()

    async def work(registry: ClientRegistry, database: str) -> None:
        key = await registry.rotate(name, by=_account(), grace=Seconds(still.total_seconds()))
        old = f"The one before holds for {grace} yet." if still else "The one before holds no more."
        _say(f"Client {name!r} has a new key in {database}. {old} The new one, which is not shown again:")
        _hand_over(key)

    _run(work, must_exist=True)


def revoke(name: str, *, force: bool) -> None:
    """End a client and all its keys."""

    async def work(registry: ClientRegistry, database: str) -> None:
        await registry.revoke(name, by=_account(), force=force)
        _say(f"Client {name!r} was revoked in {database}.")

    _run(work, must_exist=True)


def start_over(*, sure: bool) -> None:
    """End all clients and print the key of a new admin; unless `sure` refuse, and touch nothing."""
    if not sure:
        _say("ai-gateway: This ends every client and all their keys for good; to do it, add --yes.")
        raise typer.Exit(_CANNOT)

    async def work(registry: ClientRegistry, database: str) -> None:
        client, key = await registry.start_over(by=_account())
        _say(f"All clients in {database} were ended; the hash key of now is that of all new keys. Next:")
        _say(_AFTER_STARTING_OVER)
        _say(f"The new admin is {client.name!r}. Its key, which is not shown again:")
        _hand_over(key)

    _run(work, must_exist=True, start_over=True)


def _run(
    work: Callable[[ClientRegistry, str], Awaitable[None]], *, must_exist: bool = False, start_over: bool = False
) -> None:
    """Do something with the register; what cannot be done is one line on standard error.

    The work gets the name of the database for its words: with other settings it is another one.
    """

    async def run() -> None:
        settings = load_settings()
        database = name_database(settings)
        async with open_registry(settings, must_exist=must_exist, start_over=start_over) as registry:
            try:
                await work(registry, database)
            except NotFound as missing:
                message = f"{missing} It was looked for in {database}."
                raise NotFound(message) from missing

    # Warnings go to standard error, away from the key.
    configure_logging(level="WARNING", as_json=False, to_file=None)
    try:
        asyncio.run(run())
    except CallerFailure as refused:
        _say(f"ai-gateway: {refused}")
        raise typer.Exit(_REFUSED) from refused
    except (SettingInvalid, StorageUnavailable) as failure:
        _say(f"ai-gateway: {failure}")
        raise typer.Exit(_CANNOT) from failure


def _option(name: str, text: str | None, *, parse: Callable[[str], T]) -> T | None:
    try:
        return None if text is None else parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=name) from error


def _account() -> Actor:
    """Say for the audit who runs this, as the system knows it: the environment could say anything."""
    number = os.getuid()
    try:
        account = pwd.getpwuid(number).pw_name
    except KeyError:
        # Containers often run as a number without a name.
        account = str(number)
    return Actor(f"command:{account}")


def _hand_over(key: Secret) -> None:
    typer.echo(key.reveal())


def _say(words: str) -> None:
    typer.echo(words, err=True)
