"""The server's HTTP protocol, with limits on the head of a request, and one reading of what comes.

The server itself waits for headers as long, and takes as many of them, as a client
likes; a few hundred slow connections would use up its memory or its sockets. And it answers
what is no request into the middle of the answer before.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from typing import ClassVar, cast
from urllib.parse import unquote

from starlette.types import Scope
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ai_gateway.edge import protocol_head
from ai_gateway.edge.cycle import Cycle
from ai_gateway.edge.known_heads import Found, KnownHeads
from ai_gateway.edge.presence import LINE
from ai_gateway.edge.protocol_head import Fault, HeadRefused, find_fault, split_target
from gateway_core.kernel.units import Seconds
from gateway_core.telemetry.logs import get_log

log = get_log("api.protocol")


_HOP_BY_HOP = frozenset({b"connection", b"http2-settings", b"upgrade"})
# A colon, a blank and the end of the line.
_AROUND_HEADER = 4
# The method, the version, and the line ends of a head: not counted by the limit, and not held against the client.
_AROUND_HEAD = 64
# A chunk of one byte has its size, and ends of lines, around it; 32 is several times that.
_AROUND_BODY_BYTE = 32
# No client of ours sends a tenth of that.
_MOST_HEADERS = 256
# A timer may come this much early.
_GRAIN = 0.002
# Closed at once, a connection with unread bytes is reset, and the client may never see why.
_LINGER = Seconds(1)


class GatewayProtocol(HttpToolsProtocol):
    """Refuse heads that are too slow (408), too large (431) or ambiguous; the limits are those of the process.

    What is refused ends its connection, and nothing behind it is read. Answers that are still due come first.
    """

    header_timeout: ClassVar[Seconds] = Seconds(10)
    max_header_bytes: ClassVar[int] = 65_536
    known_heads: ClassVar[KnownHeads] = KnownHeads()
    """Shared by the connections of this process: clients open many, and say the same on each."""

    on_lost: Callable[[], None] | None = None
    """Called once when the client is gone, by whoever serves the request in hand."""

    _in_head = True
    _begun = False
    _head_bytes = 0
    # Bytes that are no body and no complete head, so far, and those of the data in hand that are one or the other.
    _unclaimed = 0
    _claimed = 0
    # Times the closing of the connection, too, once it is refused.
    _head_timer: asyncio.TimerHandle | None = None
    _refused: Fault | None = None
    _upgrading = b""
    # What the parser reads, and what comes behind it.
    _reading: bytes | memoryview = b""
    _unread: list[bytes | memoryview]
    # What was read while nothing was in hand: a head that is complete in it can be remembered.
    _fresh = b""
    # Bytes of a body that are still to come, behind a head that was known.
    _body_due = 0
    _rested_at = 0.0
    _telling: list[tuple[bytes, bytes]]

    @classmethod
    def limit(cls, *, header_timeout: Seconds, max_header_bytes: int) -> None:
        """Set the limits of this process; the server makes the protocols itself, so they stand on the class."""
        cls.header_timeout = header_timeout
        cls.max_header_bytes = max_header_bytes

    @override
    # The server narrows the transport in the same way.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_head()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)
        self._tell_lost()

    @override
    def data_received(self, data: bytes) -> None:
        if self._refused is not None:
            return
        if self._body_due:
            data = self._take_body(data)
        elif self._is_at_rest():
            found = self.known_heads.find(data)
            if found is not None:
                data = self._serve_known(found, data)
            else:
                self._fresh = data
        if data:
            self._parse(data)

    def _is_at_rest(self) -> bool:
        """Tell whether the next byte is the first of a request, and nothing is left of the one before."""
        # The server declares it as always there; before the first request it is None.
        answered: bool = getattr(self.cycle, "response_complete", True) and not getattr(self.cycle, "more_body", False)
        return answered and not self._begun and not self._unclaimed and not self.transport.is_closing()

    def _serve_known(self, found: Found, data: bytes) -> bytes:
        """Serve the request that the data begins with; gives what is behind it."""
        self._stop_timer()
        self._in_head = False
        cycle = self._begin_cycle(found.head.scope_for(found.length), keep_alive=True)
        self._body_due = int(found.length)
        if not self._body_due:
            cycle.take_end()
        return self._take_body(data[found.end :])

    def _take_body(self, data: bytes) -> bytes:
        """Take what belongs to the body; gives what is behind it."""
        due = self._body_due
        piece, rest = (data, b"") if len(data) <= due else (data[:due], data[due:])
        if piece:
            self._body_due -= len(piece)
            # There are no others on our connections.
            cycle = cast("Cycle", self.cycle)
            cycle.take(piece)
            if not self._body_due:
                cycle.take_end()
            if self._is_silent() and not self.transport.is_closing():
                self._rest()
        return rest

    def _parse(self, data: bytes) -> None:
        self._claimed = 0
        self._unread = [data]
        while self._unread:
            self._reading = self._unread.pop(0)
            # Part of it may be a view: the parser takes either, whatever the server declares.
            super().data_received(self._reading)  # type: ignore[arg-type]
        self._reading = self._fresh = b""
        self._go_on(len(data))

    def _go_on(self, size: int) -> None:
        """See to the limits and timers after that many bytes were read."""
        if self._refused is not None:
            return
        self._rest_in_time()
        self._unclaimed = max(0, self._unclaimed + size - self._claimed)
        if self._unclaimed > self.max_header_bytes:
            self._refuse(protocol_head.TOO_LARGE if self._in_head else protocol_head.CHUNKS_TOO_LARGE)
        # Most heads come in one piece; only one that does not is worth a timer.
        elif self._in_head and self._head_timer is None and not self.transport.is_closing():
            self._expect_head()

    @override
    def on_message_begin(self) -> None:
        self._in_head = self._begun = True
        self._head_bytes = 0
        self._telling = []
        super().on_message_begin()

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            # Behind the body: whoever serves the request may have read its headers already, or not.
            return
        name = name.lower()
        self.headers.append((name, value))
        self._head_bytes += len(name) + len(value) + _AROUND_HEADER
        if name in protocol_head.TELLING:
            self._telling.append((name, value))
            # No other expectation passes.
            self.expect_100_continue = self.expect_100_continue or name == b"expect"
        if len(self.headers) > _MOST_HEADERS:
            raise HeadRefused(protocol_head.TOO_MANY)

    @override
    def on_headers_complete(self) -> None:
        size = len(self.url) + self._head_bytes
        if size > self.max_header_bytes:
            raise HeadRefused(protocol_head.TOO_LARGE)
        method, version = self.parser.get_method(), self.parser.get_http_version()
        if method == b"CONNECT":
            raise HeadRefused(protocol_head.TUNNEL)
        fault = find_fault(version, method=method, target=self.url, telling=self._telling)
        if fault is not None:
            raise HeadRefused(fault)
        if self.parser.should_upgrade():
            # It comes once more without the wish to upgrade.
            self._upgrading = method
            return
        self._in_head = self._begun = False
        self._stop_timer()
        self._claimed += size + _AROUND_HEAD
        scope = self._complete_scope(method, version)
        keep_alive = version != "1.0" and self.parser.should_keep_alive()
        if self._fresh and keep_alive and method == b"POST":
            self.known_heads.learn(self._fresh, scope)
        self._fresh = b""
        # A client of HTTP/1.0 does not know the answer to it.
        waits = self.expect_100_continue and version == "1.1"
        self._begin_cycle(scope, keep_alive=keep_alive, waits_for_100=waits)

    def _complete_scope(self, method: bytes, version: str) -> Scope:
        """Say what the request line said."""
        raw_path, query = split_target(self.url)
        path = raw_path.decode("ascii")
        # The server's type of a scope has no place for what is not said yet, nor for what is our own.
        scope = cast("Scope", self.scope)
        scope["method"] = method.decode("ascii")
        scope["http_version"] = version
        scope["path"] = self.root_path + (unquote(path) if "%" in path else path)
        scope["raw_path"] = self.root_path.encode("ascii") + raw_path
        scope["query_string"] = query
        return scope

    def _begin_cycle(self, scope: Scope, *, keep_alive: bool, waits_for_100: bool = False) -> Cycle:
        """Have a request served, behind those that came before it."""
        scope["server"], scope["client"], scope["scheme"] = self.server, self.client, self.scheme
        scope["state"] = self.app_state.copy()
        # Whoever serves the request may ask to be told when the client leaves.
        scope[LINE] = self
        # As above: it may be None.
        is_free: bool = getattr(self.cycle, "response_complete", True)
        self.cycle = cycle = Cycle(self, scope, keep_alive=keep_alive, waits_for_100=waits_for_100)
        if is_free:
            self._start_asgi_task(cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))
        return cycle

    @override
    def on_body(self, body: bytes) -> None:
        self._claimed += len(body) * (1 + _AROUND_BODY_BYTE)
        # There are no others on our connections.
        cast("Cycle", self.cycle).take(body)

    @override
    def on_message_complete(self) -> None:
        if not self._upgrading:
            super().on_message_complete()

    @override
    def on_response_complete(self) -> None:
        is_last = not self.pipeline
        if self.flow.read_paused and self._head_timer is not None:
            # Nothing was read meanwhile, so a head that has begun has its time before it.
            self._stop_timer()
            self._expect_head()
        self.server_state.total_requests += 1
        if not self.transport.is_closing():
            self.flow.resume_reading()
            if self.pipeline:
                self._start_asgi_task(*self.pipeline.pop())
            else:
                self._rest()
        if is_last and self._refused is not None and not self.transport.is_closing():
            self._say(self._refused)

    @override
    def _should_upgrade(self) -> bool:
        return False

    @override
    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser, or one of ours whom it asked, has refused. Called while its exception is handled."""
        del msg
        cause = getattr(sys.exc_info()[1], "__context__", None)
        self._refuse(cause.fault if isinstance(cause, HeadRefused) else protocol_head.NOT_HTTP)

    @override
    def _unsupported_upgrade_warning(self) -> None:
        """Serve a request that asks for another protocol as if it had not asked (RFC 9110, section 7.8).

        The parser takes what follows such a head for the other protocol, and the server would
        take it for the next request: a body could smuggle one in. So the head is read again
        without the wish, and then what followed it. Called while the parser's exception is handled.
        """
        upgrade = sys.exc_info()[1]
        behind = upgrade.args[0] if upgrade else 0
        # A view: one piece may hold thousands of such heads, and each copy of the rest would be as long as all of it.
        self._unread = [self._head_without_upgrade(), memoryview(self._reading)[behind:]]
        self.parser = type(self.parser)(self)

    def _head_without_upgrade(self) -> bytes:
        method, self._upgrading = self._upgrading, b""
        head = b"%b %b HTTP/%b\r\n" % (method, self.url, self.parser.get_http_version().encode())
        kept = [pair for pair in self.headers if pair[0] not in _HOP_BY_HOP]
        closing = any(name == b"connection" and b"close" in value.lower() for name, value in self.headers)
        lines = [b"%b: %b\r\n" % pair for pair in kept] + [b"connection: close\r\n"] * closing
        return head + b"".join(lines) + b"\r\n"

    def _rest_in_time(self) -> None:
        """Close what stays silent behind a whole answer; the server forgets to when it dropped some bytes there."""
        # The server declares it as always there; before the first request it is None.
        if self.timeout_keep_alive_task is None and self._is_silent() and not self.transport.is_closing():
            self._rest()

    def _is_silent(self) -> bool:
        """Tell whether all that was asked is answered, and nothing is being asked."""
        # As above: it may be None.
        answered: bool = getattr(self.cycle, "response_complete", False)
        return answered and not self._begun and not self.pipeline

    def _rest(self) -> None:
        """Begin to wait for the next request; a timer that runs already looks at when this was."""
        self._rested_at = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    @override
    def timeout_keep_alive_handler(self) -> None:
        self.timeout_keep_alive_task = None
        if not self._is_silent():
            # Whoever answers the request in hand sets it again.
            return
        due = self._rested_at + self.timeout_keep_alive
        if due - self.loop.time() > _GRAIN:
            self.timeout_keep_alive_task = self.loop.call_at(due, self.timeout_keep_alive_handler)
        else:
            super().timeout_keep_alive_handler()

    def _expect_head(self) -> None:
        self._head_timer = self.loop.call_later(self.header_timeout, self._head_is_late)

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self.flow.read_paused:
            # It is we who do not read.
            self._expect_head()
        elif not self._begun:
            # Nothing was asked, so there is nothing to answer.
            self.transport.close()
        elif not self.transport.is_closing():
            self._refuse(protocol_head.TOO_SLOW)

    def _refuse(self, fault: Fault) -> None:
        """Read nothing more, and say why: at once, or behind the answers that are still due."""
        self._refused = fault
        self._unread = []
        self._stop_timer()
        ip, port = self.client or ("", 0)
        log.warning("head_refused", status_code=fault.status, client_ip=ip, client_port=port, cause=fault.detail)
        # As above: it may be None.
        in_body: bool = not self._in_head and getattr(self.cycle, "more_body", False)
        if in_body and self.pipeline:
            # Nobody serves it yet, and nobody will.
            self.pipeline.popleft()
        elif in_body and self.cycle.response_started:
            # A client that has its answer would take another one for that of its next request.
            self.transport.close()
        elif in_body:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            self._tell_lost()
            self._say(fault)
        elif not self.pipeline and getattr(self.cycle, "response_complete", True):
            self._say(fault)

    def _say(self, fault: Fault) -> None:
        """Answer with a refusal, and close as soon as the client had a chance to read it."""
        self._unset_keepalive_if_required()
        body = json.dumps({"detail": fault.detail}).encode()
        head = b"HTTP/1.1 %d %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        self.transport.write(head % (fault.status, fault.reason.encode(), len(body)) + body)
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self._head_timer = self.loop.call_later(_LINGER, self.transport.close)
        else:
            self.transport.close()

    def _tell_lost(self) -> None:
        told, self.on_lost = self.on_lost, None
        if told is not None:
            told()

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
