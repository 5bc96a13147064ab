"""The server's HTTP protocol, with limits on the head of a request.

The server itself waits for headers as long, and takes as many of them, as a client
likes; a few hundred slow connections would use up its memory or its sockets.
"""

from __future__ import annotations

import asyncio
import sys
from typing import ClassVar

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway_core.kernel.units import Seconds
from gateway_core.telemetry.logs import get_log

log = get_log("api.protocol")

_REFUSALS = {
    408: (b"Request Timeout", b'{"detail":"The request headers did not arrive in time."}'),
    431: (b"Request Header Fields Too Large", b'{"detail":"The request headers are too large."}'),
}
_HOP_BY_HOP = frozenset({b"connection", b"http2-settings", b"upgrade"})
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
    _upgrading = b""
    _data = b""

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
        self._data = data
        super().data_received(data)
        self._data = b""
        self._rest_in_time()
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
        if self.parser.should_upgrade():
            # It comes once more without the wish to upgrade.
            self._upgrading = self.parser.get_method()
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
        if not self._refused and not self._upgrading:
            super().on_message_complete()

    @override
    def _should_upgrade(self) -> bool:
        return False

    @override
    def _unsupported_upgrade_warning(self) -> None:
        """Serve a request that asks for another protocol as if it had not asked (RFC 9110, section 7.8).

        The parser takes what follows such a head for the other protocol, and the server would
        take it for the next request: a body could smuggle one in. So the head is read again
        without the wish, and then what followed it. Called while the parser's exception is handled.
        """
        method, self._upgrading = self._upgrading, b""
        upgrade = sys.exc_info()[1]
        if not method or method == b"CONNECT" or upgrade is None:
            self._refused = True
            self.send_400_response("This method is not served here.")
            return
        rest = self._data[upgrade.args[0] :]
        head = b"%b %b HTTP/%b\r\n" % (method, self.url, self.parser.get_http_version().encode())
        kept = [pair for pair in self.headers if pair[0] not in _HOP_BY_HOP]
        closing = any(name == b"connection" and b"close" in value.lower() for name, value in self.headers)
        lines = [b"%b: %b\r\n" % pair for pair in kept] + [b"connection: close\r\n"] * closing
        self.parser = type(self.parser)(self)
        super().data_received(head + b"".join(lines) + b"\r\n" + rest)

    def _rest_in_time(self) -> None:
        """Close what stays silent behind a whole answer; the server forgets to when it dropped some bytes there."""
        # The server declares it as always there; before the first request it is None.
        answered: bool = getattr(self.cycle, "response_complete", False)
        at_rest = answered and not self._begun and not self.pipeline
        if at_rest and self.timeout_keep_alive_task is None and not self.transport.is_closing():
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

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
        ip, port = self.client or ("", 0)
        log.warning("head_refused", status_code=status, client_ip=ip, client_port=port, cause=reason.decode())
        head = b"HTTP/1.1 %d %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        self.transport.write(head % (status, reason, len(body)) + body)
        self.transport.close()

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
