"""A real server in this process, with one application and small limits."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import uvicorn
from starlette.types import Receive, Scope, Send

from ai_gateway.edge.protocol import GatewayProtocol
from gateway_core.kernel.units import Seconds

MOST_HEADER_BYTES = 1_000


class SmallLimits(GatewayProtocol):
    """The protocol, with limits that a test reaches at once."""

    header_timeout = Seconds(0.1)
    max_header_bytes = MOST_HEADER_BYTES


@dataclass
class Echo:
    """Answer with the path and the size of the body."""

    paths: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        self.paths.append(scope["path"])
        size, more = 0, True
        while more:
            message = await receive()
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
        content = f"{scope['path']} {size}".encode()
        headers = [(b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})


@dataclass
class Wire:
    """One connection to the server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> tuple[int, bytes]:
        """Read one answer: its status and its body."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        size = int(head.partition(b"content-length: ")[2].split(b"\r\n")[0])
        return int(head.split(b" ")[1]), await self.reader.readexactly(size)

    async def rest(self) -> bytes:
        """Read until the server closes the connection."""
        return await self.reader.read()


@dataclass
class LocalServer:
    """The server's address, and what it serves."""

    echo: Echo
    port: int

    @asynccontextmanager
    async def connected(self) -> AsyncGenerator[Wire]:
        """Open a connection, and close it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield Wire(reader, writer)
        finally:
            writer.close()
            await writer.wait_closed()


@asynccontextmanager
async def serving() -> AsyncGenerator[LocalServer]:
    """Run the server; it listens before the block begins."""
    echo = Echo()
    config = uvicorn.Config(echo, http=SmallLimits, ws="none", lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield LocalServer(echo, listener.getsockname()[1])
        finally:
            server.should_exit = True
            await task
