"""Write the head of a request, refusing anything that could smuggle a second one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from gateway_core.http_client.proxies import Proxy
from gateway_core.http_client.target import Target

# RFC 9110, section 5.6.2.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_BODY_EXPECTED = frozenset({"POST", "PUT", "PATCH"})
# The client frames the body itself: two opinions about its length are a request-smuggling hole.
_OURS = frozenset({"content-length", "transfer-encoding"})


class PreparedRequest:
    """A request but for its body; it may be sent any number of times. Never shown in a repr."""

    __slots__ = ("_head", "_sized", "target", "without_answer_body")

    def __init__(
        self, method: str, target: Target, *, headers: Sequence[tuple[str, str]], proxy: Proxy | None = None
    ) -> None:
        self.target = target
        self.without_answer_body = method == "HEAD"
        self._head = _render_fields(method, target, headers=headers, proxy=proxy)
        self._sized = method in _BODY_EXPECTED

    def head_for(self, length: int) -> bytes:
        """Give the head of a request whose body has so many bytes, up to and with the empty line."""
        if length or self._sized:
            return b"%bcontent-length: %d\r\n\r\n" % (self._head, length)
        return self._head + b"\r\n"


def render_request_head(
    method: str, target: Target, *, headers: Sequence[tuple[str, str]], length: int, proxy: Proxy | None = None
) -> bytes:
    """Write the request line and all headers, up to and with the empty line.

    `proxy` is one that reads this head itself: it is told the whole URL, and shown its credential.

    Raises ValueError for a method, name or value that would not stay in its line, and for framing
    headers; the message never holds a value.
    """
    return PreparedRequest(method, target, headers=headers, proxy=proxy).head_for(length)


def _render_fields(method: str, target: Target, *, headers: Sequence[tuple[str, str]], proxy: Proxy | None) -> bytes:
    names = {_parse_name(name) for name, _ in headers}
    fields = "".join([f"{name}: {value}\r\n" for name, value in headers])
    if fields.count("\n") != len(headers) or fields.count("\r") != len(headers) or "\0" in fields:
        raise ValueError("A header value holds CR, LF or NUL.")
    ours = "" if "host" in names else f"host: {target.host_header}\r\n"
    if "accept-encoding" not in names:
        ours += "accept-encoding: identity\r\n"
    path = target.path
    if proxy is not None:
        path = f"http://{target.host_header}{path}"
        ours += render_proxy_authorization(proxy)
    try:
        return f"{_parse_method(method)} {path} HTTP/1.1\r\n{ours}{fields}".encode("latin-1")
    except UnicodeEncodeError:
        # Not chained: that error carries the whole head, secrets and all.
        raise ValueError("A header value holds a character outside Latin-1.") from None


def render_connect_head(target: Target, *, proxy: Proxy) -> bytes:
    """Write the request for a tunnel to the target's origin (RFC 9110, section 9.3.6)."""
    lines = f"CONNECT {target.where} HTTP/1.1\r\nhost: {target.where}\r\n{render_proxy_authorization(proxy)}\r\n"
    return lines.encode("latin-1")


def render_proxy_authorization(proxy: Proxy) -> str:
    """Write the line that shows a proxy its credential; empty when it wants none."""
    if proxy.authorization is None:
        return ""
    return f"proxy-authorization: {proxy.authorization.reveal()}\r\n"


@lru_cache(maxsize=512)
def _parse_name(name: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"{name!r} is not a header name.")
    lower = name.lower()
    if lower in _OURS:
        raise ValueError(f"{name!r} is written by the client itself; leave it out.")
    return lower


@lru_cache(maxsize=64)
def _parse_method(method: str) -> str:
    if not _TOKEN.fullmatch(method):
        raise ValueError(f"{method!r} is not an HTTP method.")
    return method
