"""Slow down whoever shows credentials that do not hold, again and again."""

from __future__ import annotations

import math
from collections import OrderedDict
from ipaddress import IPv6Address, ip_address

from gateway_core.kernel.clock import Clock
from gateway_core.kernel.units import Seconds

_TICK = 5
# Those that lie in the last 60 s, with the one that this minute begins in.
_TICKS = 60 // _TICK + 1
_MOST_ENTRIES = 10_000
_LONGEST_PREFIX = 32
_UNKNOWN = "unknown"


class FailureThrottle:
    """Count refused credentials, by the address that they came from and by the prefix of the key.

    Whoever failed more than `per_minute` times in the last 60 s is told to wait. Failures are counted in
    ticks of 5 s that leave as a whole, so one of up to 65 s ago may still count, and one of 60 s ago always does.
    Only refusals are brought here: a credential that holds is never slowed down, whatever others did with
    its address or its prefix.

    At most 10,000 addresses and as many prefixes are remembered, and the one that has not failed for the longest
    time is forgotten first. So whoever fails from 10,000 other addresses between two failures of one makes that
    one's count start anew: they win a few guesses for it, having spent 10,000 of their own, and no memory.
    """

    def __init__(self, per_minute: int, clock: Clock) -> None:
        self._clock = clock
        self._addresses = _Tally(per_minute)
        self._prefixes = _Tally(per_minute)

    def note(self, address: str, prefix: str | None) -> int | None:
        """Count one refused credential; gives the seconds to wait, 1 to 65, when that was one too many.

        `prefix` is the part of a client key that may be shown; None for anything else, as all
        signed tokens begin alike. Addresses that are none, such as that of a Unix socket, count as one.
        """
        now = self._clock.monotonic()
        wait = self._addresses.note(_group(address), now=now)
        if prefix:
            wait = max(wait, self._prefixes.note(prefix[:_LONGEST_PREFIX], now=now))
        return wait or None


class _Tally:
    """The failures of many, each under a name."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    def note(self, name: str, *, now: Seconds) -> int:
        """Count one; gives the seconds to wait, or 0."""
        # Not the floor of a quotient: division may round up into the next tick.
        tick = int(now // _TICK)
        window = self._windows.get(name)
        if window is None:
            window = self._windows[name] = _Window(tick)
            if len(self._windows) > _MOST_ENTRIES:
                self._windows.popitem(last=False)
        else:
            self._windows.move_to_end(name)
        window.add(tick)
        if window.total <= self._limit:
            return 0
        return max(1, math.ceil(window.tick_below(self._limit) * _TICK - now))


class _Window:
    """How many failures fell into each of the last ticks."""

    __slots__ = ("_counts", "_tick", "total")

    def __init__(self, tick: int) -> None:
        self._counts = [0] * _TICKS
        self._tick = tick
        self.total = 0

    def add(self, tick: int) -> None:
        """Let the ticks up to this one pass, and count a failure in it."""
        for passed in range(self._tick + 1, min(tick, self._tick + _TICKS) + 1):
            self.total -= self._counts[passed % _TICKS]
            self._counts[passed % _TICKS] = 0
        self._tick = tick
        self._counts[tick % _TICKS] += 1
        self.total += 1

    def tick_below(self, limit: int) -> int:
        """Tell the tick in which, without further failures, there is room for one more under the limit."""
        total = self.total
        tick = self._tick
        while total and total >= limit:
            tick += 1
            total -= self._counts[tick % _TICKS]
        return tick


def _group(address: str) -> str:
    """Give the name under which an address counts: one household has one IPv4 address, or one /64 of IPv6."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return _UNKNOWN
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{int(parsed) >> 64:x}::/64"
