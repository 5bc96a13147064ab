"""Time as a port, so that rules can be tested without waiting."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

from gateway_core.kernel.units import Seconds


class Clock(Protocol):
    """What the product may ask about time."""

    def now(self) -> datetime:
        """Tell the wall time, in UTC."""
        ...

    def monotonic(self) -> Seconds:
        """Tell a time that never goes back; only differences mean anything."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Tell the wall time, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> Seconds:
        """Tell a time that never goes back; only differences mean anything."""
        return Seconds(time.monotonic())
