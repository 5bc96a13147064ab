"""What a connection asks of the pool that it belongs to."""

from __future__ import annotations

from typing import Protocol, TypeVar

from gateway_core.http_client.limits import AnswerLimits
from gateway_core.kernel.units import Seconds

C_contra = TypeVar("C_contra", contravariant=True)


class Home(Protocol[C_contra]):
    """The pool that a connection belongs to."""

    keep_alive: Seconds
    """How long an idle connection is kept."""
    limits: AnswerLimits
    """How much around a body is read."""
    inbox: memoryview
    """Where all connections read into: what arrived is parsed, and so copied, before another can read."""

    def opened(self, connection: C_contra) -> None:
        """Count a new connection."""
        ...

    def rested(self, connection: C_contra) -> None:
        """Take back a connection that may serve again."""
        ...

    def gone(self, connection: C_contra) -> None:
        """Forget a connection that is being closed."""
        ...

    def lost(self) -> None:
        """Learn that a transport is closed for good."""
        ...
