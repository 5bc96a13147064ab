"""A value that never shows itself in a log, a repr or an error."""

from __future__ import annotations

from dataclasses import dataclass, field

from typing_extensions import override


@dataclass(frozen=True, slots=True)
class Secret:
    """Hold a secret; only `reveal` gives it away."""

    _value: str = field(repr=False)

    def reveal(self) -> str:
        """Give the secret to the one place that sends it."""
        return self._value

    @override
    def __str__(self) -> str:
        return "**********"
