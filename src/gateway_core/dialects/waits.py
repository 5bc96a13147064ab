"""How long a vendor asks to wait, in each of the places where vendors say it.

Sources, read 2026-11: RFC 9110, section 10.2.3; google/rpc/error_details.proto (RetryInfo) and the JSON form of a
Duration; Azure OpenAI, provisioned throughput (retry-after-ms); OpenAI and Groq, rate limits in headers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from gateway_core.inference.request import Json

_RETRY_INFO = "google.rpc.RetryInfo"
_MOST_DETAILS = 32
# `34s`, `34.074824224s`: a Duration of protobuf. No vendor asks for more than four months.
_DURATION = re.compile(r"([0-9]{1,7}(?:\.[0-9]{1,9})?)s")
_MILLISECONDS = re.compile(r"[0-9]{1,10}(?:\.[0-9]{1,9})?")
# `20ms`, `1s`, `6m0s`, `2m59.56s`, `1h0m0s`: as Go writes a time.
_GO_TIME = re.compile(
    r"(?:([0-9]{1,5})h)?(?:([0-9]{1,5})m(?!s))?(?:([0-9]{1,7}(?:\.[0-9]{1,9})?)s)?(?:([0-9]{1,7}(?:\.[0-9]{1,9})?)ms)?"
)
_SECONDS_OF = (3_600.0, 60.0, 1.0, 0.001)
_LIMITS = ("requests", "tokens")


def wait_in_headers(headers_get: Callable[[str], str | None]) -> str | None:
    """Give the value of a Retry-After header: the vendor's own, or whole seconds where another header tells them.

    Of the limits of OpenAI's kind only those that are used up count: their reset says when they are whole again.
    """
    said = headers_get("retry-after")
    if said:
        return said
    milliseconds = (headers_get("retry-after-ms") or "").strip()
    if _MILLISECONDS.fullmatch(milliseconds):
        return _whole(float(milliseconds) / 1_000)
    used_up = (limit for limit in _LIMITS if headers_get(f"x-ratelimit-remaining-{limit}") == "0")
    resets = [_go_time(headers_get(f"x-ratelimit-reset-{limit}") or "") for limit in used_up]
    longest = max((reset for reset in resets if reset is not None), default=None)
    return None if longest is None else _whole(longest)


def wait_in_error(error: dict[str, Json]) -> str | None:
    """Give the whole seconds that an error object of Google's asks to wait, as the value of a Retry-After header."""
    details = error.get("details")
    if not isinstance(details, list):
        return None
    for detail in details[:_MOST_DETAILS]:
        if not isinstance(detail, dict) or not str(detail.get("@type")).endswith(_RETRY_INFO):
            continue
        delay = detail.get("retryDelay")
        match = _DURATION.fullmatch(delay) if isinstance(delay, str) else None
        if match is not None:
            return _whole(float(match[1]))
    return None


def _go_time(text: str) -> float | None:
    match = _GO_TIME.fullmatch(text.strip())
    if match is None or not match[0]:
        return None
    return sum(float(part) * unit for part, unit in zip(match.groups(), _SECONDS_OF, strict=True) if part)


def _whole(seconds: float) -> str:
    """Round up: who comes back early is refused again."""
    return str(math.ceil(seconds))
