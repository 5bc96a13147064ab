"""Heads of requests that were read before.

A client says the same head with each request but for the length of the body. What was read of it
once, by the strict parser and by every rule of ours, holds for the same bytes again; so they are
looked up, and the parser is asked only for heads that nobody sent before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from starlette.types import Scope

HEADERS = "gateway.headers"
"""Where a scope has the headers by name, if the head was known; of another scope they are read once more."""

_END = b"\r\n\r\n"
# Written as clients write it; any other spelling is simply not remembered. No sign, no zeros in front.
_LENGTH = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: ?(0|[1-9][0-9]{0,7})\r\n")
_LONGEST = 4_096
_MOST = 256
# What says how the connection goes on, and what is said of one request alone.
_SPECIAL = frozenset(
    b"connection expect transfer-encoding upgrade trailer te x-request-id traceparent x-gitlab-rails-send-start".split()
)
_OF_EACH_CONNECTION = ("client", "server", "scheme", "state")
_LENGTH_NAME = b"content-length"


# They hold credentials.
@dataclass(frozen=True, slots=True, repr=False)
class KnownHead:
    """What a head says, without the length of the body."""

    scope: Scope
    headers: list[tuple[bytes, bytes]]
    by_name: dict[str, str]

    def scope_for(self, length: bytes) -> Scope:
        """Give the scope of a request with this head; what belongs to the connection is missing."""
        return {
            **self.scope,
            "asgi": {**self.scope["asgi"]},
            "headers": [*self.headers, (_LENGTH_NAME, length)],
            HEADERS: {**self.by_name, "content-length": length.decode()},
        }


@dataclass(frozen=True, slots=True)
class Found:
    """A known head at the beginning of some data; the body begins at `end`, and `length` is as it was written."""

    head: KnownHead
    end: int
    length: bytes


class KnownHeads:
    """Remember heads, a few hundred of them; they hold credentials, so they are shown to nobody."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[bytes, KnownHead] = {}

    def find(self, data: bytes) -> Found | None:
        """Look up the head that the data begins with."""
        end = data.find(_END, 0, _LONGEST)
        length = None if end < 0 else _LENGTH.search(data, 0, end + 2)
        if length is None:
            return None
        at, to = length.span(1)
        head = self._known.get(data[:at] + _END + data[to:end])
        return None if head is None else Found(head, end + len(_END), length[1])

    def learn(self, data: bytes, scope: Scope) -> None:
        """Remember the head that the data begins with, and which was read as this scope, if it can come again."""
        end = data.find(_END, 0, _LONGEST)
        length = None if end < 0 else _LENGTH.search(data, 0, end + 2)
        if length is None or scope["http_version"] != "1.1" or not _ends_where_it_seems(data[:end], scope):
            return
        headers = [field for field in scope["headers"] if field[0] != _LENGTH_NAME]
        by_name = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
        # Of a header that comes several times, who reads it by its name must see what the rules for it say.
        if len(by_name) < len(headers) or len(headers) != len(scope["headers"]) - 1:
            return
        if not _SPECIAL.isdisjoint(name for name, _ in headers):
            return
        if len(self._known) >= _MOST:
            self._known.clear()
        at, to = length.span(1)
        kept = {name: value for name, value in scope.items() if name not in _OF_EACH_CONNECTION}
        self._known[data[:at] + _END + data[to:end]] = KnownHead(kept, headers, by_name)


def _ends_where_it_seems(head: bytes, scope: Scope) -> bool:
    """Tell whether nobody could take this head for a longer or a shorter one."""
    lines = head.count(b"\r\n")
    return (
        lines == len(scope["headers"])
        and head.count(b"\n") == lines
        and head.count(b"\r") == lines
        and head.startswith(scope["method"].encode() + b" ")
    )
