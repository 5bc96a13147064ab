"""An answer that is sent as it comes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from starlette.types import Receive, Scope, Send

from ai_gateway.edge.disconnect import ClientLeft, WhileConnected
from ai_gateway.edge.scope import exchange_of
from gateway_core.kernel.units import Seconds

EVENT_STREAM = "text/event-stream; charset=utf-8"
PING = b": ping\r\n\r\n"


class Closing(Protocol):
    """What can be closed."""

    async def aclose(self) -> None:
        """Close it; safe twice."""
        ...


@dataclass(frozen=True, slots=True)
class StreamAnswer:
    """Send pieces as they come; what makes them is closed when the client leaves.

    `heartbeat`: after how many seconds of silence a comment is sent, on streams of
    server-sent events; None sends none. `source` is what the pieces are made of: it is closed
    even if the first piece was never asked for. A failure after the first piece cuts the
    connection, so that no client takes half an answer for a whole one.
    """

    pieces: AsyncGenerator[bytes]
    headers: Sequence[tuple[bytes, bytes]] = ()
    heartbeat: Seconds | None = None
    source: Closing | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as an ASGI application."""
        headers = [(b"content-type", EVENT_STREAM.encode()), *self.headers]

        async def ping() -> None:
            await send({"type": "http.response.body", "body": PING, "more_body": True})

        async with aclosing(self.source or self.pieces), aclosing(self.pieces) as pieces:
            if scope.get("http_version") == "1.0":
                await _send_whole(pieces, send, headers=headers)
                return
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            beat = ping if self.heartbeat is not None else None
            try:
                async with WhileConnected(receive, beat=beat, silence=self.heartbeat or Seconds(0)) as connected:
                    async for piece in pieces:
                        await send({"type": "http.response.body", "body": piece, "more_body": True})
                        connected.active()
            except ClientLeft:
                exchange_of(scope).facts.access["client_left"] = True
                return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _send_whole(pieces: AsyncGenerator[bytes], send: Send, *, headers: Sequence[tuple[bytes, bytes]]) -> None:
    """Answer HTTP/1.0, which knows no chunks (RFC 9112, section 6.1)."""
    body = b"".join([piece async for piece in pieces])
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})
