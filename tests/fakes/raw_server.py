"""A TCP server on loopback that says exactly the bytes that a test's script says, when it says them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

_TLS = Path(__file__).parent / "tls"
CERTIFICATE = _TLS / "loopback_cert.pem"
# Only a test that hangs ever waits this long.
_PATIENCE_S = 20


class ClientGone(Exception):
    """The client closed where the script expected more of it; that ends the script, not the test."""


@dataclass(frozen=True)
class SeenRequest:
    """One request as it came; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Peer:
    """One accepted connection, as a script sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, server: RawServer) -> None:
        self._reader = reader
        self._writer = writer
        self._server = server
        self.number = server.connections

    @property
    def tls_protocol(self) -> str | None:
        """The application protocol that both sides agreed on; None without TLS."""
        tls: ssl.SSLObject | None = self._writer.get_extra_info("ssl_object")
        return None if tls is None else tls.selected_alpn_protocol()

    async def request(self) -> SeenRequest:
        """Read one whole request."""
        method, path, headers = await self.request_head()
        body = await self._read_exactly(int(headers.get("content-length", "0")))
        seen = SeenRequest(method, path, headers, body)
        self._server.requests.append(seen)
        return seen

    async def request_head(self) -> tuple[str, str, dict[str, str]]:
        """Read a request up to its empty line and leave its body where it is."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                raw = await self._reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise ClientGone from error
        first, *lines = raw.decode("latin-1")[:-4].split("\r\n")
        method, path, _ = first.split(" ")
        pairs = (line.split(": ", 1) for line in lines)
        return method, path, {name.lower(): value for name, value in pairs}

    def send(self, data: bytes) -> None:
        """Say these bytes, in a packet of their own where the system lets us."""
        self._writer.write(data)

    async def send_all(self, data: bytes) -> None:
        """Say these bytes and wait until the client has room for more."""
        self._writer.write(data)
        try:
            await self._writer.drain()
        except ConnectionError as error:
            raise ClientGone from error

    def end(self) -> None:
        """Say that no more will come."""
        self._writer.close()

    def drop(self) -> None:
        """Close the socket at once; under TLS without the goodbye."""
        self._writer.transport.abort()

    async def gone(self) -> None:
        """Wait until the client has closed; what it still sends is dropped."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while await self._reader.read(65536):
                    pass
        except ConnectionError:
            return

    async def _read_exactly(self, size: int) -> bytes:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await self._reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise ClientGone from error


Script = Callable[[Peer], Awaitable[None]]


class RawServer:
    """Run one script for each connection; `tasks` are those that do so."""

    def __init__(self, script: Script, *, scheme: str) -> None:
        self._script = script
        self._scheme = scheme
        self._faults: list[Exception] = []
        self.tasks: set[asyncio.Task[None]] = set()
        self.connections = 0
        self.requests: list[SeenRequest] = []
        self.port = 0

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return f"{self._scheme}://127.0.0.1:{self.port}"

    async def start(self, context: ssl.SSLContext | None) -> asyncio.Server:
        """Listen on a free port."""
        listener = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=context)
        self.port = int(listener.sockets[0].getsockname()[1])
        return listener

    async def stop(self, listener: asyncio.Server) -> None:
        """Stop listening, end the scripts that still run, and raise what went wrong in one."""
        listener.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        if self._faults:
            raise self._faults[0]

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self.tasks.add(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._script(Peer(reader, writer, server=self))
            writer.close()
        except ClientGone:
            writer.transport.abort()
        except asyncio.CancelledError:
            writer.transport.abort()
            raise
        # The boundary of the script: whatever it raises must fail the test, not vanish in a task.
        except Exception as error:  # noqa: BLE001
            writer.transport.abort()
            self._faults.append(error)


@asynccontextmanager
async def serve(script: Script, *, tls: bool = False) -> AsyncGenerator[RawServer]:
    """Run a server while the block is open."""
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE, _TLS / "loopback_key.pem")
        context.set_alpn_protocols(["h2", "http/1.1"])
    server = RawServer(script, scheme="https" if tls else "http")
    listener = await server.start(context)
    try:
        yield server
    finally:
        await server.stop(listener)


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop turn until something has happened that has no event of its own."""
    for _ in range(200_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("what the test waits for did not happen")


def reply(body: bytes = b"", *, status: str = "200 OK", headers: tuple[str, ...] = ()) -> bytes:
    """Write an answer of known length."""
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def always(answer: bytes) -> Script:
    """Script: give every request the same answer, over one connection."""

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            peer.send(answer)

    return script


def once(*pieces: bytes) -> Script:
    """Script: answer one request with these pieces, then close."""

    async def script(peer: Peer) -> None:
        await peer.request()
        for piece in pieces:
            peer.send(piece)

    return script
