"""What can go wrong between us and an HTTP server.

HttpFailure
├── HttpUnreachable        refused, no such host, TLS, or the client is closed
├── HttpTimedOut           a deadline passed; `phase` says which
├── HttpCut                closed before the answer was whole
│   └── ConnectionStale    an idle connection had died; `HttpClient` retries and never shows it
└── HttpMalformed          not HTTP, or more than we agreed to read

A message names host and port, never a header, a query or a body.
"""

from __future__ import annotations

from gateway_core.http_client.deadlines import Phase
from gateway_core.kernel.units import Seconds


class HttpFailure(Exception):
    """Root of the tree; `where` is host:port."""

    def __init__(self, detail: str, *, where: str) -> None:
        super().__init__(f"{where}: {detail}")
        self.where = where


class HttpUnreachable(HttpFailure):
    """No connection could be made."""


class HttpTimedOut(HttpFailure):
    """A deadline passed; `after` is the bound of that phase."""

    def __init__(self, *, phase: Phase, after: Seconds, where: str) -> None:
        super().__init__(f"the {phase} deadline of {after:g} s has passed", where=where)
        self.phase: Phase = phase
        self.after = after


class HttpCut(HttpFailure):
    """The connection was closed before the answer was whole."""


class ConnectionStale(HttpCut):
    """A reused connection was closed by the server before any byte of the answer."""


class HttpMalformed(HttpFailure):
    """The answer is not HTTP as we accept it, or is over a limit."""
