"""A vendor's answer, passed on without a look at it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

from gateway_core.http_client import HttpFailure, HttpResponse
from gateway_core.kernel.errors import UpstreamFailure

Translate = Callable[[HttpFailure, str], UpstreamFailure]


class HttpRawAnswer:
    """One answer of the HTTP client; `translate` names what goes wrong on the way to the model."""

    __slots__ = ("_chunks", "_model", "_response", "_translate", "headers", "status")

    def __init__(self, response: HttpResponse, *, translate: Translate, model: str) -> None:
        self._response = response
        self._translate = translate
        self._model = model
        self._chunks: AsyncGenerator[bytes] | None = None
        self.status: int = response.status
        self.headers: Sequence[tuple[bytes, bytes]] = response.headers.raw()

    async def next(self) -> bytes:
        """Give what has arrived; empty at the end."""
        try:
            if not self._response.is_encoded:
                return await self._response.next()
            if self._chunks is None:
                self._chunks = self._response.chunks()
            return await anext(self._chunks, b"")
        except HttpFailure as failure:
            raise self._translate(failure, self._model) from failure

    async def pump(self, sink: Callable[[bytes], bool], *, ready: Callable[[], Awaitable[None]]) -> None:
        """Hand what is left to the sink as it arrives; while that is full, `ready` is awaited."""
        if self._response.is_encoded:
            while piece := await self.next():
                if not sink(piece):
                    await ready()
            return
        try:
            await self._response.pump(sink, ready=ready)
        except HttpFailure as failure:
            raise self._translate(failure, self._model) from failure

    async def read(self, *, limit: int) -> bytes:
        """Give the whole body."""
        whole = self._response.at_hand(limit=limit)
        if whole is not None:
            return whole
        try:
            return await self._response.read(limit=limit)
        except HttpFailure as failure:
            raise self._translate(failure, self._model) from failure

    def close(self) -> None:
        """End the call."""
        self._response.close()
