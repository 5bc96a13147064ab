"""One request and its answer: what a connection fills and a response empties."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from gateway_core.http_client.deadlines import Deadlines, Phase
from gateway_core.http_client.failures import HttpCut, HttpFailure

PAUSE_ABOVE = 32 * 1024


class Line(Protocol):
    """The connection, as its exchange sees it."""

    def abort(self) -> None:
        """Close at once, without a goodbye."""
        ...

    def resume(self) -> None:
        """Read on: the buffer has room again."""
        ...


Sink = Callable[[bytes], bool]
"""Takes what has arrived, at once; tells whether more may come at once as well."""


class Exchange:
    """Buffer between one connection and one reader, with a single wake-up for each batch.

    `line` is the connection as long as it works for this exchange, None before and after; so
    closing an exchange can never hurt a connection that already serves another request.
    `total_due` is in the loop's own time. `status` is 0 until the head is complete. With a `sink`
    the reader is woken only for the end, and when the sink wants a pause.
    """

    __slots__ = (
        "_loop",
        "_waiter",
        "buffered",
        "deadlines",
        "encoding",
        "ended",
        "failure",
        "fields",
        "keep_alive",
        "line",
        "parts",
        "pause_above",
        "paused",
        "sink",
        "status",
        "total_due",
        "wake_above",
        "where",
        "without_body",
    )

    def __init__(
        self, loop: asyncio.AbstractEventLoop, deadlines: Deadlines, *, where: str, total_due: float, without_body: bool
    ) -> None:
        self._loop = loop
        self._waiter: asyncio.Future[None] | None = None
        self.deadlines = deadlines
        self.where = where
        self.total_due = total_due
        self.without_body = without_body
        self.line: Line | None = None
        self.status = 0
        self.fields: list[tuple[bytes, bytes]] = []
        self.encoding = b""
        self.keep_alive = b""
        self.parts: list[bytes] = []
        self.buffered = 0
        self.pause_above = PAUSE_ABOVE
        self.paused = False
        self.wake_above = 0
        self.sink: Sink | None = None
        self.ended = False
        self.failure: HttpFailure | None = None

    def wake(self) -> None:
        """Let the reader look again."""
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self) -> None:
        """Wait for the next wake-up; a cancelled wait closes the connection.

        A paused connection reads on only now: while its reader is busy with one piece, the next does not pile up.
        """
        if self._waiter is not None:
            raise RuntimeError("Two tasks read the same answer.")
        if self.paused:
            self.resume()
        waiter = self._waiter = self._loop.create_future()
        try:
            await waiter
        except (asyncio.CancelledError, GeneratorExit):
            self.close()
            raise

    def resume(self) -> None:
        """Read on after a pause."""
        if self.line is not None:
            self.line.resume()
        self.paused = False

    def want(self, limit: int) -> None:
        """Ask to be woken at the end only, or when more than `limit` bytes have come."""
        self.wake_above = limit
        self.pause_above = max(PAUSE_ABOVE, limit)
        if self.line is not None:
            self.line.resume()

    def next_deadline(self, since: float, *, paused: bool) -> tuple[float, Phase]:
        """Tell which deadline comes next for a phase that began then, and when.

        While we do not read, the server cannot be blamed for being idle.
        """
        phase: Phase = "idle" if self.status else "first_byte"
        due = since + self.deadlines.of(phase)
        return (self.total_due, "total") if paused or self.total_due < due else (due, phase)

    def take(self) -> bytes:
        """Give all that has arrived, as one piece; empty when there is nothing."""
        parts = self.parts
        if not parts:
            return b""
        self.parts = []
        self.buffered = 0
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def fail(self, failure: HttpFailure) -> None:
        """End with a failure, unless it has ended already; the connection is closed."""
        line, self.line = self.line, None
        if not self.ended and self.failure is None:
            self.failure = failure
        self.wake()
        if line is not None:
            line.abort()

    def close(self) -> None:
        """Drop an answer that is not complete; a complete one has given its connection back already."""
        if not self.ended:
            self.fail(HttpCut("the answer was closed before it was read", where=self.where))
