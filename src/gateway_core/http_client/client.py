"""The client: pools connections per origin and sends requests over them."""

from __future__ import annotations

import asyncio
import math
import ssl
from collections.abc import Sequence

from gateway_core.http_client.connection import Connection
from gateway_core.http_client.deadlines import Deadlines, Phase
from gateway_core.http_client.decoding import build_decoder
from gateway_core.http_client.exchange import Exchange
from gateway_core.http_client.failures import ConnectionStale, HttpMalformed, HttpTimedOut, HttpUnreachable
from gateway_core.http_client.request_head import render_request_head
from gateway_core.http_client.response import HttpResponse
from gateway_core.http_client.target import Origin, Target, parse_target
from gateway_core.kernel.units import Seconds

_KEEP_ALIVE = Seconds(30)
_WITHOUT_BODY = frozenset({204, 304})


class HttpClient:
    """Send HTTP/1.1 requests over pooled connections; belongs to one event loop.

    A connection that was reused and is closed by the server before any byte of the answer is
    replaced by a fresh one, and the request is sent again, once: the server had closed the idle
    connection while our request was on its way (RFC 9112, sections 9.3.1 and 9.5). A request on a
    fresh connection is never repeated. Redirects are not followed, proxies not used.

    `ssl_context` is ours from then on: ALPN is set on it. Without one the standard library's
    default is built at the first https request, and it honours SSL_CERT_FILE.
    """

    def __init__(
        self,
        *,
        ssl_context: ssl.SSLContext | None = None,
        max_idle_per_origin: int = 64,
        keep_alive: Seconds = _KEEP_ALIVE,
        max_header_bytes: int = 65536,
    ) -> None:
        self.keep_alive = keep_alive
        self.max_header_bytes = max_header_bytes
        self._max_idle = max_idle_per_origin
        self._given_context = ssl_context
        self._tls: ssl.SSLContext | None = None
        self._idle: dict[Origin, list[Connection]] = {}
        self._open: set[Connection] = set()
        self._transports = 0
        self._closed = False
        self._all_lost = asyncio.Event()
        self._all_lost.set()

    @property
    def open_connections(self) -> int:
        """Count the connections in use and at rest."""
        return len(self._open)

    @property
    def idle_connections(self) -> int:
        """Count the connections at rest."""
        return sum(map(len, self._idle.values()))

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Sequence[tuple[str, str]],
        body: bytes = b"",
        deadlines: Deadlines,
    ) -> HttpResponse:
        """Send a request and return when the head of the answer is complete.

        Raises `HttpFailure`, or ValueError for a URL or header that we must not send. The caller
        reads the answer to its end or closes it.
        """
        target = parse_target(url)
        head = render_request_head(method, target, headers=headers, length=len(body))
        loop = asyncio.get_running_loop()
        total_due = math.inf if deadlines.total is None else loop.time() + deadlines.total
        connection = self._take_idle(target.origin)
        while True:
            if connection is None:
                connection = await self._connect(target, deadlines=deadlines, total_due=total_due)
            exchange = Exchange(loop, deadlines, where=target.where, total_due=total_due, without_body=method == "HEAD")
            connection.start(exchange, head=head, body=body)
            if exchange.failure is None:
                await exchange.wait()
            if not isinstance(exchange.failure, ConnectionStale):
                return _answer(exchange)
            # Only a reused connection can be stale, so this happens once.
            connection = None

    async def close(self) -> None:
        """Close every connection, breaking off what runs, and wait until the sockets are closed; safe twice."""
        self._closed = True
        for connection in list(self._open):
            connection.close("the client was closed")
        await self._all_lost.wait()

    # Told by the connections.

    def opened(self, connection: Connection) -> None:
        """Count a new connection."""
        self._transports += 1
        self._all_lost.clear()
        self._open.add(connection)
        if self._closed:
            connection.abort()

    def rested(self, connection: Connection) -> None:
        """Take back a connection that may serve again; over the limit, the one longest at rest goes."""
        idle = self._idle.setdefault(connection.origin, [])
        idle.append(connection)
        if len(idle) > self._max_idle:
            idle[0].abort()

    def gone(self, connection: Connection) -> None:
        """Forget a connection that is being closed."""
        self._open.discard(connection)
        idle = self._idle.get(connection.origin)
        if idle is not None:
            if connection in idle:
                idle.remove(connection)
            if not idle:
                del self._idle[connection.origin]

    def lost(self) -> None:
        """Learn that a transport is closed for good."""
        self._transports -= 1
        if not self._transports:
            self._all_lost.set()

    # Inside.

    def _take_idle(self, origin: Origin) -> Connection | None:
        """Give the connection that rested least: the one most surely alive."""
        idle = self._idle.get(origin)
        return idle.pop() if idle else None

    async def _connect(self, target: Target, *, deadlines: Deadlines, total_due: float) -> Connection:
        if self._closed:
            raise HttpUnreachable("the client is closed", where=target.where)
        loop = asyncio.get_running_loop()
        connection = Connection(self, target.origin, loop=loop)
        due = loop.time() + deadlines.connect
        bound = asyncio.timeout_at(min(due, total_due))
        try:
            async with bound:
                await self._open_transport(connection, patience=deadlines.connect)
        except (OSError, UnicodeError) as error:
            connection.give_up()
            if bound.expired():
                phase: Phase = "connect" if due <= total_due else "total"
                raise HttpTimedOut(phase=phase, after=deadlines.of(phase), where=target.where) from error
            raise HttpUnreachable(_explain(error), where=target.where) from error
        except asyncio.CancelledError:
            connection.give_up()
            raise
        return connection

    async def _open_transport(self, connection: Connection, *, patience: Seconds) -> None:
        loop = asyncio.get_running_loop()
        scheme, host, port = connection.origin
        if scheme == "http":
            await loop.create_connection(lambda: connection, host, port)
            return
        await loop.create_connection(
            lambda: connection,
            host,
            port,
            ssl=self._tls_context(),
            server_hostname=host,
            # A little later than our own deadline, so that ours names the phase.
            ssl_handshake_timeout=patience + 1,
        )

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = self._given_context or ssl.create_default_context()
            self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls


def _answer(exchange: Exchange) -> HttpResponse:
    """Hand over an exchange whose head is complete, or raise what happened to it."""
    if exchange.failure is not None and not exchange.status:
        raise exchange.failure
    decoder = None
    if exchange.encoding and not exchange.without_body and exchange.status not in _WITHOUT_BODY:
        try:
            decoder = build_decoder(exchange.encoding.decode("latin-1"))
        except ValueError as error:
            exchange.close()
            raise HttpMalformed(str(error), where=exchange.where) from error
    return HttpResponse(exchange, decoder=decoder)


def _explain(error: OSError | UnicodeError) -> str:
    """Say why no connection came about, in the system's words."""
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or type(error).__name__
    return f"cannot connect: {reason}"
