"""Times and durations as people write them on a command line."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_DURATION = re.compile(r"([0-9]{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_duration(text: str) -> timedelta:
    """Read `90s`, `15m`, `24h`, `30d`, `2w` or `0`; raises ValueError."""
    if text == "0":
        return timedelta()
    found = _DURATION.fullmatch(text)
    if found is None:
        message = f"{text!r} is no duration; give a whole number with s, m, h, d or w, such as 24h or 30d."
        raise ValueError(message)
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def parse_end(text: str, *, now: datetime) -> datetime:
    """Read a duration from now, or a day or time in ISO form; what names no zone is UTC. Raises ValueError."""
    try:
        if _DURATION.fullmatch(text):
            return now + parse_duration(text)
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        message = f"{text!r} is no time; give 30d, or a day such as 2026-12-31, at whose first moment (UTC) it ends."
        raise ValueError(message) from error
