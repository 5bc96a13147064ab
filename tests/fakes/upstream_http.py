"""HTTP/1.1 requests off a socket, by hand, so that nothing between the test and the bytes is polite."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

HEAD_LIMIT = 256 * 1024
BODY_LIMIT = 64 * 1024 * 1024


class RequestMalformed(Exception):
    """The client did not speak HTTP/1.1."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request as it came; header names lower-cased, in order."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def asks_to_close(self) -> bool:
        """Tell whether the client wants the connection closed after the answer."""
        return any(name == "connection" and "close" in value.lower() for name, value in self.headers)


class HttpPeer:
    """A client's side of one connection; bytes that came early are kept for the next request."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._kept = b""

    async def next_request(self) -> HttpRequest | None:
        """Read one request; None when the client left before it was whole."""
        head = await self._until(b"\r\n\r\n")
        if head is None:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        words = first.split(" ")
        if len(words) != 3 or words[2] not in {"HTTP/1.1", "HTTP/1.0"}:
            raise RequestMalformed(f"request line {first!r}")
        pairs = (line.partition(":") for line in lines)
        headers = tuple((name.strip().lower(), value.strip()) for name, _, value in pairs)
        named = dict(headers)
        if named.get("expect", "").lower() == "100-continue":
            self._writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        chunked = "chunked" in named.get("transfer-encoding", "").lower()
        body = await self._chunked() if chunked else await self._exactly(int(named.get("content-length", "0")))
        return None if body is None else HttpRequest(words[0], words[1], headers, body)

    async def left(self) -> None:
        """Wait until the client closes or resets; what it sends meanwhile is kept."""
        while await self._more():
            if len(self._kept) > BODY_LIMIT:
                raise RequestMalformed("more was sent ahead than any request may hold")

    async def _more(self) -> bool:
        try:
            data = await self._reader.read(65536)
        except ConnectionError:
            return False
        self._kept += data
        return bool(data)

    async def _until(self, mark: bytes) -> bytes | None:
        while (end := self._kept.find(mark)) < 0:
            if len(self._kept) > HEAD_LIMIT:
                raise RequestMalformed(f"no {mark!r} in {HEAD_LIMIT} bytes")
            if not await self._more():
                return None
        found, self._kept = self._kept[:end], self._kept[end + len(mark) :]
        return found

    async def _exactly(self, size: int) -> bytes | None:
        if size > BODY_LIMIT:
            raise RequestMalformed(f"a body of {size} bytes")
        parts = [self._kept]
        have = len(self._kept)
        self._kept = b""
        while have < size:
            if not await self._more():
                return None
            parts.append(self._kept)
            have += len(self._kept)
            self._kept = b""
        joined = b"".join(parts)
        self._kept = joined[size:]
        return joined[:size]

    async def _chunked(self) -> bytes | None:
        body = b""
        while len(body) <= BODY_LIMIT:
            line = await self._until(b"\r\n")
            if line is None:
                return None
            size = int(line.split(b";")[0], 16)
            data = await self._exactly(size + 2)
            if data is None:
                return None
            if size == 0:
                return body
            body += data[:size]
        raise RequestMalformed(f"a chunked body over {BODY_LIMIT} bytes")
