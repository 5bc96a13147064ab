"""The server's HTTP protocol, with limits on the head of a request.

The server itself waits for headers as long, and takes as many of them, as a client
likes; a few hundred slow connections would use up its memory or its sockets.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway_core.kernel.units import Seconds

_REFUSALS = {
    408: (b"Request Timeout", b'{"detail":"The request headers did not arrive in time."}'),
    431: (b"Request Header Fields Too Large", b'{"detail":"The request headers are too large."}'),
}
# A colon, a blank and the end of the line.
_AROUND_HEADER = 4


class GatewayProtocol(HttpToolsProtocol):
    """Refuse heads that are too slow (408) or too large (431); the limits are those of the process."""

    header_timeout: ClassVar[Seconds] = Seconds(10)
    max_header_bytes: ClassVar[int] = 65_536

    _in_head = True
    _begun = False
    _head_bytes = 0
    # Bytes of the data in hand that belong to bodies and to heads that are complete.
    _elsewhere = 0
    _head_timer: asyncio.TimerHandle | None = None
    _refused = False

    @classmethod
    def limit(cls, *, header_timeout: Seconds, max_header_bytes: int) -> None:
        """Set the limits of this process; the server makes the protocols itself, so they stand on the class."""
        cls.header_timeout = header_timeout
        cls.max_header_bytes = max_header_bytes

    @override
    # The server narrows the transport in the same way.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_head()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._elsewhere = 0
        super().data_received(data)
        # Most heads come in one piece; only one that does not is worth a timer.
        if self._in_head and not self.transport.is_closing():
            self._head_bytes += max(0, len(data) - self._elsewhere)
            if self._head_bytes > self.max_header_bytes:
                self._refuse(431)
            elif self._head_timer is None:
                self._expect_head()

    @override
    def on_message_begin(self) -> None:
        self._in_head = self._begun = True
        self._head_bytes = 0
        super().on_message_begin()

    @override
    def on_headers_complete(self) -> None:
        if self._refused:
            return
        self._in_head = self._begun = False
        self._stop_timer()
        size = len(self.url) + sum(len(name) + len(value) + _AROUND_HEADER for name, value in self.headers)
        self._elsewhere += size
        if size > self.max_header_bytes:
            self._refuse(431)
        else:
            super().on_headers_complete()

    @override
    def on_body(self, body: bytes) -> None:
        self._elsewhere += len(body)
        if not self._refused:
            super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        if not self._refused:
            super().on_message_complete()

    def _expect_head(self) -> None:
        self._head_timer = self.loop.call_later(self.header_timeout, self._head_is_late)

    def _head_is_late(self) -> None:
        self._head_timer = None
        if not self._begun:
            # Nothing was asked, so there is nothing to answer.
            self.transport.close()
        elif not self.transport.is_closing():
            self._refuse(408)

    def _refuse(self, status: int) -> None:
        self._refused = True
        self._stop_timer()
        reason, body = _REFUSALS[status]
        head = b"HTTP/1.1 %d %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        self.transport.write(head % (status, reason, len(body)) + body)
        self.transport.close()

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
