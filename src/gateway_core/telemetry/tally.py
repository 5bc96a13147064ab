"""Counts that wait a moment, so that many are written as one.

To count one thing costs little; to count a dozen for each call, each under a lock and each of code
that nothing else uses in between, is a tenth of all that a call costs. So what happened is noted at
once, and counted in the loop's next turn, together with that of all other calls, or when somebody reads the metrics.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

from prometheus_client import CollectorRegistry, Gauge, Histogram, Metric, values
from prometheus_client.registry import Collector
from typing_extensions import override

T = TypeVar("T")


# With several workers the numbers stand in files, and who reads those cannot have us count first: so nothing waits.
_READ_HERE = values.ValueClass is values.MutexValue

EndedCall = tuple[float, tuple[int, int] | None]
"""The seconds that a call took, and the tokens that went in and came out, if anybody told."""


class Meter(Protocol):
    """Counts calls of one kind."""

    def count(self, calls: Sequence[EndedCall]) -> None:
        """Count calls that ended."""
        ...


class Level:
    """How many there are now of something, as its gauge shows it."""

    __slots__ = ("gauge", "now")

    def __init__(self, gauge: Gauge) -> None:
        self.gauge = gauge
        self.now = 0


class Tally(Collector):
    """Note on the loop's thread, count there or on the thread that reads the metrics.

    Registered before what it counts, it is asked first when they are read.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._settling = threading.Lock()
        self._calls: deque[tuple[Meter, EndedCall]] = deque()
        self._values: deque[tuple[Histogram, float]] = deque()
        self._levels: deque[Level] = deque()
        self._waits = False
        registry.register(self)

    def end_call(self, meter: Meter, call: EndedCall) -> None:
        """Note that a call ended."""
        self._calls.append((meter, call))
        if not self._waits:
            self._wait()

    def observe(self, histogram: Histogram, value: float) -> None:
        """Note a value."""
        self._values.append((histogram, value))
        if not self._waits:
            self._wait()

    def change(self, level: Level, by: int) -> None:
        """Note that there are so many more now, or fewer."""
        level.now += by
        self._levels.append(level)
        if not self._waits:
            self._wait()

    def settle(self) -> None:
        """Count what was noted."""
        with self._settling:
            for level in {id(level): level for level in _taken(self._levels)}.values():
                level.gauge.set(level.now)
            calls: dict[Meter, list[EndedCall]] = {}
            for meter, call in _taken(self._calls):
                calls.setdefault(meter, []).append(call)
            for meter, ended in calls.items():
                meter.count(ended)
            for histogram, value in _taken(self._values):
                histogram.observe(value)

    @override
    def collect(self) -> Iterable[Metric]:
        """Count before anybody reads; there is nothing of our own to be read."""
        self.settle()
        return ()

    def _wait(self) -> None:
        if not _READ_HERE:
            self.settle()
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            # No loop, no calls to slow down.
            self.settle()
            return
        self._waits = True
        loop.call_soon(self._settle_in_time)

    def _settle_in_time(self) -> None:
        self._waits = False
        self.settle()


def _taken(entries: deque[T]) -> Iterator[T]:
    """Take the entries out, one by one; more may be noted meanwhile."""
    while entries:
        yield entries.popleft()
