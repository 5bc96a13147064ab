"""One HTTP/1.1 connection: writes a request, parses the answer, keeps the deadlines.

The only file that names the HTTP library.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Protocol, cast

import httptools
from typing_extensions import override

from gateway_core.http_client.deadlines import Phase
from gateway_core.http_client.exchange import Exchange
from gateway_core.http_client.failures import ConnectionStale, HttpCut, HttpMalformed, HttpTimedOut
from gateway_core.http_client.target import Origin
from gateway_core.http_client.watch import GRAIN, Watch
from gateway_core.kernel.units import Seconds

# Up to this size head and body leave in one buffer: the copy is cheaper than a second write.
_JOINED_BODY = 16 * 1024
_WRITE_SLICE = 256 * 1024
_VERSIONS = frozenset({"1.0", "1.1"})
_FRAMING = frozenset({b"content-length", b"transfer-encoding"})


class Home(Protocol):
    """The pool that a connection belongs to."""

    @property
    def keep_alive(self) -> Seconds:
        """How long an idle connection is kept."""
        ...

    @property
    def max_header_bytes(self) -> int:
        """How large the head of an answer may be."""
        ...

    def opened(self, connection: Connection) -> None:
        """Count a new connection."""
        ...

    def rested(self, connection: Connection) -> None:
        """Take back a connection that may serve again."""
        ...

    def gone(self, connection: Connection) -> None:
        """Forget a connection that is being closed."""
        ...

    def lost(self) -> None:
        """Learn that a transport is closed for good."""
        ...


class Connection(asyncio.Protocol):
    """Serve one exchange at a time; between two of them it rests in its pool."""

    __slots__ = (
        "_aborted",
        "_answered",
        "_barren",
        "_exchange",
        "_home",
        "_interim",
        "_keep",
        "_loop",
        "_made",
        "_parser",
        "_reading_paused",
        "_served",
        "_since",
        "_transport",
        "_unsent",
        "_watch",
        "_writing_paused",
        "origin",
    )

    def __init__(self, home: Home, origin: Origin, *, loop: asyncio.AbstractEventLoop) -> None:
        self.origin = origin
        self._home = home
        self._loop = loop
        self._watch = Watch(loop, self._look)
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._exchange: Exchange | None = None
        self._unsent: memoryview | None = None
        # When the running phase began: the request, the last piece of body, or the rest in the pool.
        self._since = 0.0
        # Bytes read since the head or body last grew: heads, trailers and chunk extensions are bounded by it.
        self._barren = 0
        self._made = False
        self._aborted = False
        self._served = False
        self._answered = False
        self._interim = False
        self._keep = False
        self._reading_paused = False
        self._writing_paused = False

    # Asked by the pool and the exchange.

    def start(self, exchange: Exchange, *, head: bytes, body: bytes) -> None:
        """Write the request; what comes back goes to the exchange."""
        transport = self._transport
        self._exchange = exchange
        exchange.line = self
        self._answered = self._interim = self._keep = False
        self._barren = 0
        if self._parser is None:
            self._parser = httptools.HttpResponseParser(self)
        self._since = now = self._loop.time()
        self._watch.arm(min(now + exchange.deadlines.first_byte, exchange.total_due))
        if transport is None:
            self._cut(exchange)
        elif len(body) <= _JOINED_BODY:
            transport.write(head + body)
        else:
            transport.write(head)
            self._unsent = memoryview(body)
            self._write_on(transport)

    def resume(self) -> None:
        """Read on after a pause; the idle deadline starts anew."""
        exchange, transport = self._exchange, self._transport
        if self._reading_paused and transport is not None and exchange is not None:
            self._reading_paused = False
            self._since = self._loop.time()
            self._watch.arm(self._since + exchange.deadlines.idle)
            transport.resume_reading()

    def close(self, why: str) -> None:
        """Break off what runs and close."""
        exchange = self._exchange
        if exchange is not None:
            exchange.fail(HttpCut(why, where=exchange.where))
        self.abort()

    def abort(self) -> None:
        """Close at once, without a goodbye; safe twice."""
        self._aborted = True
        self._watch.cancel()
        self._exchange = self._parser = self._unsent = None
        transport, self._transport = self._transport, None
        if transport is not None:
            self._home.gone(self)
            transport.abort()

    def give_up(self) -> None:
        """Close a connection whose making failed.

        Cancelled between connection_made and the end of create_connection, uvloop closes the socket
        and never reports it (seen with 0.23), so we do. Remove when it calls connection_lost.
        """
        self.abort()
        self._report_lost()

    # Told by the transport.

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, unless nobody waits for it any more."""
        # cast: TLS transports are no subclass of asyncio.Transport, yet act as one.
        self._transport = cast("asyncio.Transport", transport)
        self._made = True
        self._home.opened(self)
        if self._aborted:
            self.abort()

    @override
    def data_received(self, data: bytes) -> None:
        """Parse what arrived; the reader is woken at most once."""
        exchange, parser = self._exchange, self._parser
        if exchange is None or parser is None:
            # Nobody asked for this: the next answer on this line could not be trusted.
            self.abort()
            return
        self._answered = True
        self._barren += len(data)
        had_head, had = exchange.status, exchange.buffered
        try:
            parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._keep = False
            if not exchange.ended:
                detail = "an upgrade" if isinstance(error, httptools.HttpParserUpgrade) else str(error)
                exchange.fail(HttpMalformed(f"the answer is not valid HTTP: {detail}", where=exchange.where))
        if exchange.ended:
            self._finish(exchange)
        elif exchange.failure is None:
            self._go_on(exchange, head_new=not had_head, body_grew=exchange.buffered > had)

    @override
    def eof_received(self) -> None:
        """Take the server's goodbye: the end of a body that has no other end, or a cut."""
        exchange = self._exchange
        if exchange is None:
            self.abort()
        elif _ends_at_close(exchange) and self._said_goodbye():
            self._keep = False
            exchange.ended = True
            self._finish(exchange)
        else:
            self._cut(exchange)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Report a cut."""
        if self._exchange is not None:
            self._cut(self._exchange)
        self.abort()
        self._report_lost()

    @override
    def pause_writing(self) -> None:
        """Stop feeding a full socket."""
        self._writing_paused = True

    @override
    def resume_writing(self) -> None:
        """Go on with the rest of a large body."""
        self._writing_paused = False
        if self._transport is not None:
            self._write_on(self._transport)

    # Told by the parser. An exchange that failed halfway through a buffer leaves None behind.

    def on_message_begin(self) -> None:
        """Notice a second answer behind the first."""
        if self._exchange is None or self._exchange.ended:
            self._keep = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header of the head; trailers are read and dropped."""
        exchange = self._exchange
        if exchange is not None and not exchange.status:
            exchange.fields.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Judge the head."""
        exchange, parser = self._exchange, self._parser
        if exchange is None or parser is None or exchange.ended:
            return
        limit = self._home.max_header_bytes
        if self._barren > limit and sum(len(name) + len(value) + 4 for name, value in exchange.fields) > limit:
            self._refuse_size(exchange)
            return
        status = parser.get_status_code()
        if status < 200:
            self._interim = True
            exchange.fields.clear()
            return
        self._keep = parser.should_keep_alive()
        if (defect := _read_framing(exchange, parser.get_http_version())) is not None:
            exchange.fail(HttpMalformed(defect, where=exchange.where))
            return
        self._barren = 0
        exchange.status = status
        if exchange.without_body:
            exchange.ended = True
            # This parser would now wait for a body that an answer to HEAD never has.
            self._parser = None

    def on_body(self, data: bytes) -> None:
        """Keep a piece of the body."""
        exchange = self._exchange
        if exchange is None or exchange.ended:
            self._keep = False
            return
        exchange.parts.append(data)
        exchange.buffered += len(data)

    def on_message_complete(self) -> None:
        """Note the end, unless it is only that of an interim answer."""
        if self._interim:
            self._interim = False
        elif self._exchange is not None:
            self._exchange.ended = True

    # Inside.

    def _report_lost(self) -> None:
        if self._made:
            self._made = False
            self._home.lost()

    def _said_goodbye(self) -> bool:
        """Tell whether TLS was ended by the server itself, not by someone who cut the line.

        uvloop reports the end of a body only after a close_notify, the standard library's loop always.
        """
        tls: ssl.SSLObject | None = None if self._transport is None else self._transport.get_extra_info("ssl_object")
        try:
            return tls is None or tls.read(1) == b""
        except ssl.SSLError:
            return False

    def _write_on(self, transport: asyncio.Transport) -> None:
        """Write slices of the body until it or the socket's patience ends."""
        while self._unsent is not None and not self._writing_paused:
            piece, rest = self._unsent[:_WRITE_SLICE], self._unsent[_WRITE_SLICE:]
            self._unsent = rest if len(rest) else None
            transport.write(piece)

    def _go_on(self, exchange: Exchange, *, head_new: bool, body_grew: bool) -> None:
        """Account for bytes that did not complete the answer."""
        if body_grew:
            self._barren = 0
        elif self._barren > self._home.max_header_bytes:
            self._refuse_size(exchange)
            return
        if not exchange.status:
            return
        if body_grew or head_new:
            self._since = self._loop.time()
        if head_new:
            self._watch.arm(self._since + exchange.deadlines.idle)
        if exchange.buffered > exchange.pause_above and self._transport is not None:
            self._reading_paused = True
            self._transport.pause_reading()
        if head_new or exchange.buffered > exchange.wake_above:
            exchange.wake()

    def _finish(self, exchange: Exchange) -> None:
        """Let go of a complete answer; the connection serves again when nothing speaks against it."""
        self._exchange = None
        exchange.line = None
        transport = self._transport
        sent = self._unsent is None and transport is not None and not transport.get_write_buffer_size()
        if self._keep and sent and not self._reading_paused:
            self._served = True
            self._since = self._loop.time()
            self._watch.arm(self._since + self._home.keep_alive)
            self._home.rested(self)
        else:
            self.abort()
        exchange.wake()

    def _cut(self, exchange: Exchange) -> None:
        kind = ConnectionStale if self._served and not self._answered else HttpCut
        exchange.fail(kind("the connection was closed before the answer was whole", where=exchange.where))

    def _refuse_size(self, exchange: Exchange) -> None:
        limit = self._home.max_header_bytes
        exchange.fail(HttpMalformed(f"the answer's headers are larger than {limit} bytes", where=exchange.where))

    def _look(self) -> None:
        """Act on the deadline that has passed, or wait for the next."""
        due, phase = self._next_deadline()
        if due - self._loop.time() > GRAIN:
            self._watch.arm(due)
        elif self._exchange is None or phase is None:
            self.abort()
        else:
            exchange = self._exchange
            exchange.fail(HttpTimedOut(phase=phase, after=exchange.deadlines.of(phase), where=exchange.where))

    def _next_deadline(self) -> tuple[float, Phase | None]:
        exchange = self._exchange
        if exchange is None:
            return self._since + self._home.keep_alive, None
        phase: Phase = "idle" if exchange.status else "first_byte"
        due = self._since + exchange.deadlines.of(phase)
        if exchange.total_due < due or self._reading_paused:
            # While we do not read, the server cannot be blamed for being idle.
            return exchange.total_due, "total"
        return due, phase


def _ends_at_close(exchange: Exchange) -> bool:
    """Tell whether only the end of the connection ends this body (RFC 9112, section 6.3)."""
    return exchange.status != 0 and not any(name in _FRAMING for name, _ in exchange.fields)


def _read_framing(exchange: Exchange, version: str) -> str | None:
    """Note the content encoding; tell what makes this head unacceptable, if anything does."""
    if version not in _VERSIONS:
        return f"HTTP version {version} is not spoken here"
    for name, value in exchange.fields:
        if name == b"content-encoding":
            exchange.encoding = value
        elif name == b"transfer-encoding" and value.strip().lower() != b"chunked":
            return "the transfer encoding is not chunked"
    return None
