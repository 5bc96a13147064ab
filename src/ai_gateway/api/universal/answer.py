"""Send an answer of the universal door, and remember how far it came."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache

from starlette.types import Send

from ai_gateway.api.universal.endpoints import Words
from ai_gateway.api.universal.refusals import Refusal
from ai_gateway.edge.access_log import Timing
from ai_gateway.edge.cycle import Cycle, cycle_of
from ai_gateway.edge.scope import Exchange
from gateway_core.kernel.errors import VendorWords

JSON = (b"content-type", b"application/json")
EVENTS = (b"content-type", b"text/event-stream; charset=utf-8")

_MODEL_HEADER = b"x-gateway-model"
_DROPPED_HEADER = b"x-gateway-dropped"
_LONGEST_HEADER = 1_000
# Whoever reads an answer in a browser may, from any page: the key is what lets them in.
_ANY_ORIGIN = (b"access-control-allow-origin", b"*")


class Answer:
    """One answer on its way; `started` tells that its status is out. `old` is a caller that speaks HTTP/1.0.

    On our own server it goes out as plain bytes, behind any other as messages of the standard.
    """

    __slots__ = ("_cycle", "_held", "_old", "_request_id", "_send", "_timing", "headers", "started")

    def __init__(self, exchange: Exchange, send: Send, timing: Timing, *, old: bool = False) -> None:
        self._send = send
        self._cycle = cycle_of(send)
        self._old = old
        self._request_id = exchange.facts.correlation_id.encode("latin-1")
        self._timing = timing
        # HTTP/1.0 knows no chunks (RFC 9112, section 6.1): its streams are sent when they are whole.
        self._held: tuple[int, Sequence[tuple[bytes, bytes]], list[bytes]] | None = None
        self.headers: list[tuple[bytes, bytes]] = [_ANY_ORIGIN] if "origin" in exchange.headers else []
        self.started = False

    @property
    def pipe(self) -> Cycle | None:
        """Where pieces of a stream can be written at once, behind a first that was sent here."""
        return self._cycle if self._held is None else None

    @property
    def can_only_be_cut(self) -> bool:
        """Whether a part is out of what takes no error event: only a cut connection can tell that it is one."""
        return self.started and not (self._timing.content_type or "").startswith("text/event-stream")

    def name_model(self, provider: str, model: str) -> None:
        """Tell which model answers."""
        self.headers.append(_model_header(provider, model))

    def name_dropped(self, features: Sequence[str]) -> None:
        """Tell what the provider could not be told."""
        if features:
            self.headers.append((_DROPPED_HEADER, _header_text(", ".join(features))))

    async def send_whole(self, status: int, body: bytes, headers: Sequence[tuple[bytes, bytes]] = (JSON,)) -> None:
        """Send all of it."""
        all_headers = self._begin(status, headers)
        cycle = self._cycle
        if cycle is not None:
            if cycle.is_full:
                await cycle.drained()
            cycle.respond(status, all_headers, body)
            return
        length = (b"content-length", str(len(body)).encode())
        await self._send({"type": "http.response.start", "status": status, "headers": [*all_headers, length]})
        await self._send({"type": "http.response.body", "body": body})

    async def start_stream(self, status: int, headers: Sequence[tuple[bytes, bytes]] = (EVENTS,)) -> None:
        """Send the head; pieces follow."""
        if self._old:
            self._held = status, headers, []
            return
        all_headers = self._begin(status, headers)
        if self._cycle is not None:
            self._cycle.begin(status, all_headers)
        else:
            await self._send({"type": "http.response.start", "status": status, "headers": all_headers})

    async def send_piece(self, piece: bytes) -> None:
        """Send a piece; waits while the client does not read."""
        if self._held is not None:
            self._held[2].append(piece)
            return
        timing = self._timing
        if timing.first_chunk is None:
            timing.first_chunk = time.perf_counter() - timing.began
        cycle = self._cycle
        if cycle is None:
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})
        elif piece:
            if cycle.is_full:
                await cycle.drained()
            cycle.write(piece)

    async def end_stream(self) -> None:
        """End a stream."""
        if self._held is not None:
            (status, headers, pieces), self._held = self._held, None
            await self.send_whole(status, b"".join(pieces), headers)
            return
        if self._cycle is not None:
            self._cycle.end()
            return
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def refuse(self, refusal: Refusal, words: Words) -> None:
        """Send an error in the caller's dialect: as the answer, or as the last event of one that has begun."""
        if self.started or self._held is not None:
            body = words.render_streamed_error(status=refusal.status, code=refusal.code, message=refusal.message)
            await self.send_piece(body)
            await self.end_stream()
            return
        headers = [JSON]
        if refusal.retry_after:
            headers.append((b"retry-after", _header_text(refusal.retry_after)))
        body = words.render_error(status=refusal.status, code=refusal.code, message=refusal.message)
        await self.send_whole(refusal.status, body, headers)

    async def pass_on(self, said: VendorWords) -> None:
        """Send a vendor's refusal as it came."""
        await self.send_whole(said.status, said.body, said.headers)

    def _begin(self, status: int, headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """Note that the answer begins; gives all of its headers."""
        timing = self._timing
        timing.response_start = time.perf_counter() - timing.began
        timing.status = status
        for name, value in headers:
            if name == b"content-type":
                timing.content_type = value.decode("latin-1")
        self.started = True
        return [*headers, *self.headers, (b"x-request-id", self._request_id)]


# Those that answer are few, and of these the operator chose the names.
@lru_cache(maxsize=512)
def _model_header(provider: str, model: str) -> tuple[bytes, bytes]:
    return _MODEL_HEADER, _header_text(f"{provider}/{model}")


def _header_text(text: str) -> bytes:
    if text.isascii() and text.isprintable():
        return text.encode()[:_LONGEST_HEADER]
    printable = "".join(char if char.isprintable() else "?" for char in " ".join(text.split()))
    return printable.encode("ascii", "replace")[:_LONGEST_HEADER]
