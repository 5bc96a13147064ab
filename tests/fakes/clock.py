"""Time that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gateway_core.kernel.units import Seconds

MORNING = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


class FakeClock:
    """A clock under the test's hand."""

    def __init__(self, now: datetime = MORNING) -> None:
        self._now = now
        self._monotonic = 1_000.0

    def now(self) -> datetime:
        """Tell the wall time, in UTC."""
        return self._now

    def monotonic(self) -> Seconds:
        """Tell a time that only `advance` moves."""
        return Seconds(self._monotonic)

    def advance(self, seconds: float) -> None:
        """Let this much time pass."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds
