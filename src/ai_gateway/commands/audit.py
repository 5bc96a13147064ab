"""`ai-gateway audit`: ask who did what, and why it was refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ai_gateway.commands.times import parse_duration
from gateway_core.audit.model import AuditEvent, AuditKind, AuditQuery
from gateway_core.kernel.errors import SettingInvalid, StorageUnavailable

if TYPE_CHECKING:
    # For its type alone: at a run it is imported late, so that help answers at once.
    from rich.table import Table

app = typer.Typer(help="Ask who did what, and why it was refused.", no_args_is_help=True)

_CANNOT = 2
_MOST = 10_000
# Where no terminal tells its width, a line has room for what a person would want to search in.
_WIDE = 220
# More than any record needs.
_WIDEST = 10_000
_WHY = "Why"
_HEADINGS = ("Time (UTC)", "What", "Who", "From", "Subject", _WHY, "Request")
_SHORTEST_REASON = 30


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

    async with open_audit(load_settings(), must_exist=True) as store:
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
    from rich.text import Text  # noqa: PLC0415

    console = Console()
    table = _table_of(events)
    needed = console.measure(table, options=console.options.update(max_width=_WIDEST)).minimum
    if not console.is_terminal:
        Console(width=max(_WIDE, needed)).print(table)
    elif needed <= console.width:
        console.print(table)
    else:
        for event in events:
            # The terminal folds what is longer than its lines: copied from there it is whole.
            console.print(Text(_block_of(event)), soft_wrap=True)


def _table_of(events: Sequence[AuditEvent]) -> Table:
    # For the reason above.
    from rich.cells import cell_len  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    rows = [[_plain(column) for column in _columns(event)] for event in events]
    table = Table(box=None, pad_edge=False)
    for heading, *values in zip(_HEADINGS, *rows, strict=True):
        # Only a sentence may be folded. The rest is what one searches by, and has to be seen whole.
        reason = heading == _WHY
        width = _SHORTEST_REASON if reason else max(map(cell_len, (heading, *values)))
        table.add_column(heading, no_wrap=not reason, overflow="fold", min_width=width)
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _block_of(event: AuditEvent) -> str:
    """Write one event as lines of its own, for a terminal where a row would be cut."""
    at, kind, *rest = _columns(event)
    lines = [f"{heading:<9}{_plain(value)}" for heading, value in zip(_HEADINGS[2:], rest, strict=True) if value]
    return "\n".join([f"{at}  {kind}", *(f"  {line}" for line in lines), ""])


def _columns(event: AuditEvent) -> tuple[str, ...]:
    why = "; ".join(filter(None, [event.reason, *(f"{name}: {value}" for name, value in event.details.items())]))
    return (
        f"{event.at:%Y-%m-%d %H:%M:%S}",
        event.kind,
        event.actor or _nameless(event),
        event.address,
        event.subject,
        why,
        event.request_id,
    )


def _nameless(event: AuditEvent) -> str:
    # A sum over refusals of several callers names none of them, though each had proven who it is.
    return "several" if event.kind == "permission_refused" and "repeated" in event.details else "nobody proven"


def _plain(text: str) -> str:
    """Write control characters out: a caller may have sent them for this terminal."""
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)
