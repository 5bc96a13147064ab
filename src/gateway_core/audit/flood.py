"""Let nobody fill the record: past a number a minute refusals and issued tokens are counted, not kept."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from gateway_core.audit.limits import fitted
from gateway_core.audit.model import AuditEvent, AuditKind
from gateway_core.kernel.units import Seconds

REFUSALS = frozenset({"credential_refused", "permission_refused"})
_GUARDED = REFUSALS | {"token_issued"}
PER_ADDRESS = 20
IN_ALL = 1000
_MINUTE = Seconds(60)
_ANYBODY = ""


@dataclass(slots=True)
class _Sum:
    """Refusals of one kind that were not kept: the newest, with only what it shares with all of them."""

    last: AuditEvent
    number: int = 1

    def add(self, event: AuditEvent, *, network: str) -> None:
        """Count one more."""
        before = self.last
        self.number += 1
        self.last = replace(
            event,
            actor=event.actor if event.actor == before.actor else "",
            subject=event.subject if event.subject == before.subject else "",
            address=event.address if event.address == before.address else network,
        )

    def told(self) -> AuditEvent:
        """Give the one event that stands for all."""
        if self.number == 1:
            return self.last
        what = "refusals" if self.last.kind in REFUSALS else "of these"
        reason = f"{self.number} further {what}" + (f", the last: {self.last.reason}" if self.last.reason else "")
        return fitted(replace(self.last, reason=reason, details={**self.last.details, "repeated": str(self.number)}))


@dataclass(slots=True)
class _Seen:
    """Events of one actor in one network in this minute."""

    kept: int = 0
    sums: dict[AuditKind, _Sum] = field(default_factory=dict)


class FloodGuard:
    """Keeps the first of each address, actor and minute; sums the further ones up, one event for each kind.

    Such a sum names the actor, the subject and the address only where all had the same;
    the reason and the request's id are those of the last. When there are too many of
    nobody who proved who they are, from however many addresses, the rest of the minute is
    summed up together: so what is kept of a minute, and remembered, has a bound. Nobody
    proven can hide in such a crowd.
    """

    def __init__(self, *, per_address: int = PER_ADDRESS, in_all: int = IN_ALL) -> None:
        self._per_address = per_address
        self._in_all = in_all
        self._began = Seconds(float("-inf"))
        self._kept = 0
        self._seen: dict[tuple[str, str], _Seen] = {}

    def take(self, event: AuditEvent, *, now: Seconds) -> Sequence[AuditEvent]:
        """Give what is to be kept now: the sums of a minute that is over, and this event or nothing."""
        if event.kind not in _GUARDED:
            return (event,)
        sums = self.sum_up(now=now)
        full = self._kept >= self._in_all and not event.actor
        network = _ANYBODY if full else _network_of(event.address)
        seen = self._seen.setdefault((network, event.actor), _Seen())
        if full or seen.kept >= self._per_address:
            if event.kind in seen.sums:
                seen.sums[event.kind].add(event, network=network)
            else:
                seen.sums[event.kind] = _Sum(event)
            return sums
        seen.kept += 1
        self._kept += not event.actor
        return (*sums, event)

    def sum_up(self, *, now: Seconds, even_early: bool = False) -> Sequence[AuditEvent]:
        """Give the sums of a minute that is over, if any; `even_early` ends the minute now."""
        if now - self._began < _MINUTE and not even_early:
            return ()
        sums = [one.told() for seen in self._seen.values() for one in seen.sums.values()]
        self._began, self._kept, self._seen = now, 0, {}
        return sums


def _network_of(address: str) -> str:
    """Give the address, or of IPv6 the half that names a network: one customer has all of it."""
    if ":" not in address:
        return address
    try:
        parsed = ipaddress.IPv6Address(address)
    except ValueError:
        return address
    return str(parsed.ipv4_mapped or ipaddress.IPv6Network((parsed.packed[:8] + bytes(8), 64)))
