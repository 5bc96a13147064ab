"""How long each part of an exchange may take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway_core.kernel.units import Seconds

Phase = Literal["connect", "first_byte", "idle", "total"]


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Bound the four phases of one request, in seconds each; a `total` of None is unbounded.

    `connect`: name, TCP and TLS. `first_byte`: from the start of writing the request to the end of
    the answer's head, so a stalled write counts too. `idle`: between two pieces of the body, while
    we are willing to read. `total`: from the call of `send` to the last byte.
    """

    connect: Seconds
    first_byte: Seconds
    idle: Seconds
    total: Seconds | None

    def of(self, phase: Phase) -> Seconds:
        """Tell the bound of one phase; an unbounded total is infinite."""
        match phase:
            case "connect":
                return self.connect
            case "first_byte":
                return self.first_byte
            case "idle":
                return self.idle
            case "total":
                return Seconds(float("inf")) if self.total is None else self.total
