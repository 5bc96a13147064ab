"""`ai-gateway keys`: the keys with which the gateway signs tokens of its own."""

from __future__ import annotations

import os
import stat
import sys
from enum import StrEnum
from typing import Annotated

import typer

app = typer.Typer(help="Make keys with which the gateway signs its own tokens.", no_args_is_help=True)

_GATEWAY = "AIGW_SELF_SIGNED_JWT__"
_WORKFLOW = "DUO_WORKFLOW_SELF_SIGNED_JWT__"


class Bits(StrEnum):
    """How large an RSA key may be made here."""

    SMALL = "2048"
    MEDIUM = "3072"
    LARGE = "4096"


# With more than one command the app keeps their names: `keys new`, and not `keys` alone.
@app.callback()
def keys() -> None:
    """Make keys with which the gateway signs its own tokens."""


@app.command()
def new(
    *,
    bits: Annotated[Bits, typer.Option(help="Size of the key; larger ones sign more slowly.")] = Bits.SMALL,
    workflow: Annotated[bool, typer.Option("--workflow", help="For the workflow service, not the gateway.")] = False,
    env_file: Annotated[
        bool,
        typer.Option(
            "--env-file",
            help="Without quotation marks: `docker run --env-file` takes them for a part of the key.",
        ),
    ] = False,
) -> None:
    """Print a new RSA signing key, ready to paste into a .env file; `>> .env` appends it."""
    settings = _WORKFLOW if workflow else _GATEWAY
    value = _one_line(_new_pem(int(bits.value)))
    if _is_seen_by_others():
        typer.echo("ai-gateway: others on this machine can read the file with the key; run chmod 600 on it.", err=True)
    # Ends the last line of a file that has no line end there.
    typer.echo()
    for line in _words(settings):
        typer.echo(f"# {line}")
    mark = "" if env_file else '"'
    typer.echo(f"{settings}SIGNING_KEY={mark}{value}{mark}")


def _is_seen_by_others() -> bool:
    """Tell whether the output goes to a file that others may read."""
    try:
        output = os.fstat(sys.stdout.fileno())
    except (OSError, ValueError):
        # No file at all.
        return False
    return stat.S_ISREG(output.st_mode) and bool(output.st_mode & (stat.S_IRGRP | stat.S_IROTH))


def _words(settings: str) -> tuple[str, ...]:
    return (
        "Signs the tokens that this service issues. Keep it secret; every replica needs the same one.",
        f"To change it, move the old value to {settings}VALIDATION_KEY, put the new one here, and restart:",
        "tokens signed by the old one go on working. They live for an hour; then remove the old value.",
    )


def _new_pem(bits: int) -> str:
    # Imported here so that help and version answer at once.
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key  # noqa: PLC0415

    key = generate_private_key(public_exponent=65_537, key_size=bits)
    form, lock = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, lock).decode()


def _one_line(pem: str) -> str:
    r"""Write each line end as the two characters `\n`, as settings take them."""
    return pem.replace("\n", "\\n")
