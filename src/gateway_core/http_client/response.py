"""The answer, as its reader sees it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from types import TracebackType

from typing_extensions import override

from gateway_core.http_client.decoding import BodyDecoder, BodyGarbled
from gateway_core.http_client.exchange import Exchange, Sink
from gateway_core.http_client.failures import HttpMalformed

# They would describe the bytes on the wire, not the decoded ones that we hand over.
_WIRE_ONLY = frozenset({b"content-encoding", b"content-length"})


class HttpHeaders:
    """Headers of an answer; names in lower case, looked up in any case. Never shown in a repr."""

    __slots__ = ("_fields",)

    def __init__(self, fields: list[tuple[bytes, bytes]]) -> None:
        self._fields = fields

    def get(self, name: str) -> str | None:
        """Give a header's value; several of one name are joined by a comma (RFC 9110, section 5.3)."""
        key = name.lower().encode("latin-1", "replace")
        found: bytes | None = None
        for field, value in self._fields:
            if field == key:
                found = value if found is None else b"%b, %b" % (found.strip(), value)
        return None if found is None else found.decode("latin-1").strip()

    def items(self) -> list[tuple[str, str]]:
        """List all headers in the order they came, repeated names included."""
        return [(name.decode("latin-1"), value.decode("latin-1").strip()) for name, value in self._fields]

    def raw(self) -> list[tuple[bytes, bytes]]:
        """Give all headers as they came, in their order."""
        return self._fields

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None


class HttpResponse:
    """An answer whose head is complete.

    Read the body once, by `read` or `chunks`, or `close` it. When the body was compressed, it is
    handed over decoded, and content-encoding and content-length are gone from `headers`.
    """

    __slots__ = ("_decoder", "_exchange", "headers", "status")

    def __init__(self, exchange: Exchange, *, decoder: BodyDecoder | None) -> None:
        self._exchange = exchange
        self._decoder = decoder
        self.status = exchange.status
        fields = exchange.fields
        self.headers = HttpHeaders(
            fields if decoder is None else [field for field in fields if field[0] not in _WIRE_ONLY]
        )

    def chunks(self) -> AsyncGenerator[bytes]:
        """Give the body in batches as they arrive; raises `HttpFailure` where it breaks off.

        Closing the generator early, or cancelling its reader, closes the connection.
        """
        return _Chunks(self._exchange, self._decoder)

    def at_hand(self, *, limit: int) -> bytes | None:
        """Give the whole body if it has arrived already, and is plain; None: `read` it."""
        exchange = self._exchange
        if self._decoder is not None or not exchange.ended or exchange.buffered > limit:
            return None
        return exchange.take()

    async def read(self, *, limit: int) -> bytes:
        """Give the whole body, or what `chunks` has left of it.

        A body over `limit` bytes, after decoding, is `HttpMalformed`; it is not read further.
        """
        if self._decoder is not None:
            return await self._read_decoded(limit)
        exchange = self._exchange
        exchange.want(limit)
        while not exchange.ended and exchange.failure is None and exchange.buffered <= limit:
            await exchange.wait()
        if exchange.buffered > limit:
            raise self._over(limit)
        if exchange.failure is not None:
            raise exchange.failure
        return exchange.take()

    async def next(self) -> bytes:
        """Give what has arrived since, empty at the end; raises `HttpFailure` where it breaks off.

        A body that was compressed is read by `chunks`.
        """
        exchange = self._exchange
        while not exchange.parts:
            if exchange.failure is not None:
                raise exchange.failure
            if exchange.ended:
                return b""
            await exchange.wait()
        return exchange.take()

    async def pump(self, sink: Sink, *, ready: Callable[[], Awaitable[None]]) -> None:
        """Hand the rest of the body to the sink as it arrives, without a turn of the loop in between.

        Where the sink says that it is full, the server is kept waiting until `ready` returns.
        Raises `HttpFailure` where the body breaks off. A body that was compressed is read by `chunks`.
        """
        exchange = self._exchange
        try:
            while True:
                piece = exchange.take()
                if (piece and not sink(piece)) or exchange.paused:
                    exchange.sink = None
                    await ready()
                    exchange.resume()
                    continue
                if exchange.failure is not None:
                    raise exchange.failure
                if exchange.ended:
                    return
                exchange.sink = sink
                await exchange.wait()
        finally:
            exchange.sink = None

    @property
    def is_encoded(self) -> bool:
        """Whether the body has to be decoded on its way."""
        return self._decoder is not None

    def close(self) -> None:
        """Drop what is unread: an unfinished answer closes its connection at once. Safe twice, never awaits."""
        self._exchange.close()

    async def _read_decoded(self, limit: int) -> bytes:
        pieces: list[bytes] = []
        size = 0
        async for piece in self.chunks():
            size += len(piece)
            if size > limit:
                raise self._over(limit)
            pieces.append(piece)
        return b"".join(pieces)

    def _over(self, limit: int) -> HttpMalformed:
        self.close()
        return HttpMalformed(f"the answer is larger than {limit} bytes", where=self._exchange.where)


class _Chunks(AsyncGenerator[bytes, None]):
    """The body as a generator; written out so that closing it before its first step counts as well."""

    __slots__ = ("_closed", "_decoder", "_exchange")

    def __init__(self, exchange: Exchange, decoder: BodyDecoder | None) -> None:
        self._exchange = exchange
        self._decoder = decoder
        self._closed = False

    @override
    async def __anext__(self) -> bytes:
        exchange, decoder = self._exchange, self._decoder
        while not self._closed:
            if decoder is not None and (piece := self._decode(decoder)):
                return piece
            if batch := exchange.take():
                if decoder is None:
                    return batch
                decoder.feed(batch)
            elif exchange.ended or exchange.failure is not None:
                self._end(decoder)
            else:
                await exchange.wait()
        raise StopAsyncIteration

    @override
    async def asend(self, value: None, /) -> bytes:
        return await self.__anext__()

    @override
    async def athrow(
        self,
        typ: type[BaseException] | BaseException,
        val: BaseException | object = None,
        tb: TracebackType | None = None,
        /,
    ) -> bytes:
        await self.aclose()
        raise typ

    @override
    async def aclose(self) -> None:
        self._closed = True
        self._exchange.close()

    def _decode(self, decoder: BodyDecoder) -> bytes:
        try:
            return decoder.take()
        except BodyGarbled as error:
            raise self._garbled(error) from error

    def _end(self, decoder: BodyDecoder | None) -> None:
        self._closed = True
        if self._exchange.failure is not None:
            raise self._exchange.failure
        if decoder is not None:
            try:
                decoder.finish()
            except BodyGarbled as error:
                raise self._garbled(error) from error

    def _garbled(self, error: BodyGarbled) -> HttpMalformed:
        self._closed = True
        self._exchange.close()
        return HttpMalformed(f"the body cannot be decoded: {error}", where=self._exchange.where)
