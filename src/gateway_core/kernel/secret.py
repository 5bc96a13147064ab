"""A value that never shows itself in a log, a repr or an error."""

from __future__ import annotations

from typing_extensions import override


class Secret:
    """Hold a secret; only `reveal` gives it away.

    No dataclass: JSON encoders write those out by their fields, this one too.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Give the secret to the one place that sends it."""
        return self._value

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    @override
    def __hash__(self) -> int:
        return hash(self._value)

    @override
    def __repr__(self) -> str:
        return "Secret(**********)"

    @override
    def __str__(self) -> str:
        return "**********"
