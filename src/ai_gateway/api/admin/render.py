"""How the operator's door writes values."""

from __future__ import annotations

from datetime import datetime
from typing import overload


@overload
def iso(moment: datetime) -> str: ...
@overload
def iso(moment: None) -> None: ...
def iso(moment: datetime | None) -> str | None:
    """Write a time in UTC as RFC 3339 has it, ending in Z."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
