"""6 · One line for every request, also for those that were refused or crashed."""

from __future__ import annotations

import asyncio
import math
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ai_gateway.edge.scope import Exchange, exchange_of
from gateway_core.kernel.errors import GatewayFailure
from gateway_core.telemetry.context import use_facts
from gateway_core.telemetry.logs import LineStart, flush_lines, log_line
from gateway_core.telemetry.stamps import Stamper

_stamps = Stamper("+00:00")
_CPU_GRAIN_S = 0.0005


class _CpuClock:
    """The CPU time of this thread, as it was half a millisecond ago at most: each look is a call into the kernel."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._next_look = 0.0

    def seconds(self, now: float) -> float:
        """Tell it; `now` is that of the performance counter."""
        if now >= self._next_look:
            self._next_look = now + _CPU_GRAIN_S
            self._seconds = time.thread_time()
        return self._seconds


_cpu = _CpuClock()


@dataclass(slots=True)
class Timing:
    """When things happened to one request; durations are in seconds, `began_at` in those of Unix."""

    began: float
    began_cpu: float
    began_at: float
    arrived: str
    status: int = 500
    content_type: str = "unknown"
    response_start: float | None = None
    first_chunk: float | None = None
    took: float = 0.0
    took_cpu: float = 0.0


@dataclass(frozen=True, slots=True)
class AccessLog:
    """Write the access line when the answer is done."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = exchange_of(scope)
        timing = start_timing()

        async def watch(message: Message) -> None:
            if timing.response_start is None:
                _note_start(timing, message)
            elif timing.first_chunk is None and message.get("body"):
                timing.first_chunk = time.perf_counter() - timing.began
            await send(message)

        try:
            await self.app(scope, receive, watch)
        # Noted and raised again: whatever it was, it belongs on the line.
        except BaseException as error:
            note_exception(exchange, error)
            raise
        finally:
            write_access_line(scope, exchange, timing)


def _note_start(timing: Timing, message: Message) -> None:
    timing.response_start = time.perf_counter() - timing.began
    timing.status = message["status"]
    for name, value in message.get("headers", ()):
        if name == b"content-type":
            timing.content_type = value.decode("latin-1")


def start_timing() -> Timing:
    """Begin to time a request."""
    now = time.perf_counter()
    return Timing(now, _cpu.seconds(now), time.time(), _stamps.now())


def note_exception(exchange: Exchange, error: BaseException) -> None:
    """Put a failure on the line, with its trace when nobody expected it."""
    exchange.facts.access.update(exception_message=str(error), exception_class=type(error).__name__)
    if not isinstance(error, GatewayFailure | asyncio.CancelledError):
        exchange.facts.access["exception_backtrace"] = "".join(traceback.format_exception(error))


def write_access_line(scope: Scope, exchange: Exchange, timing: Timing) -> None:
    """Write the line of a request that is done, as soon as the loop has nothing more urgent to do.

    The lines of requests that end together are written together: each then costs a fraction.
    """
    timing.took = time.perf_counter() - timing.began
    timing.took_cpu = _cpu.seconds(timing.began + timing.took) - timing.began_cpu
    _lines.add((scope, exchange, timing))


class _Lines:
    """Lines that are due."""

    def __init__(self) -> None:
        self._due: list[tuple[Scope, Exchange, Timing]] = []

    def add(self, line: tuple[Scope, Exchange, Timing]) -> None:
        self._due.append(line)
        if len(self._due) == 1:
            asyncio.get_running_loop().call_soon(self._write)

    def _write(self) -> None:
        due, self._due = self._due, []
        for scope, exchange, timing in due:
            _write_line(scope, exchange, timing)
        flush_lines()


_lines = _Lines()


# Each connection has a line of its own for each path; there may be many connections.
_MOST_STARTS = 2_000
_LONGEST_START = 1_024
_starts: dict[tuple[object, ...], LineStart] = {}


def _write_line(scope: Scope, exchange: Exchange, timing: Timing) -> None:
    headers, facts = exchange.headers, exchange.facts
    fields: dict[str, object] = {
        "duration_s": timing.took,
        "cpu_s": timing.took_cpu,
        "duration_request": -1,
        "response_start_duration_s": timing.response_start,
        "first_chunk_duration_s": timing.first_chunk,
    }
    if "x-gitlab-rails-send-start" in headers:
        fields["duration_request"] = _since_rails(headers["x-gitlab-rails-send-start"], timing)
    if facts.unit_primitive != "unknown":
        fields["meta.unit_primitive"] = facts.unit_primitive
    if facts.feature_category != "unknown":
        fields["meta.feature_category"] = facts.feature_category
    fields |= facts.access
    # The loop may have called us for another request.
    use_facts(facts)
    log_line(_start_of(scope, headers, timing), fields, arrived=timing.arrived)


def _start_of(scope: Scope, headers: Mapping[str, str], timing: Timing) -> LineStart:
    """Give what a line begins with, and remember it: a connection asks for the same again and again."""
    key = (
        scope["path"],
        scope.get("raw_path"),
        scope["query_string"],
        scope["method"],
        scope.get("http_version"),
        scope["scheme"],
        scope.get("client"),
        headers.get("host"),
        headers.get("user-agent"),
        timing.status,
        timing.content_type,
    )
    start = _starts.get(key)
    if start is None:
        start = _build_start(scope, headers, timing)
        # Strangers write these; each may be as long as a whole head, and is held several times.
        if sum(len(said) for said in key if isinstance(said, (str, bytes))) <= _LONGEST_START:
            if len(_starts) >= _MOST_STARTS:
                _starts.clear()
            _starts[key] = start
    return start


def _build_start(scope: Scope, headers: Mapping[str, str], timing: Timing) -> LineStart:
    query: bytes = scope["query_string"]
    path = scope.get("raw_path", b"").decode("latin-1") or scope["path"]
    target = f"{path}?{query.decode('latin-1')}" if query else path
    ip, port = scope.get("client") or ("", 0)
    method, version = scope["method"], scope.get("http_version", "1.1")
    fields: dict[str, object] = {
        "url": f"{scope['scheme']}://{headers.get('host', '')}{target}",
        "path": target,
        "status_code": timing.status,
        "method": method,
        "http_version": version,
        "client_ip": ip,
        "client_port": port,
        "user_agent": headers.get("user-agent"),
        "content_type": timing.content_type,
    }
    message = f'{ip}:{port} - "{method} {target} HTTP/{version}" {timing.status}'
    return LineStart("api.access", message, fields)


def _since_rails(said: str, timing: Timing) -> float:
    """Give the seconds from when Rails sent this to its end, and -1 when it said nonsense."""
    try:
        sent = float(said)
    except ValueError:
        return -1
    return round(timing.began_at + timing.took - sent, 6) if math.isfinite(sent) else -1
