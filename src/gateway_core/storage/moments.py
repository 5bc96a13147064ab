"""Times as they are stored: whole microseconds since 1970 in UTC, so that every database gives back what it was given."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = 253_402_300_799_999_999


def to_micros(moment: datetime) -> int:
    """Turn a time into what is stored."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def from_micros(stored: int) -> datetime:
    """Turn what is stored into a time, in UTC."""
    return _EPOCH + timedelta(microseconds=max(-_LAST // 5, min(stored, _LAST)))
