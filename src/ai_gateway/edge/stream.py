"""An answer that is sent as it comes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

from ai_gateway.edge.disconnect import ClientLeft, WhileConnected
from ai_gateway.edge.scope import exchange_of
from gateway_core.kernel.units import Seconds

EVENT_STREAM = "text/event-stream; charset=utf-8"
PING = b": ping\r\n\r\n"


@dataclass(frozen=True, slots=True)
class StreamAnswer:
    """Send pieces as they come; what makes them is closed when the client leaves.

    `heartbeat`: after how many seconds of silence a comment is sent, on streams of
    server-sent events; None sends none. A failure after the first piece cuts the
    connection, so that no client takes half an answer for a whole one.
    """

    pieces: AsyncGenerator[bytes]
    headers: Sequence[tuple[bytes, bytes]] = ()
    heartbeat: Seconds | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as an ASGI application."""
        headers = [(b"content-type", EVENT_STREAM.encode()), *self.headers]

        async def ping() -> None:
            await send({"type": "http.response.body", "body": PING, "more_body": True})

        async with aclosing(self.pieces) as pieces:
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
