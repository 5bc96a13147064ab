"""What the head of a request may not say: whatever two readers could read in two ways, and what we do not speak.

The parser refuses most of what hides a second request in a first (a length beside chunks, two lengths, bare line
feeds, folded lines). Here is what it lets through, because it may be meant for somebody else.

Source: RFC 9112, sections 2.3, 3.2 and 6.1; RFC 9110, sections 7.2 and 10.1.1.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

Fields = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why nothing of a request is served; `detail` is told to the client and holds nothing that it sent."""

    status: int
    reason: str
    detail: str


class HeadRefused(Exception):
    """Stop the parser: nothing behind this head is read."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.detail)
        self.fault = fault


def _bad(detail: str) -> Fault:
    return Fault(400, "Bad Request", detail)


NOT_HTTP = _bad("This is not a valid HTTP request.")
TUNNEL = _bad("This method is not served here.")
CHUNKS_TOO_LARGE = _bad("There is too much around the chunks of the body.")
TOO_SLOW = Fault(408, "Request Timeout", "The request headers did not arrive in time.")
TOO_LARGE = Fault(431, "Request Header Fields Too Large", "The request headers are too large.")
TOO_MANY = Fault(431, "Request Header Fields Too Large", "There are too many request headers.")
_VERSION = Fault(505, "HTTP Version Not Supported", "Speak HTTP/1.1 or HTTP/1.0.")
_METHOD = Fault(501, "Not Implemented", "This method is not served here.")
_CODING = Fault(501, "Not Implemented", "The only transfer coding that is read here is chunked.")
_EXPECTATION = Fault(417, "Expectation Failed", "The only expectation that is met here is 100-continue.")
_TARGET = _bad("The request target is none that a server takes.")
_HOSTS = _bad("Send one Host header.")
_NO_HOST = "The Host header is not a host with or without a port."
_HOST = _bad(_NO_HOST)
# Written before a path, such a Host could read as the address of one that needs no credential. GitLab's clients are
# promised that it then counts for nothing: whoever sends it has shown none (HTTP specification, case 26).
_PATH_AS_HOST = Fault(401, "Unauthorized", _NO_HOST)
_OTHER_HOST = _bad("The request target names another host than the Host header.")
_OLD_CHUNKS = _bad("HTTP/1.0 has no transfer codings.")

TELLING = frozenset({b"host", b"transfer-encoding", b"expect"})
"""Headers, in lower case, that `find_fault` looks at."""

# The parser knows three dozen: those of calendars, of version control and of other protocols than HTTP too.
_METHODS = frozenset(b"GET HEAD POST PUT PATCH DELETE OPTIONS TRACE".split())
_HOST_AND_PORT = re.compile(
    rb"(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?\.?|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?", re.IGNORECASE
)
_ABSOLUTE = re.compile(rb"(https?)://([^/?#]+)/.*", re.IGNORECASE | re.DOTALL)
_DEFAULT_PORTS = {b"http": b":80", b"https": b":443"}
_HIGHEST_PORT = 65_535
_PATH_IN_HOST = re.compile(rb"[/?#]")
_PROMISED = frozenset({b"/v2/completions", b"/ai/v2/completions"})


def find_fault(version: str, *, method: bytes, target: bytes, telling: Fields) -> Fault | None:
    """Tell why a head is refused; `telling` are its headers that are TELLING, in their order."""
    if version not in ("1.1", "1.0"):
        return _VERSION
    if method not in _METHODS:
        return _METHOD
    hosts = [value for name, value in telling if name == b"host"]
    if len(hosts) < len(telling):
        fault = _in_framing(telling, old=version == "1.0")
        if fault is not None:
            return fault
    fault = _in_hosts(hosts, old=version == "1.0")
    if fault is _HOST and _PATH_IN_HOST.search(hosts[0]) and target.partition(b"?")[0] in _PROMISED:
        return _PATH_AS_HOST
    return fault or _in_target(target, method=method, hosts=hosts)


def split_target(target: bytes) -> tuple[bytes, bytes]:
    """Give the path and the query of a target in which no fault was found."""
    if not target.startswith(b"/"):
        absolute = _ABSOLUTE.fullmatch(target)
        target = target if absolute is None else target[absolute.end(2) :]
    path, _, query = target.partition(b"?")
    return path, query


def _in_framing(telling: Fields, *, old: bool) -> Fault | None:
    for name, value in telling:
        wanted = value.strip(b" \t").lower()
        if name == b"transfer-encoding" and old:
            return _OLD_CHUNKS
        if name == b"transfer-encoding" and wanted != b"chunked":
            return _CODING
        if name == b"expect" and wanted != b"100-continue":
            return _EXPECTATION
    return None


def _in_hosts(hosts: Sequence[bytes], *, old: bool) -> Fault | None:
    if len(hosts) != 1:
        return None if old and not hosts else _HOSTS
    [host] = hosts
    return None if not host or _is_host(host) else _HOST


def _in_target(target: bytes, *, method: bytes, hosts: Sequence[bytes]) -> Fault | None:
    if b"#" in target:
        return _TARGET
    if target.startswith(b"/") or (target == b"*" and method == b"OPTIONS"):
        return None
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None or not _is_host(absolute[2]):
        return _TARGET
    port = _DEFAULT_PORTS[absolute[1].lower()]
    named = absolute[2].lower().removesuffix(port)
    return None if all(host.lower().removesuffix(port) == named for host in hosts) else _OTHER_HOST


# Callers name a handful of hosts; strangers may name any number.
@lru_cache(maxsize=256)
def _is_host(value: bytes) -> bool:
    match = _HOST_AND_PORT.fullmatch(value)
    return match is not None and int(match[1] or 0) <= _HIGHEST_PORT
