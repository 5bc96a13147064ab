"""`ai-gateway migrate`: bring the database's tables to what this version needs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from gateway_core.kernel.errors import SettingInvalid

if TYPE_CHECKING:
    # For their types alone: at a run they bring much with them, and help should answer at once.
    from gateway_core.runtime.records import TablesState
    from gateway_core.settings.model import Settings

_NOT_CURRENT = 1
_CANNOT = 2


def migrate(
    *,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Change nothing; exit with 1 when the tables are not current, with 2 when this version is too old.",
        ),
    ] = False,
) -> None:
    """Bring the database's tables up to date; `serve` does the same at its start."""
    try:
        settings = _settings()
        before = _read(settings)
        if check or before.at == before.newest:
            _tell(before)
            return
        _bring_up(settings)
    except SettingInvalid as failure:
        typer.echo(f"ai-gateway: {failure}", err=True)
        raise typer.Exit(_CANNOT) from failure
    typer.echo(f"{_sentence(before.database)} had {_state(before)}; they are at {before.newest} now.")


def _tell(state: TablesState) -> None:
    if state.at == state.newest:
        typer.echo(f"{_sentence(state.database)} has {_state(state)}, which is current.")
        return
    typer.echo(f"{_sentence(state.database)} has {_state(state)}; this version needs them at {state.newest}.", err=True)
    raise typer.Exit(_NOT_CURRENT)


def _state(state: TablesState) -> str:
    return "no tables" if state.at is None else f"its tables at {state.at}"


def _sentence(name: str) -> str:
    return name[:1].upper() + name[1:]


def _settings() -> Settings:
    # Imported here so that help answers at once.
    from gateway_core.settings.load import load_settings  # noqa: PLC0415

    return load_settings()


def _read(settings: Settings) -> TablesState:
    # For the same reason.
    from gateway_core.runtime.records import read_tables_state  # noqa: PLC0415

    return asyncio.run(read_tables_state(settings))


def _bring_up(settings: Settings) -> None:
    # For the same reason.
    from gateway_core.runtime.records import open_database  # noqa: PLC0415

    async def open_and_close() -> None:
        async with open_database(settings):
            pass

    asyncio.run(open_and_close())
