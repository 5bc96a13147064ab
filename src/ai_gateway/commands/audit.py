"""`ai-gateway audit`: ask who did what, and why it was refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from ai_gateway.commands.times import parse_duration
from gateway_core.audit.model import AuditEvent, AuditKind, AuditQuery
from gateway_core.kernel.errors import SettingInvalid, StorageUnavailable

app = typer.Typer(help="Ask who did what, and why it was refused.", no_args_is_help=True)

_CANNOT = 2
_MOST = 10_000
# Where no terminal tells its width, a line has room for what a person would want to search in.
_WIDE = 220


# With more than one command the app keeps their names: `audit list`, and not `audit` alone.
@app.callback()
def audit() -> None:
    """Ask who did what, and why it was refused."""


@app.command("list")
def list_events(
    *,
    kind: Annotated[AuditKind | None, typer.Option(help="Only events of this kind.")] = None,
    actor: Annotated[str, typer.Option(help="Only what this caller or account did.")] = "",
    subject: Annotated[str, typer.Option(help="Only what was done to this client, or asked of this path.")] = "",
    request_id: Annotated[str, typer.Option(help="Only what happened in this request.")] = "",
    since: Annotated[
        str, typer.Option(help="Only newer ones: 30m, 2h, 7d, or a time such as 2026-01-31T12:00 (UTC).")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, max=_MOST, help="How many at most.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Show events, the newest first."""
    query = AuditQuery(
        kind=kind,
        actor=actor,
        subject=subject,
        request_id=request_id,
        since=parse_since(since, now=datetime.now(UTC)) if since else None,
        limit=limit,
    )
    try:
        events = asyncio.run(_find(query))
    except (SettingInvalid, StorageUnavailable) as failure:
        typer.echo(f"ai-gateway: {failure}", err=True)
        raise typer.Exit(_CANNOT) from failure
    if as_json:
        _print_lines(events)
    elif events:
        _show(events)
    else:
        typer.echo("No such events.", err=True)


def parse_since(text: str, *, now: datetime) -> datetime:
    """Read a time, or how long ago it was; one without a zone is in UTC. Raises BadParameter."""
    try:
        if text[:1].isdigit() and text[-1:].isalpha() and text[-1:] != "Z":
            return now - parse_duration(text)
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        message = f"{text!r} is no time; write 30m, 2h, 7d, or a time such as 2026-01-31T12:00."
        raise typer.BadParameter(message, param_hint="--since") from error


# What the rest needs is imported there, so that help answers at once.


async def _find(query: AuditQuery) -> Sequence[AuditEvent]:
    # For the reason above.
    from gateway_core.runtime.records import open_audit  # noqa: PLC0415
    from gateway_core.settings.load import load_settings  # noqa: PLC0415

    async with open_audit(load_settings()) as store:
        return await store.find(query)


def _print_lines(events: Sequence[AuditEvent]) -> None:
    # For the reason above.
    import msgspec  # noqa: PLC0415

    for event in events:
        # In ASCII: no control character that a caller sent reaches a terminal.
        typer.echo(json.dumps(msgspec.to_builtins(event)))


def _show(events: Sequence[AuditEvent]) -> None:
    # For the reason above.
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDE)
    table = Table("Time (UTC)", "What", "Who", "From", "Subject", "Why", "Request", box=None, pad_edge=False)
    for event in events:
        table.add_row(*(Text(_plain(column)) for column in _columns(event)))
    console.print(table)


def _columns(event: AuditEvent) -> tuple[str, ...]:
    why = "; ".join(filter(None, [event.reason, *(f"{name}: {value}" for name, value in event.details.items())]))
    return (
        f"{event.at:%Y-%m-%d %H:%M:%S}",
        event.kind,
        event.actor or "nobody proven",
        event.address,
        event.subject,
        why,
        event.request_id,
    )


def _plain(text: str) -> str:
    """Write control characters out: a caller may have sent them for this terminal."""
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)
