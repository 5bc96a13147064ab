"""How ids are made and printed."""

from __future__ import annotations

import secrets
from typing import NewType

RequestId = NewType("RequestId", str)


def new_request_id() -> RequestId:
    """Make a request id: 32 hexadecimal digits."""
    return RequestId(secrets.token_hex(16))
