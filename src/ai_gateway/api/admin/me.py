"""`GET /admin/me`: whose key this is."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from ai_gateway.edge.scope import exchange_of


async def show_me(request: Request) -> ASGIApp:
    """Tell the name and the role of the client that the key belongs to."""
    caller = exchange_of(request.scope).caller
    client = caller.client if caller is not None else None
    content = msgspec.json.encode({"name": client and client.name, "role": client and client.role})
    return Response(content, media_type="application/json")
