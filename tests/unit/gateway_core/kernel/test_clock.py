from __future__ import annotations

from datetime import UTC, timedelta

from gateway_core.kernel.clock import SystemClock


def test_the_wall_time_says_that_it_is_utc() -> None:
    now = SystemClock().now()

    assert now.tzinfo is UTC
    assert now.utcoffset() == timedelta(0)


def test_the_monotonic_time_never_goes_back() -> None:
    clock = SystemClock()
    times = [clock.monotonic() for _ in range(1_000)]

    assert times == sorted(times)
