"""What the middleware leaves on a request for those further in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from starlette.types import Scope

from ai_gateway.edge.known_heads import HEADERS
from gateway_core.identity.model import Caller
from gateway_core.telemetry.context import RequestFacts

EXEMPT_PATHS = frozenset({"/monitoring/healthz", "/monitoring/ready", "/metrics", "/v1/models/definitions"})
"""Paths that need no credential, compared with the routed path."""

_OPERATOR_DOOR = "/admin"

GOOGLE_KEY = "x-goog-api-key"
"""Where Google's clients put a key."""

_GOOGLE_PATH = re.compile(r"(?:/ai)?/v1(?:beta/.*|/models/[^:]+:[A-Za-z]+)", re.DOTALL)
_CREDENTIALS = ("authorization", "x-api-key", GOOGLE_KEY)

_KEY = "gateway.exchange"
_IDENTIFYING = frozenset({"authorization", "x-api-key", GOOGLE_KEY, "bypass-auth"})


@dataclass(slots=True)
class Exchange:
    """One request: its headers by lower-case name, and what became known of it.

    Of a header that came several times this has the first, or all with commas between
    when it says who calls.
    """

    headers: dict[str, str]
    facts: RequestFacts = field(default_factory=RequestFacts)
    caller: Caller | None = None
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Give a header by its lower-case name."""
        return self.headers.get(name)


def begin_exchange(scope: Scope) -> Exchange:
    """Start the exchange of a request; the outermost middleware calls this."""
    known: dict[str, str] | None = scope.get(HEADERS)
    headers = _read_headers(scope["headers"]) if known is None else known
    if b"=" in scope.get("query_string", b"") and _GOOGLE_PATH.fullmatch(scope["path"]):
        _take_key_from_query(scope, headers)
    exchange = Exchange(headers)
    scope[_KEY] = exchange
    return exchange


def _take_key_from_query(scope: Scope, headers: dict[str, str]) -> None:
    """Make a header of the `key` in the query, where Google's clients may put it; nobody behind this sees it there.

    Beside a header that says the same it counts for nothing; beside one that says something else,
    the two are put together, and then they are no credential at all.
    """
    kept, keys = [], []
    for part in scope["query_string"].split(b"&"):
        name, _, value = part.partition(b"=")
        if unquote_plus(name.decode("latin-1")) == "key":
            keys.append(unquote_plus(value.decode("latin-1")))
        else:
            kept.append(part)
    scope["query_string"] = b"&".join(kept)
    key = ", ".join(dict.fromkeys(keys))
    if not key:
        return
    said = [name for name in _CREDENTIALS if name in headers]
    if not said:
        headers[GOOGLE_KEY] = key
    for name in said:
        if headers[name].rpartition(" ")[2] != key:
            headers[name] = f"{headers[name]}, {key}"


def _read_headers(sent: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in sent:
        headers.setdefault(name.decode("latin-1"), value.decode("latin-1"))
    if len(headers) < len(sent):
        _join_what_identifies(headers, sent)
    return headers


def _join_what_identifies(headers: dict[str, str], sent: Iterable[tuple[bytes, bytes]]) -> None:
    """Put all values of a header that says who calls together, as HTTP joins them: none can hide behind another."""
    values: dict[str, list[str]] = {}
    for raw, value in sent:
        name = raw.decode("latin-1")
        if name in _IDENTIFYING or name.startswith("x-gitlab-"):
            values.setdefault(name, []).append(value.decode("latin-1"))
    headers.update((name, ", ".join(said)) for name, said in values.items())


def is_operator_door(path: str) -> bool:
    """Tell whether a path is behind the operator's door, where each needs a key of a client with a role."""
    return path == _OPERATOR_DOOR or path.startswith(_OPERATOR_DOOR + "/")


def exchange_of(scope: Scope) -> Exchange:
    """Give the exchange of a request."""
    exchange: Exchange = scope[_KEY]
    return exchange
