"""Judge the head of an answer: pure rules about framing and keep-alive."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gateway_core.http_client.exchange import Exchange
from gateway_core.http_client.limits import AnswerLimits
from gateway_core.kernel.units import Seconds

_VERSIONS = frozenset({"1.0", "1.1"})
_FRAMING = frozenset({b"content-length", b"transfer-encoding"})
_LOOKED_AT = _FRAMING | {b"content-encoding", b"keep-alive"}
_TIMEOUT = re.compile(rb"(?:^|[\s,])timeout\s*=\s*([0-9]{1,9})", re.IGNORECASE)
# We must be done with a connection before the server is; a second covers any usual way between us.
_HEAD_START = 1.0


def read_head(exchange: Exchange, *, version: str) -> str | None:
    """Note what the headers say about encoding and keep-alive; tell what makes this head unacceptable, if anything does.

    The parser has its own rules for framing; these are ours, and hold whatever a version of it lets
    pass (RFC 9112, section 6.1).
    """
    if version not in _VERSIONS:
        return f"HTTP version {version} is not spoken here"
    length: bytes | None = None
    chunked = False
    for name, value in exchange.fields:
        if name not in _LOOKED_AT:
            continue
        if name == b"content-encoding":
            exchange.encoding = value
        elif name == b"content-length":
            if length is not None:
                return "it gives its length twice"
            length = value
        elif name == b"transfer-encoding":
            if chunked or value.strip().lower() != b"chunked":
                return "the transfer encoding is not chunked"
            chunked = True
        else:
            exchange.keep_alive = value
    if chunked and (length is not None or version == "1.0"):
        return "it frames its body in two ways"
    return None


def find_excess(fields: Sequence[tuple[bytes, bytes]], *, heard: int, limits: AnswerLimits) -> str | None:
    """Tell which limit a whole head is over, if any; `heard` bytes came for it, perhaps with some of the body."""
    if len(fields) > limits.header_lines:
        return f"the answer has more than {limits.header_lines} header lines"
    if heard > limits.header_bytes and measure_head(fields) > limits.header_bytes:
        return f"the answer's headers are larger than {limits.header_bytes} bytes"
    return None


def find_overflow(status: int, *, barren: int, limits: AnswerLimits) -> str | None:
    """Tell which limit an answer that is not whole is over, if any; `barren` bytes came besides its body."""
    if barren <= (limits.framing_bytes if status else limits.header_bytes):
        return None
    if not status:
        return f"the answer's headers are larger than {limits.header_bytes} bytes"
    return f"the answer's chunk lines or trailers are larger than {limits.framing_bytes} bytes"


def measure_head(fields: Sequence[tuple[bytes, bytes]]) -> int:
    """Give the size of the header lines in bytes, without blanks that were not needed."""
    return sum(len(name) + len(value) + 4 for name, value in fields)


def ends_at_close(exchange: Exchange) -> bool:
    """Tell whether only the end of the connection ends this body (RFC 9112, section 6.3)."""
    return exchange.status != 0 and not any(name in _FRAMING for name, _ in exchange.fields)


def is_chunked(fields: Sequence[tuple[bytes, bytes]]) -> bool:
    """Tell whether a head, found acceptable, announces chunks."""
    return any(name == b"transfer-encoding" for name, _ in fields)


def bound_rest(keep_alive: bytes, *, longest: Seconds) -> Seconds:
    """Tell how long a connection may rest when the server said this in Keep-Alive; ends well before the server does.

    Source: RFC 2068, section 19.7.1.1, as servers still write it: `timeout=5, max=100`.
    """
    found = _TIMEOUT.search(keep_alive)
    if found is None:
        return longest
    told = float(found[1])
    return Seconds(min(longest, max(told - _HEAD_START, told / 2)))
