"""One request and its answer on our own server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from starlette.types import Scope, Send
from typing_extensions import override
from uvicorn._types import ASGIReceiveEvent
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

Fields = Sequence[tuple[bytes, bytes]]

# Up to this size head and body leave in one buffer: the copy is cheaper than a second write.
_JOINED_BODY = 64 * 1024
_SHORT = 4 * 1024


class Cycle(RequestResponseCycle):
    """Serve any application by the messages of the standard, and those who know it by plain bytes.

    `respond`, or `begin`, `write` and `end`, say at once what takes several messages, each of
    which is looked at again; a request is answered by them or by messages, never by both.
    What is sent after the client has left goes nowhere.
    """

    def __init__(self, line: HttpToolsProtocol, scope: Scope, *, keep_alive: bool, waits_for_100: bool = False) -> None:
        super().__init__(
            # The server's own type of a scope is narrower than the one of the standard.
            scope=scope,  # type: ignore[arg-type]
            transport=line.transport,
            flow=line.flow,
            logger=line.logger,
            access_logger=line.access_logger,
            access_log=line.access_log,
            default_headers=line.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=waits_for_100,
            keep_alive=keep_alive,
            on_response=line.on_response_complete,
        )
        self._pieces: list[bytes | bytearray] = []
        self._held = 0

    def take(self, piece: bytes) -> None:
        """Take what has arrived of the body; while nobody asks for it, no more is read than a little."""
        if self.response_complete:
            return
        last = self._pieces[-1] if self._pieces else None
        if isinstance(last, bytearray):
            last += piece
        elif last is not None and len(last) + len(piece) < _SHORT:
            # Each piece takes forty bytes beside its own: a body may come in thousands of one byte.
            self._pieces[-1] = bytearray(last) + piece
        else:
            self._pieces.append(piece)
        self._held += len(piece)
        if self._held > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        self.message_event.set()

    def take_end(self) -> None:
        """Take note that the body is whole."""
        self.more_body = False
        self.message_event.set()

    @override
    async def receive(self) -> ASGIReceiveEvent:
        if self.waiting_for_100_continue and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.waiting_for_100_continue = False
        if not self.disconnected and not self.response_complete:
            self.flow.resume_reading()
            await self.message_event.wait()
            self.message_event.clear()
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        pieces, self._pieces, self._held = self._pieces, [], 0
        first = pieces[0] if len(pieces) == 1 else None
        body = first if isinstance(first, bytes) else b"".join(pieces)
        return {"type": "http.request", "body": body, "more_body": self.more_body}

    @property
    def is_full(self) -> bool:
        """Whether the client reads more slowly than it is written to: `drained` tells when it has caught up."""
        return self.flow.write_paused and not self.disconnected

    async def drained(self) -> None:
        """Wait until the client has read on, or has left."""
        if self.is_full:
            await self.flow.drain()

    def respond(self, status: int, headers: Fields, body: bytes) -> None:
        """Send a whole answer."""
        if self.disconnected:
            return
        head = self._begin(status, headers, b"content-length: %d\r\n" % len(body))
        if len(body) <= _JOINED_BODY:
            self.transport.write(head + body)
        else:
            self.transport.write(head)
            self.transport.write(body)
        self._complete()

    def begin(self, status: int, headers: Fields) -> None:
        """Send the head of an answer in pieces."""
        if not self.disconnected:
            self.transport.write(self._begin(status, headers, b"transfer-encoding: chunked\r\n"))

    def write(self, piece: bytes) -> None:
        """Send a piece, which is not empty."""
        if not self.disconnected:
            self.transport.write(b"%x\r\n%b\r\n" % (len(piece), piece))

    def pass_on(self, piece: bytes) -> bool:
        """Send a piece, and tell whether more may come at once."""
        self.write(piece)
        return not self.flow.write_paused or self.disconnected

    def end(self) -> None:
        """Send the end of an answer in pieces."""
        if self.disconnected:
            return
        if not self.response_started or self.response_complete:
            message = "Only an answer that has begun in pieces has such an end."
            raise RuntimeError(message)
        self.transport.write(b"0\r\n\r\n")
        self._complete()

    def _begin(self, status: int, headers: Fields, framing: bytes) -> bytes:
        if self.response_started:
            message = "This request is being answered already."
            raise RuntimeError(message)
        self.response_started = True
        self.waiting_for_100_continue = False
        fields = [*self.default_headers, *headers]
        lines = b"".join([b"%b: %b\r\n" % field for field in fields])
        if lines.count(b"\n") != len(fields) or lines.count(b"\r") != len(fields) or b"\0" in lines:
            message = "A header of the answer does not stay in its line."
            raise RuntimeError(message)
        end = b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n"
        return b"".join((STATUS_LINE[status], lines, framing, end))

    def _complete(self) -> None:
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()


def cycle_of(send: Send) -> Cycle | None:
    """Give the cycle that this sends for; None behind any other server, or when a layer stands in between."""
    behind: object = getattr(send, "__self__", None)
    return behind if isinstance(behind, Cycle) else None
