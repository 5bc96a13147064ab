"""Let nobody fill the record with refusals: past a number a minute they are counted, not kept."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway_core.audit.model import AuditEvent
from gateway_core.kernel.units import Seconds

REFUSALS = frozenset({"credential_refused", "permission_refused"})
PER_ADDRESS = 20
IN_ALL = 1000
_MINUTE = Seconds(60)
_ANYBODY = ""


@dataclass(slots=True)
class _Seen:
    """Refusals of one address in this minute; `last` is the newest of those that were not kept."""

    kept: int = 0
    repeated: int = 0
    last: AuditEvent | None = None


class FloodGuard:
    """Keeps the first refusals of each address and minute; sums the further ones up in one event.

    When there are too many in all, from however many addresses, the rest of the minute
    is one sum too. So what is kept of a minute, and remembered, has a bound.
    """

    def __init__(self, *, per_address: int = PER_ADDRESS, in_all: int = IN_ALL) -> None:
        self._per_address = per_address
        self._in_all = in_all
        self._began = Seconds(float("-inf"))
        self._kept = 0
        self._seen: dict[str, _Seen] = {}

    def take(self, event: AuditEvent, *, now: Seconds) -> Sequence[AuditEvent]:
        """Give what is to be kept now: the sums of a minute that is over, and this event or nothing."""
        if event.kind not in REFUSALS:
            return (event,)
        sums = self.sum_up(now=now)
        full = self._kept >= self._in_all
        seen = self._seen.setdefault(_ANYBODY if full else _network_of(event.address), _Seen())
        if full or seen.kept >= self._per_address:
            seen.repeated += 1
            seen.last = event
            return sums
        seen.kept += 1
        self._kept += 1
        return (*sums, event)

    def sum_up(self, *, now: Seconds, even_early: bool = False) -> Sequence[AuditEvent]:
        """Give the sums of a minute that is over, if any; `even_early` ends the minute now."""
        if now - self._began < _MINUTE and not even_early:
            return ()
        sums = [_sum_of(seen.last, seen.repeated) for seen in self._seen.values() if seen.last is not None]
        self._began, self._kept, self._seen = now, 0, {}
        return sums


def _sum_of(last: AuditEvent, repeated: int) -> AuditEvent:
    """Make one event of many: the last of them, with their number."""
    return last if repeated == 1 else replace(last, details={**last.details, "repeated": str(repeated)})


def _network_of(address: str) -> str:
    """Give the address, or of IPv6 the half that names a network: one customer has all of it."""
    if ":" not in address:
        return address
    try:
        parsed = ipaddress.IPv6Address(address)
    except ValueError:
        return address
    return str(parsed.ipv4_mapped or parsed.packed[:8].hex())
