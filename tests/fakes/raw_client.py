"""A client of the gateway with no manners: it sends the bytes it is told, and reports whether what came was whole."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

# Any: a test reads the member that it expects, so the shape of the body is its own business.
from typing import Any

PATIENCE_S = 10.0
"""How long a read may wait for the next bytes; only a test that hangs ever waits this long."""

# Linger on, for zero seconds: closing sends RST instead of FIN.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_LARGEST_ANSWER = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; header names lower-cased. `whole` is False when the connection ended before its body did."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool

    @property
    # Any: see the import.
    def json(self) -> Any:
        """The body as JSON; raises ValueError when it is none."""
        return json.loads(self.body)


@dataclass
class Call:
    """One connection, on which answers are read one after the other."""

    connection: socket.socket
    raw: bytes = field(default=b"", repr=False)
    """What came and was not taken as an answer yet."""
    ended: bool = False
    """The other side has closed."""

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self.connection.sendall(data)

    def more(self, *, within_s: float = PATIENCE_S) -> bool:
        """Take what comes next; False when nothing came in time or nothing will."""
        if self.ended:
            return False
        self.connection.settimeout(within_s)
        try:
            data = self.connection.recv(65536)
        except TimeoutError:
            return False
        except ConnectionError:
            data = b""
        finally:
            self.connection.settimeout(PATIENCE_S)
        self.ended = not data
        self.raw += data
        assert len(self.raw) < _LARGEST_ANSWER, "the answer has no end"
        return bool(data)

    def wait_for_end(self) -> bytes:
        """Read until the other side closes; gives what came."""
        while self.more():
            pass
        assert self.ended, f"the connection is still open after {PATIENCE_S} s; it gave {self.raw[-200:]!r}"
        return self.raw

    def status(self) -> int:
        """Wait for the head of the answer and give its status."""
        while b"\r\n\r\n" not in self.raw:
            assert self.more(), f"the connection gave no head, only {self.raw!r}"
        return int(self.raw.split(b" ", 2)[1])

    def wait_for_text(self, text: str) -> None:
        """Wait until the body so far holds this text."""
        self.status()
        while text.encode() not in (found := self._parse()).body:
            assert not found.whole, f"the answer ended without {text!r}: {found}"
            assert self.more(), f"the connection ended without {text!r}: {found}"

    def answer(self) -> Answer:
        """Read one answer to its end, or to the end of the connection."""
        self.status()
        while not (found := self._parse()).whole:
            if not self.more():
                assert self.ended, f"nothing came for {PATIENCE_S} s after {found}"
                break
        self.raw = b""
        return found

    def leave(self, *, reset: bool = False) -> None:
        """Close the connection, whatever was asked."""
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.connection.close()

    def _parse(self) -> Answer:
        head, _, rest = self.raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        status = int(first.split(" ", 2)[1])
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body, whole = _dechunk(rest)
        else:
            length = int(headers.get("content-length", "0"))
            body, whole = rest[:length], len(rest) >= length
        return Answer(status, headers, body, whole)


def _dechunk(raw: bytes) -> tuple[bytes, bool]:
    """Take the chunked coding off as far as it came; True when its last chunk came too."""
    parts: list[bytes] = []
    while b"\r\n" in raw:
        size_line, _, rest = raw.partition(b"\r\n")
        size = int(size_line, 16)
        if size == 0:
            return b"".join(parts), rest.startswith(b"\r\n")
        parts.append(rest[:size])
        if len(rest) < size + 2:
            break
        raw = rest[size + 2 :]
    return b"".join(parts), False


@contextmanager
def connected(port: int) -> Iterator[Call]:
    """Open a connection to a port of this machine."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
        yield Call(connection)


def render_post(path: str, body: object, *, headers: Mapping[str, str]) -> bytes:
    """Write a POST; a body that is not bytes goes as JSON. A header given as "" is left out."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    defaults = {"host": "gateway", "content-type": "application/json", "content-length": str(len(content))}
    named = {**defaults, **{name.lower(): value for name, value in headers.items()}}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items() if value)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + content


def post(port: int, path: str, body: object, *, headers: Mapping[str, str]) -> Answer:
    """Ask once on a connection of its own and read the answer."""
    with connected(port) as call:
        call.send(render_post(path, body, headers=headers))
        return call.answer()
