"""One connection of our own server without a socket: what is received, and when, is for the test to say."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from zlib import crc32

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import override
from uvicorn.server import ServerState

from ai_gateway.edge.known_heads import HEADERS, KnownHeads
from ai_gateway.edge.presence import LINE
from ai_gateway.edge.protocol import GatewayProtocol

KEEP_ALIVE = 5
_PRIVATE = (HEADERS, LINE)
_ENOUGH_ROUNDS = 12
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n")


class MemoryTransport(asyncio.Transport):
    """Keep what is written until it is closed, as a socket would; and whether anything is read."""

    def __init__(self) -> None:
        super().__init__({"peername": ("203.0.113.7", 4711), "sockname": ("127.0.0.1", 80)})
        self.written = b""
        self._reading = True
        self.ended = False
        self._closing = False

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.ended, "written behind the end"
        if not self._closing:
            self.written += bytes(data)

    @override
    def can_write_eof(self) -> bool:
        return True

    @override
    def write_eof(self) -> None:
        self.ended = True

    @override
    def close(self) -> None:
        self._closing = True

    @override
    def is_closing(self) -> bool:
        return self._closing

    def take_again(self) -> None:
        """Take what is written though it was closed."""
        self._closing = False

    @override
    def pause_reading(self) -> None:
        self._reading = False

    @override
    def resume_reading(self) -> None:
        self._reading = True

    @override
    def is_reading(self) -> bool:
        return self._reading


class Forgetful(KnownHeads):
    """Find nothing, so that every head is parsed."""

    @override
    def find(self, data: bytes) -> None:
        """Find nothing."""


class MemoryLine:
    """A connection that is open, and what the server has written to it."""

    def __init__(self, app: ASGIApp, heads: KnownHeads | None = None) -> None:
        class Own(GatewayProtocol):
            """Its heads are known to no other test."""

            known_heads = heads or KnownHeads()

        config = uvicorn.Config(
            app,
            *("127.0.0.1", 0),
            ws="none",
            lifespan="off",
            proxy_headers=False,
            log_config=None,
            access_log=False,
            timeout_keep_alive=KEEP_ALIVE,
        )
        config.load()
        self.state = ServerState()
        self.state.default_headers = [(b"server", b"ours")]
        self.protocol = Own(config, self.state, {"kept": "as it is"})
        self.transport = MemoryTransport()
        self.protocol.connection_made(self.transport)

    async def say(self, *pieces: bytes) -> None:
        """Have the server read these pieces, and do all it can about each."""
        for piece in pieces:
            self.protocol.data_received(piece)
            await settle()

    def leave(self) -> None:
        """Be gone, as a client that closes its connection."""
        self.transport.close()
        self.protocol.connection_lost(None)

    async def close(self) -> None:
        """End what is left of it: its timers and its tasks."""
        self.leave()
        await settle()

    def take(self) -> bytes:
        """Give what was written since this was asked."""
        written, self.transport.written = self.transport.written, b""
        return written


async def settle() -> None:
    """Let every task do what it can do without waiting."""
    for _ in range(_ENOUGH_ROUNDS):
        await asyncio.sleep(0)


@dataclass
class Recorder:
    """Answer with what was asked: to `/early` before its body, to `/late` once `leave` is given."""

    scopes: list[Scope] = field(default_factory=list)
    """As they were given, before they were served."""
    bodies: list[bytes] = field(default_factory=list)
    left: int = 0
    """How many clients went before their request was whole, or answered."""
    leave: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        self.scopes.append(dict(scope))
        body, more = b"", scope["path"] != "/early"
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.left += 1
                return
            body += message["body"]
            more = message["more_body"]
        self.bodies.append(body)
        if scope["path"] == "/late":
            await self.leave.wait()
        content = f"{scope['method']} {scope['path']} {len(body)} {crc32(body)}".encode()
        headers = [(b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})


def meaning(scope: Scope) -> Scope:
    """Give a scope without what is our own, and its headers in an order that says nothing."""
    shown = {name: value for name, value in scope.items() if name not in _PRIVATE}
    return {**shown, "headers": sorted(shown["headers"])}


def answers_in(written: bytes) -> list[tuple[int, bytes]]:
    """Read answers that tell their lengths: the status and the body of each."""
    found = []
    while written:
        head, _, behind = written.partition(b"\r\n\r\n")
        length = _LENGTH.search(head + b"\r\n")
        assert length is not None, written
        size = int(length[1])
        assert len(behind) >= size, written
        found.append((int(head.split(b" ")[1]), behind[:size]))
        written = behind[size:]
    return found
