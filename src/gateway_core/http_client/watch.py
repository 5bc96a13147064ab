"""One lazy timer for many deadlines."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

# A timer may fire this much early: uvloop counts time in milliseconds.
GRAIN = 0.001


class Watch:
    """Call `look` no later than the earliest time it was armed for.

    A later time never moves the timer: `look` finds nothing due and arms it again. A busy
    connection so sets a timer once per shortest deadline instead of several times per request.
    Times are the loop's own.
    """

    __slots__ = ("_at", "_handle", "_look", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop, look: Callable[[], None]) -> None:
        self._loop = loop
        self._look = look
        self._handle: asyncio.TimerHandle | None = None
        self._at = math.inf

    def arm(self, due: float) -> None:
        """Look at `due` or before; infinity asks for nothing."""
        if due < self._at:
            if self._handle is not None:
                self._handle.cancel()
            self._at = due
            self._handle = self._loop.call_at(due, self._fire)

    def cancel(self) -> None:
        """Never look again, unless armed anew."""
        self._at = math.inf
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _fire(self) -> None:
        self._handle = None
        self._at = math.inf
        self._look()
