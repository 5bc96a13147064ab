"""One HTTP/1.1 connection: writes a request, parses the answer, keeps the deadlines.

The only file that names the HTTP library.
"""

from __future__ import annotations

import asyncio
import select
from typing import cast

import httptools
from typing_extensions import override

from gateway_core.http_client import answer_head
from gateway_core.http_client.deadlines import Phase
from gateway_core.http_client.exchange import Exchange
from gateway_core.http_client.failures import HttpCut, HttpDropped, HttpMalformed, HttpTimedOut, HttpUnreachable
from gateway_core.http_client.home import Home
from gateway_core.http_client.silence import said_goodbye, watch_line
from gateway_core.http_client.target import Origin
from gateway_core.http_client.watch import GRAIN, Watch

# Up to this size head and body leave in one buffer: the copy is cheaper than a second write.
_JOINED_BODY = 16 * 1024
_WRITE_SLICE = 256 * 1024
# What the line of a chunk may hold beyond its size without being counted.
_CHUNK_LINE = 256


class Connection(asyncio.BufferedProtocol):
    """Serve one exchange at a time; between two of them it rests in its pool."""

    __slots__ = (
        "_aborted",
        "_answered",
        "_barren",
        "_exchange",
        "_home",
        "_interim",
        "_interims",
        "_keep",
        "_limits",
        "_loop",
        "_made",
        "_news",
        "_parser",
        "_reading_paused",
        "_rest",
        "_served",
        "_since",
        "_transport",
        "_unsent",
        "_watch",
        "_writing_paused",
        "origin",
    )

    def __init__(self, home: Home[Connection], origin: Origin, *, loop: asyncio.AbstractEventLoop) -> None:
        self.origin = origin
        self._home = home
        self._limits = home.limits
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
        self._interims = 0
        self._rest = home.keep_alive
        self._news: select.poll | None = None
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
        self._barren = self._interims = 0
        if self._parser is None:
            self._parser = httptools.HttpResponseParser(self)
        self._since = now = self._loop.time()
        self._watch.arm(min(now + exchange.deadlines.first_byte, exchange.total_due))
        if transport is None or transport.is_closing():
            exchange.fail(
                HttpUnreachable("the connection was closed before the request was sent", where=exchange.where)
            )
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
            self._reading_paused = exchange.paused = False
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

    def is_fit(self) -> bool:
        """Tell whether a connection at rest may serve: open, and not even a goodbye has come over it.

        The loop may not have had time to tell us of one, so the socket itself is asked.
        """
        transport = self._transport
        if transport is None or transport.is_closing():
            return False
        if self._news is None:
            self._news = watch_line(transport)
        return self._news is None or not self._news.poll(0)

    # Told by the transport.

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, unless nobody waits for it any more."""
        # cast: TLS transports are no subclass of asyncio.Transport, yet act as one.
        self._transport = cast("asyncio.Transport", transport)
        if self._aborted:
            # Lost or refused during the handshake: nobody would report its end once more.
            self._transport.abort()
            self._transport = None
            return
        self._made = True
        self._home.opened(self)

    @override
    def get_buffer(self, sizehint: int) -> memoryview:
        """Say where to read into."""
        del sizehint
        return self._home.inbox

    @override
    def buffer_updated(self, nbytes: int) -> None:
        """Take what was read."""
        self.data_received(self._home.inbox[:nbytes])

    def data_received(self, data: bytes | memoryview) -> None:
        """Parse what arrived; the reader is woken at most once."""
        exchange, parser = self._exchange, self._parser
        if exchange is None or parser is None:
            # Nobody asked for this: the next answer on this line could not be trusted.
            self.abort()
            return
        self._answered = True
        self._barren += len(data)
        had_head, had, pieces = exchange.status, exchange.buffered, len(exchange.parts)
        try:
            parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._keep = False
            if not exchange.ended:
                detail = "an upgrade" if isinstance(error, httptools.HttpParserUpgrade) else str(error)
                self._refuse(exchange, f"the answer is not valid HTTP: {detail}", cause=error)
        if exchange.ended:
            self._finish(exchange)
        elif exchange.failure is None:
            grown = exchange.buffered - had
            if grown:
                spare = grown + _CHUNK_LINE * (len(exchange.parts) - pieces)
                self._barren = self._barren - spare if self._barren > spare else 0
            self._go_on(exchange, head_new=not had_head, body_grew=grown > 0)

    @override
    def eof_received(self) -> None:
        """Take the server's goodbye: the end of a body that has no other end, or a cut."""
        exchange = self._exchange
        if exchange is None:
            self.abort()
        elif answer_head.ends_at_close(exchange) and said_goodbye(self._transport):
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
        if (excess := answer_head.find_excess(exchange.fields, heard=self._barren, limits=self._limits)) is not None:
            self._refuse(exchange, excess)
            return
        status = parser.get_status_code()
        if status < 200:
            self._pass_interim(exchange, status)
            return
        if (defect := answer_head.read_head(exchange, version=parser.get_http_version())) is not None:
            self._refuse(exchange, f"the answer's head is not acceptable: {defect}")
            return
        self._keep = parser.should_keep_alive()
        if exchange.keep_alive:
            self._rest = answer_head.bound_rest(exchange.keep_alive, longest=self._home.keep_alive)
        # What came behind the head counts for the body; so little of it is not worth measuring the head.
        few = self._barren <= self._limits.framing_bytes
        self._barren = 0 if few else max(0, self._barren - answer_head.measure_head(exchange.fields))
        exchange.status = status
        if exchange.without_body:
            exchange.ended = True
            # This parser would now wait for a body that an answer to HEAD never has, and swallow a chunk that came.
            self._parser = None
            self._keep = self._keep and not answer_head.is_chunked(exchange.fields)

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

    def _write_on(self, transport: asyncio.Transport) -> None:
        """Write slices of the body until it or the socket's patience ends."""
        while self._unsent is not None and not self._writing_paused:
            piece, rest = self._unsent[:_WRITE_SLICE], self._unsent[_WRITE_SLICE:]
            self._unsent = rest if len(rest) else None
            transport.write(piece)

    def _pass_interim(self, exchange: Exchange, status: int) -> None:
        """Drop an interim answer, but not one after the other without end."""
        self._interim = True
        self._interims += 1
        exchange.fields.clear()
        if status < 100 or status == 101:
            self._refuse(exchange, f"the answer has the status {status}, which nobody asked for")
        elif self._interims > self._limits.interim_answers:
            self._refuse(exchange, f"there are more than {self._limits.interim_answers} interim answers")

    def _go_on(self, exchange: Exchange, *, head_new: bool, body_grew: bool) -> None:
        """Keep the bounds of an answer that is not complete: what comes besides its body, time and memory."""
        excess = answer_head.find_overflow(exchange.status, barren=self._barren, limits=self._limits)
        if excess is not None:
            self._refuse(exchange, excess)
            return
        if not exchange.status:
            return
        if body_grew or head_new:
            self._since = self._loop.time()
        if head_new:
            self._watch.arm(self._since + exchange.deadlines.idle)
        if exchange.sink is not None:
            if body_grew and not exchange.sink(exchange.take()):
                self._pause(exchange)
                exchange.wake()
            return
        if exchange.buffered > exchange.pause_above:
            self._pause(exchange)
        if head_new or exchange.buffered > exchange.wake_above:
            exchange.wake()

    def _pause(self, exchange: Exchange) -> None:
        if self._transport is not None:
            self._reading_paused = exchange.paused = True
            self._transport.pause_reading()

    def _finish(self, exchange: Exchange) -> None:
        """Let go of a complete answer; the connection serves again when nothing speaks against it."""
        self._exchange = None
        exchange.line = None
        transport = self._transport
        sent = self._unsent is None and transport is not None and not transport.get_write_buffer_size()
        if self._keep and sent and not self._reading_paused:
            self._served = True
            self._since = self._loop.time()
            self._watch.arm(self._since + self._rest)
            self._home.rested(self)
        else:
            self.abort()
        exchange.wake()

    def _cut(self, exchange: Exchange) -> None:
        if self._answered:
            exchange.fail(HttpCut("the connection was closed before the answer was whole", where=exchange.where))
        else:
            exchange.fail(HttpDropped(reused=self._served, where=exchange.where))

    def _refuse(self, exchange: Exchange, detail: str, *, cause: Exception | None = None) -> None:
        failure = HttpMalformed(detail, where=exchange.where)
        failure.__cause__ = cause
        exchange.fail(failure)

    def _look(self) -> None:
        """Act on the deadline that has passed, or wait for the next."""
        due: float = self._since + self._rest
        phase: Phase | None = None
        if self._exchange is not None:
            due, phase = self._exchange.next_deadline(self._since, paused=self._reading_paused)
        if due - self._loop.time() > GRAIN:
            self._watch.arm(due)
        elif self._exchange is None or phase is None:
            self.abort()
        else:
            exchange = self._exchange
            exchange.fail(HttpTimedOut(phase=phase, after=exchange.deadlines.of(phase), where=exchange.where))
