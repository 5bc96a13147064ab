"""The commands of `ai-gateway`, their help and their options."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from ai_gateway.commands import audit, clients, keys
from ai_gateway.commands.check import check
from ai_gateway.commands.migrate import migrate

app = typer.Typer(
    help="An open AI gateway: GitLab's AI code suggestions on your keys and your models.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


# The flag comes by position: that is how the command-line library calls back.
def _show_version(wanted: bool) -> None:  # noqa: FBT001
    if wanted:
        typer.echo(f"ai-gateway {version('ai-gateway')}")
        raise typer.Exit


@app.callback()
def gateway(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Serve AI features to GitLab and editors."""


@app.command()
def serve() -> None:
    """Start the gateway; every setting comes from the environment or a .env file (see example.env)."""
    # Imported here so that help and version answer at once.
    from ai_gateway import start  # noqa: PLC0415

    start.serve()


app.command()(check)
app.command()(migrate)
for group, name in ((clients.app, "clients"), (keys.app, "keys"), (audit.app, "audit")):
    app.add_typer(group, name=name)
