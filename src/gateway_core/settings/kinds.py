"""The kinds of value a setting can have, each with the words that tell an operator what it accepts.

A check raises ValueError with the words that say what is wrong; they become a part of the refusal.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr


class Section(BaseModel):
    """A group of settings; its name is a part of their variables' names."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)


class JsonObject(BaseModel):
    """An object inside one JSON setting; members that we do not know are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, hide_input_in_errors=True)


@dataclass(frozen=True, slots=True)
class Env:
    """Name the variable of a setting, or the prefix of a section, that does not follow the tree."""

    name: str


@dataclass(frozen=True, slots=True)
class Accepts:
    """Say what a setting takes, in words that fit after "give"."""

    words: str


@dataclass(frozen=True, slots=True)
class Derived:
    """Say in words where the default comes from when it is not a constant."""

    words: str


@dataclass(frozen=True, slots=True)
class Verbatim:
    """Keep the white space around the value."""


Plain = TypeVar("Plain")

_HOST_PATTERN = re.compile(
    r"(?:(?:\*\.)?[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[(?P<six>[0-9a-f:.]+)\])(?::(?P<port>[0-9]{1,5}))?", re.IGNORECASE
)


def _checked_url(text: str) -> str:
    """Give back an http(s) URL that names a host; anything else is refused."""
    try:
        parts = urlsplit(text)
        whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    if not whole or any(char.isspace() for char in text):
        raise ValueError("is not a URL")
    return text


def _checked_host(text: str) -> str:
    """Give back a bare host: no scheme, path or white space."""
    if not text or "/" in text or any(char.isspace() for char in text):
        raise ValueError("is not a host")
    return text


def _checked_hosts(hosts: tuple[str, ...]) -> tuple[str, ...]:
    """Give back patterns of hosts, in lower case; the first that is none is refused."""
    for host in hosts:
        match = _HOST_PATTERN.fullmatch(host)
        if match is None or not _is_possible(match):
            raise ValueError(f"holds {host[:80]!r}, which is no host")
    return tuple(host.lower() for host in hosts)


def _is_possible(pattern: re.Match[str]) -> bool:
    try:
        ip_address(pattern["six"] or "::")
    except ValueError:
        return False
    return pattern["port"] is None or 0 < int(pattern["port"]) < 65_536


def _checked_listener(text: str) -> str:
    """Give back a host to listen on; its port is another setting."""
    if text.count(":") == 1:
        raise ValueError("holds a port")
    return _checked_host(text)


def _read_json(value: object) -> object:
    """Read text as JSON; what is no text was read already."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        # Not chained: the decoder's error carries the text, and the text may be a secret.
        raise ValueError("is not JSON") from None


def split_commas(value: object) -> object:
    """Split text at its commas, without blanks; a JSON list is taken as it is."""
    if not isinstance(value, str):
        return value
    if value.startswith("["):
        return _read_json(value)
    return [part.strip() for part in value.split(",") if part.strip()]


def _known_level(value: object) -> object:
    """Spell a log level our way: capitals, and no short names."""
    if not isinstance(value, str):
        return value
    level = value.upper()
    return {"WARN": "WARNING", "FATAL": "CRITICAL"}.get(level, level)


def _real_newlines(value: object) -> object:
    r"""Turn the two characters `\n` of a one-line PEM into line ends."""
    if isinstance(value, str) and value.startswith("-----BEGIN"):
        return value.replace("\\n", "\n")
    return value


def _without_outer_quotes(value: object) -> object:
    """Drop the single quotes that some secret stores leave around JSON."""
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == "'":
        return value[1:-1]
    return value


def _checked_database(value: object) -> object:
    """Give back the URL of a database that we can work with; anything else is refused."""
    if isinstance(value, str):
        scheme, mark, rest = value.partition("://")
        if scheme not in {"sqlite", "postgresql", "postgres"} or not mark or not rest:
            raise ValueError("is not the URL of a database")
    return value


FreePort = Annotated[int, Field(ge=0, le=65535), Accepts("a port from 0 to 65535")]
Count = Annotated[int, Field(ge=1), Accepts("a whole number of 1 or more")]
WholeNumber = Annotated[int, Field(ge=0), Accepts("a whole number of 0 or more")]
Duration = Annotated[float, Field(gt=0, le=604_800), Accepts("a number of seconds above 0, at most 604800")]
Ratio = Annotated[float, Field(ge=0, le=1), Accepts("a number from 0 to 1")]
Host = Annotated[str, AfterValidator(_checked_host), Accepts("a host name or an IP address")]
Listener = Annotated[str, AfterValidator(_checked_listener), Accepts("a host name or an IP address, without a port")]
Region = Annotated[
    str, Field(pattern="^[A-Za-z0-9-]+$"), Accepts("a name of letters, digits and hyphens, such as europe-west1")
]
Url = Annotated[str, AfterValidator(_checked_url), Accepts("a URL that begins with http:// or https://")]
DatabaseUrl = Annotated[
    SecretStr,
    BeforeValidator(_checked_database),
    Accepts("a URL that begins with sqlite:/// (and a path) or postgresql://"),
]
UrlPath = Annotated[str, Field(pattern="^/"), Accepts("a path that begins with /")]
FilePath = Annotated[Path, Accepts("the path of a file")]
FolderPath = Annotated[Path, Accepts("the path of a folder")]
LogLevel = Annotated[
    Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
    BeforeValidator(_known_level),
    Accepts("DEBUG, INFO, WARNING, ERROR or CRITICAL"),
]
CommaList = Annotated[tuple[str, ...], BeforeValidator(split_commas), Accepts("a list with commas between its members")]
HostPatterns = Annotated[
    tuple[str, ...],
    BeforeValidator(split_commas),
    AfterValidator(_checked_hosts),
    Accepts(
        "hosts with commas between them, each as models.example, models.example:8443, *.models.example or [::1]:8000"
    ),
]
FromJson = Annotated[Plain, BeforeValidator(_read_json)]
Pem = Annotated[SecretStr, BeforeValidator(_real_newlines), Accepts("a PEM text")]
QuotedJson = Annotated[SecretStr, BeforeValidator(_without_outer_quotes), Accepts("a JSON text")]
Passphrase = Annotated[SecretStr, Verbatim()]
