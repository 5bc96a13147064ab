"""`ai-gateway clients`: who may use this gateway, and with which keys.

A key is the only line on standard output, so that KEY=$(ai-gateway clients add ci) takes it;
all words around it go to standard error.
"""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(help="Say who may use this gateway: add clients, list them, renew and revoke their keys.")

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Its name: lower-case letters, digits, dots, underscores, hyphens.")
]


@app.callback(no_args_is_help=True)
def clients() -> None:
    """Say who may use this gateway: add clients, list them, renew and revoke their keys."""


@app.command()
def add(
    name: Name,
    *,
    role: Annotated[str | None, typer.Option(help="At the operator's door: viewer, operator or admin.")] = None,
    scopes: Annotated[str | None, typer.Option(help="Unit primitives with commas between; left out: all.")] = None,
    models: Annotated[str | None, typer.Option(help="Models with commas between; left out: all.")] = None,
    budget: Annotated[str | None, typer.Option(help="US dollars per day, month or total, as in 50/month.")] = None,
    rpm: Annotated[int | None, typer.Option(help="Requests a minute.")] = None,
    tpm: Annotated[int | None, typer.Option(help="Tokens a minute.")] = None,
    expires: Annotated[str | None, typer.Option(help="30d from now, or the first moment of a day: 2026-12-31.")] = None,
) -> None:
    """Add a client and print its key, which is not shown again."""
    # Imported here so that help and version answer at once.
    from ai_gateway.commands import client_register  # noqa: PLC0415

    client_register.add(name, role=role, scopes=scopes, models=models, budget=budget, rpm=rpm, tpm=tpm, expires=expires)


@app.command("list")
def list_clients(
    *, as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, ended keys included.")] = False
) -> None:
    """List the clients: what they may, and how their keys begin."""
    # For the reason above.
    from ai_gateway.commands import client_register  # noqa: PLC0415

    client_register.list_clients(as_json=as_json)


@app.command()
def rotate(
    name: Name,
    *,
    grace: Annotated[
        str, typer.Option(help="How long the old key still holds, such as 24h; 0 ends it at once.")
    ] = "24h",
) -> None:
    """Print a new key for a client, which is not shown again; the old one holds a while yet."""
    # For the reason above.
    from ai_gateway.commands import client_register  # noqa: PLC0415

    client_register.rotate(name, grace=grace)


@app.command()
def revoke(
    name: Name, *, force: Annotated[bool, typer.Option("--force", help="Also when it is the last admin.")] = False
) -> None:
    """End a client and all its keys, within two seconds wherever this gateway runs; its name stays taken."""
    # For the reason above.
    from ai_gateway.commands import client_register  # noqa: PLC0415

    client_register.revoke(name, force=force)


@app.command("start-over")
def start_over(
    *, yes: Annotated[bool, typer.Option("--yes", help="Do it; without this it only says what it would do.")] = False
) -> None:
    """End all clients for good and make one new admin: for when client-hash-key is lost and no copy is left."""
    # For the reason above.
    from ai_gateway.commands import client_register  # noqa: PLC0415

    client_register.start_over(sure=yes)
