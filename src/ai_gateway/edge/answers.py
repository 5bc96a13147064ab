"""Send a small JSON answer from a middleware."""

from __future__ import annotations

import msgspec
from starlette.types import Send

NO_STORE = {"Cache-Control": "no-store"}
"""For answers that hold a key or a token: nobody on their way may keep them."""


async def send_json(send: Send, status: int, body: object, *, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
    """Send one whole JSON answer."""
    content = msgspec.json.encode(body)
    start = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode()), *headers]
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": content})
