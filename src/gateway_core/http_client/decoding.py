"""Undo gzip and deflate, a bounded piece at a time."""

from __future__ import annotations

import zlib
from typing import Protocol

_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_ZLIB_WINDOW = zlib.MAX_WBITS
_RAW_WINDOW = -zlib.MAX_WBITS
_PIECE = 256 * 1024


class BodyGarbled(Exception):
    """The compressed body cannot be undone, or ends too early."""


class _Inflater(Protocol):
    """What `zlib.decompressobj` gives; its class has no public name."""

    @property
    def eof(self) -> bool: ...
    @property
    def unconsumed_tail(self) -> bytes: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...


class BodyDecoder:
    """Decode one body: `feed` what arrived, then `take` until it gives nothing more.

    "deflate" means zlib (RFC 9110, section 8.4.1.2), yet some servers send it bare; the first two
    bytes tell. A gzip body may be several members (RFC 1952, section 2.2).
    """

    __slots__ = ("_full", "_gzip", "_held", "_inflater", "_started")

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._held = b""
        self._inflater: _Inflater | None = None
        self._started = False
        self._full = False

    def feed(self, data: bytes) -> None:
        """Add bytes as they arrived."""
        self._held += data

    def take(self) -> bytes:
        """Give the next decoded piece, at most 256 KiB; empty when more must arrive first."""
        # A full piece can leave output inside zlib although it has swallowed all input.
        while self._held or self._full:
            inflater = self._inflater
            if inflater is None or inflater.eof:
                inflater = self._inflater = self._begin()
                if inflater is None:
                    break
            try:
                piece = inflater.decompress(self._held, _PIECE)
            except zlib.error as error:
                raise BodyGarbled(str(error)) from error
            self._held = inflater.unconsumed_tail or inflater.unused_data
            self._full = len(piece) == _PIECE and not inflater.eof
            if piece:
                return piece
        return b""

    def finish(self) -> None:
        """Say that the body has ended; an empty one is fine, a half one is `BodyGarbled`."""
        if self._held or (self._inflater is not None and not self._inflater.eof):
            raise BodyGarbled("the compressed body ends too early")

    def _begin(self) -> _Inflater | None:
        if self._gzip:
            return zlib.decompressobj(_GZIP_WINDOW)
        if self._started:
            raise BodyGarbled("bytes follow the compressed body")
        if len(self._held) < 2:
            return None
        self._started = True
        wrapped = self._held[0] & 0x0F == 8 and int.from_bytes(self._held[:2]) % 31 == 0
        return zlib.decompressobj(_ZLIB_WINDOW if wrapped else _RAW_WINDOW)


def build_decoder(encoding: str) -> BodyDecoder | None:
    """Choose the decoder for a Content-Encoding; None for identity, ValueError for one we cannot undo."""
    match encoding.strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip":
            return BodyDecoder(gzip=True)
        case "deflate":
            return BodyDecoder(gzip=False)
        case _:
            raise ValueError("the content encoding is neither gzip nor deflate")
