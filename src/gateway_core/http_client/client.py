"""The client: pools connections per origin and sends requests over them."""

from __future__ import annotations

import asyncio
import math
import ssl
from collections.abc import Sequence

from gateway_core.http_client.connection import Connection
from gateway_core.http_client.deadlines import Deadlines, Phase
from gateway_core.http_client.decoding import build_decoder
from gateway_core.http_client.dialling import Dialler, explain_os_error
from gateway_core.http_client.exchange import Exchange
from gateway_core.http_client.failures import HttpMalformed, HttpTimedOut, HttpUnreachable
from gateway_core.http_client.limits import DEFAULT_LIMITS, AnswerLimits
from gateway_core.http_client.pool import Pool
from gateway_core.http_client.proxies import Proxies
from gateway_core.http_client.racing import Resolve
from gateway_core.http_client.request_head import PreparedRequest
from gateway_core.http_client.response import HttpResponse
from gateway_core.http_client.target import Target, parse_target
from gateway_core.kernel.units import Seconds

_KEEP_ALIVE = Seconds(30)
_WITHOUT_BODY = frozenset({204, 304})


class HttpClient:
    """Send HTTP/1.1 requests over pooled connections; belongs to one event loop.

    A connection that has died at rest is replaced before anything is written. Once a byte of a
    request may have left, it is never repeated here: `HttpDropped` tells the caller that no answer
    began, and whoever knows what the request does decides. Redirects are not followed.

    `ssl_context` is ours from then on: ALPN and the lowest version are set on it. Without one the
    standard library's default is built at the first https request, and it honours SSL_CERT_FILE.
    Without `resolve` the system is asked for addresses.
    """

    def __init__(
        self,
        *,
        ssl_context: ssl.SSLContext | None = None,
        proxies: Proxies | None = None,
        max_idle_per_origin: int = 64,
        keep_alive: Seconds = _KEEP_ALIVE,
        limits: AnswerLimits = DEFAULT_LIMITS,
        resolve: Resolve | None = None,
    ) -> None:
        self._pool = Pool(keep_alive=keep_alive, limits=limits, max_idle=max_idle_per_origin)
        self._proxied = proxies is not None
        self._dialler = Dialler(ssl_context=ssl_context, proxies=proxies, resolve=resolve)

    @property
    def open_connections(self) -> int:
        """Count the connections in use and at rest."""
        return self._pool.in_all

    @property
    def idle_connections(self) -> int:
        """Count the connections at rest."""
        return self._pool.at_rest

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Sequence[tuple[str, str]],
        body: bytes = b"",
        deadlines: Deadlines,
        allow_private: bool = True,
    ) -> HttpResponse:
        """Send a request and return when the head of the answer is complete.

        Raises `HttpFailure`, or ValueError for a URL or header that we must not send. The caller
        reads the answer to its end or closes it. Without `allow_private` the host may not be, nor
        resolve to, an address of this machine or of a private network.
        """
        request = self.prepare(method, url, headers=headers, allow_private=allow_private)
        return await self.send_prepared(request, body=body, deadlines=deadlines)

    def prepare(
        self, method: str, url: str, *, headers: Sequence[tuple[str, str]], allow_private: bool = True
    ) -> PreparedRequest:
        """Write a request as far as it does not depend on its body; arguments and ValueError as in `send`."""
        # A keyword makes the look-up in its cache dearer.
        target = parse_target(url) if allow_private else parse_target(url, allow_private=False)
        # Through a tunnel a request looks as if there were none.
        proxy = self._dialler.route(target.origin) if self._proxied and target.origin.scheme == "http" else None
        return PreparedRequest(method, target, headers=headers, proxy=proxy)

    async def send_prepared(self, request: PreparedRequest, *, body: bytes = b"", deadlines: Deadlines) -> HttpResponse:
        """Send what was prepared here, as `send` does."""
        target = request.target
        loop = asyncio.get_running_loop()
        total_due = math.inf if deadlines.total is None else loop.time() + deadlines.total
        connection = self._pool.take(target.origin)
        if connection is None:
            connection = await self._connect(target, deadlines=deadlines, total_due=total_due)
        without_body = request.without_answer_body
        exchange = Exchange(loop, deadlines, where=target.where, total_due=total_due, without_body=without_body)
        connection.start(exchange, head=request.head_for(len(body)), body=body)
        if exchange.failure is None:
            await exchange.wait()
        return _answer(exchange)

    async def close(self) -> None:
        """Close every connection, breaking off what runs, and wait until the sockets are closed; safe twice."""
        await self._pool.close()

    async def _connect(self, target: Target, *, deadlines: Deadlines, total_due: float) -> Connection:
        if self._pool.closed:
            raise HttpUnreachable("the client is closed", where=target.where)
        loop = asyncio.get_running_loop()
        connection = Connection(self._pool, target.origin, loop=loop)
        due = loop.time() + deadlines.connect
        bound = asyncio.timeout_at(min(due, total_due))
        try:
            async with bound:
                await self._dialler.open(connection, target, patience=deadlines.connect)
        except (OSError, UnicodeError) as error:
            if bound.expired():
                phase: Phase = "connect" if due <= total_due else "total"
                raise HttpTimedOut(phase=phase, after=deadlines.of(phase), where=target.where) from error
            raise HttpUnreachable(f"cannot connect: {explain_os_error(error)}", where=target.where) from error
        return connection


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
