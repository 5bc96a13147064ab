"""Which hosts a caller's own model may be at: pure, from an address and the operator's list."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


def host_of(url: str) -> tuple[str, int] | None:
    """Give host and port of an address, read as whoever calls it reads it; None when it has no possible ones."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not host:
        return None
    return _plain(host), _DEFAULT_PORTS.get(parts.scheme, 0) if port is None else port


def is_listed(host: str, port: int, *, patterns: Collection[str]) -> bool:
    """Tell whether a pattern names the host: `models.example`, `models.example:8443`, `*.models.example`, `[::1]:8000`.

    A pattern without a port takes every port, and `*.` takes all hosts below the name, not the name itself.
    """
    return any(_fits(host, port, pattern=pattern) for pattern in patterns)


def _fits(host: str, port: int, *, pattern: str) -> bool:
    name, wanted = _taken_apart(pattern)
    if wanted is not None and wanted != port:
        return False
    if name.startswith("*."):
        return host.endswith(name[1:]) and not _is_address(host)
    return host == _plain(name)


def _taken_apart(pattern: str) -> tuple[str, int | None]:
    """Give the name and the port of a pattern that was checked as a setting."""
    name, colon, port = pattern.rpartition(":")
    if not colon or port.endswith("]"):
        return pattern.strip("[]"), None
    return name.strip("[]"), int(port)


def _plain(host: str) -> str:
    """Give the one spelling of a host: names in lower case and without the last dot, addresses in their usual form.

    Numbers that some systems take for an address, such as 2130706433, stay names, so that no pattern fits them.
    """
    name = host.lower().rstrip(".")
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
