"""12 · Read the whole body once, decoded and within the limit.

Every endpoint of GitLab's API takes one JSON body, so it is read here and left on
the exchange; for whoever further in asks for it as a stream, it is played again.
"""

from __future__ import annotations

import asyncio
import zlib
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ai_gateway.edge.disconnect import ClientLeft
from ai_gateway.edge.scope import Exchange, exchange_of
from gateway_core.kernel.errors import BodyTooLarge, BodyTooSlow, EncodingUnsupported, RequestInvalid
from gateway_core.kernel.units import Seconds

_SLICE = 16 * 1024
_MOST_INFLATED = 1024 * 1024


@dataclass(frozen=True, slots=True)
class BodyReader:
    """Read a body; `limit` is in bytes, after decoding, and `patience` is for all of it."""

    limit: int
    patience: Seconds

    async def read(self, exchange: Exchange, receive: Receive) -> bytes:
        """Give the whole body; raises BodyTooLarge, BodyTooSlow, EncodingUnsupported, RequestInvalid, ClientLeft."""
        declared = exchange.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self.limit:
            raise BodyTooLarge(limit=self.limit)
        message = await receive()
        if not message.get("more_body") and message["type"] == "http.request":
            body: bytes = message.get("body", b"")
            if len(body) > self.limit:
                raise BodyTooLarge(limit=self.limit)
        else:
            body = await self._read_on(message, receive)
        encoding = exchange.headers.get("content-encoding")
        return body if encoding is None else await _decode(body, encoding, self.limit)

    async def _read_on(self, message: Message, receive: Receive) -> bytes:
        try:
            async with asyncio.timeout(self.patience):
                return await _read_on(message, receive, self.limit)
        except TimeoutError as error:
            raise BodyTooSlow(patience=self.patience) from error


@dataclass(frozen=True, slots=True)
class RequestBody:
    """Read the body once, for everybody further in."""

    app: ASGIApp
    reader: BodyReader

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; raises what the reader raises to the error handlers."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self.app(scope, receive, send)
            return
        exchange = exchange_of(scope)
        exchange.body = await self.reader.read(exchange, receive)
        await self.app(scope, _Replay(exchange.body, receive), send)


async def _read_on(message: Message, receive: Receive, limit: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise ClientLeft
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > limit:
            raise BodyTooLarge(limit=limit)
        if not message.get("more_body"):
            return b"".join(pieces)
        message = await receive()


async def _decode(body: bytes, encoding: str, limit: int) -> bytes:
    """Undo the encoding piece by piece: what would be too large is refused early, and others get their turn."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise EncodingUnsupported(encoding)
    # 47: gzip or zlib, told apart by their first bytes.
    inflater = zlib.decompressobj(wbits=47)
    pieces: list[bytes] = []
    size = at = 0
    piece = b""
    try:
        # A piece of full length may have more behind it, whether input is left or not.
        while not inflater.eof and (at < len(body) or len(piece) == _MOST_INFLATED):
            more = len(piece) == _MOST_INFLATED
            data = inflater.unconsumed_tail if more else body[at : at + _SLICE]
            at += 0 if more else _SLICE
            piece = inflater.decompress(data, _MOST_INFLATED)
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                raise BodyTooLarge(limit=limit)
            if len(piece) == _MOST_INFLATED:
                await asyncio.sleep(0)
    except zlib.error as error:
        raise RequestInvalid(f"The body is not valid {encoding}: {error}.") from error
    if not inflater.eof:
        raise RequestInvalid(f"The body ends in the middle of its {encoding} data.")
    if inflater.unused_data or at < len(body):
        raise RequestInvalid(f"There is more behind the end of the body's {encoding} data; send one piece.")
    return b"".join(pieces)


class _Replay:
    """Give the body once more, then whatever the server says next."""

    __slots__ = ("_body", "_receive")

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        body, self._body = self._body, None
        if body is not None:
            return {"type": "http.request", "body": body, "more_body": False}
        return await self._receive()
