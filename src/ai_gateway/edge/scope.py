"""What the middleware leaves on a request for those further in."""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.types import Scope

from gateway_core.identity.model import Caller
from gateway_core.telemetry.context import RequestFacts

EXEMPT_PATHS = frozenset({"/monitoring/healthz", "/monitoring/ready", "/metrics", "/v1/models/definitions"})
"""Paths that need no credential, compared with the routed path."""

_KEY = "gateway.exchange"


@dataclass(slots=True)
class Exchange:
    """One request: its headers by lower-case name (the first of each), and what became known of it."""

    headers: dict[str, str]
    facts: RequestFacts = field(default_factory=RequestFacts)
    caller: Caller | None = None
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Give a header by its lower-case name."""
        return self.headers.get(name)


def begin_exchange(scope: Scope) -> Exchange:
    """Start the exchange of a request; the outermost middleware calls this."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1"), value.decode("latin-1"))
    exchange = Exchange(headers)
    scope[_KEY] = exchange
    return exchange


def exchange_of(scope: Scope) -> Exchange:
    """Give the exchange of a request."""
    exchange: Exchange = scope[_KEY]
    return exchange
