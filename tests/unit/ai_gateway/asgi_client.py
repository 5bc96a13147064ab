"""The server's side of one request: ASGI messages in and out, without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ai_gateway.edge.scope import begin_exchange


class FakeConnection:
    """Hand out the pieces of a body, then wait until the client leaves; keeps what was sent."""

    def __init__(self, *pieces: bytes) -> None:
        self.sent: list[Message] = []
        # What the access line would hold; for tests that look there.
        self.access: dict[str, object] = {}
        self._left = asyncio.Event()
        self._pieces = list(pieces) or [b""]

    def leave(self) -> None:
        """Close the connection from the client's side."""
        self._left.set()

    async def receive(self) -> Message:
        """Give the next message."""
        if self._pieces:
            piece = self._pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(self._pieces)}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Take a message."""
        self.sent.append(message)

    @property
    def status(self) -> int:
        """The status of the answer."""
        status: int = self.sent[0]["status"]
        return status

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the answer."""
        return {name.decode(): value.decode("latin-1") for name, value in self.sent[0].get("headers", ())}

    @property
    def body(self) -> bytes:
        """The body of the answer, as far as it was sent."""
        return b"".join(message.get("body", b"") for message in self.sent[1:])

    @property
    def is_whole(self) -> bool:
        """Whether the last piece was sent."""
        return bool(self.sent) and not self.sent[-1].get("more_body", self.sent[-1]["type"] != "http.response.body")


@dataclass
class Inner:
    """An application that answers 200 and remembers what reached it."""

    scopes: list[Scope] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or anything else."""
        self.scopes.append(scope)
        if scope["type"] != "http":
            return
        message = await receive()
        self.bodies.append(message.get("body", b""))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"inner"})

    @property
    def scope(self) -> Scope:
        """What reached it last."""
        return self.scopes[-1]


def http_scope(path: str = "/v1/x", *, method: str = "POST", headers: Mapping[str, str] | None = None) -> Scope:
    """Make a request as the server hands it over, with its exchange begun."""
    scope = bare_scope(path, method=method, headers=headers)
    begin_exchange(scope)
    return scope


def bare_scope(path: str = "/v1/x", *, method: str = "POST", headers: Mapping[str, str] | None = None) -> Scope:
    """Make a request as the server hands it over."""
    pairs = [(name.encode(), value.encode("latin-1")) for name, value in (headers or {}).items()]
    return {
        "type": "http",
        "http_version": "1.1",
        "scheme": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": pairs,
        "client": ("127.0.0.1", 4711),
        "server": ("127.0.0.1", 5052),
    }


async def call(app: ASGIApp, scope: Scope, *pieces: bytes) -> FakeConnection:
    """Serve one request to its end."""
    connection = FakeConnection(*pieces)
    await app(scope, connection.receive, connection.send)
    return connection
