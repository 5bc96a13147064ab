"""`/admin/clients`: who holds keys of this gateway."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictInt, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from ai_gateway.api.admin.client_render import render_client, render_known
from ai_gateway.edge.answers import NO_STORE
from ai_gateway.edge.audit import actor_of
from ai_gateway.edge.deps import runtime_of
from ai_gateway.edge.errors import body_invalid
from ai_gateway.edge.scope import exchange_of
from gateway_core.identity.clients import DEFAULT_GRACE, LONGEST_GRACE
from gateway_core.identity.model import Budget, Role
from gateway_core.identity.new_client import NewClient
from gateway_core.kernel.secret import Secret
from gateway_core.kernel.units import MicroUsd, Seconds

_MICRO = 1_000_000


class BudgetBody(BaseModel):
    """How much a client may spend, in US dollars."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    usd: Annotated[Decimal, Field(gt=0, max_digits=16, decimal_places=6)]
    per: Literal["day", "month", "total"]


class NewClientBody(BaseModel):
    """A client to be added; empty lists mean all, and what is left out is not limited."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    role: Role | None = None
    scopes: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    budget: BudgetBody | None = None
    rpm: StrictInt | None = None
    tpm: StrictInt | None = None
    expires_at: AwareDatetime | None = None


class RotateBody(BaseModel):
    """How long the keys until now still hold, in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    grace: Annotated[float, Field(ge=0, le=LONGEST_GRACE)] = DEFAULT_GRACE


ROTATE_DOCUMENT: dict[str, object] = {
    "requestBody": {"content": {"application/json": {"schema": RotateBody.model_json_schema()}}, "required": False}
}
REVOKE_DOCUMENT: dict[str, object] = {
    "parameters": [{"name": "force", "in": "query", "required": False, "schema": {"type": "boolean"}}]
}


async def list_clients(request: Request) -> ASGIApp:
    """List all clients by name, revoked ones too; of their keys only what may be shown."""
    runtime = runtime_of(request)
    known, now = await runtime.identity.clients.list_clients(), runtime.clock.now()
    return _json({"clients": [render_known(one, now=now) for one in known]})


async def add_client(body: NewClientBody, request: Request) -> ASGIApp:
    """Add a client; its key is in this answer and never shown again.

    `not_enforced` names the limits that this version keeps without enforcing them.
    """
    budget = Budget(MicroUsd(int(body.budget.usd * _MICRO)), body.budget.per) if body.budget else None
    asked = NewClient(
        body.name,
        role=body.role,
        scopes=body.scopes,
        models=body.models,
        budget=budget,
        rpm=body.rpm,
        tpm=body.tpm,
        expires_at=body.expires_at,
    )
    client, key = await runtime_of(request).identity.clients.add(asked, by=actor_of(request.scope))
    shown = render_client(client, now=client.created_at)
    return _json({"client": shown, "key": key.reveal()}, status=201)


async def rotate_client(request: Request) -> ASGIApp:
    """Give a client a new key; it is in this answer and never shown again. Without a body old keys hold a day more."""
    body = _rotation(exchange_of(request.scope).body)
    name: str = request.path_params["name"]
    by = actor_of(request.scope)
    key: Secret = await runtime_of(request).identity.clients.rotate(name, by=by, grace=Seconds(body.grace))
    return _json({"name": name, "key": key.reveal()})


async def revoke_client(request: Request) -> ASGIApp:
    """End a client and all its keys; `?force=true` for the last admin."""
    force = request.query_params.get("force") == "true"
    await runtime_of(request).identity.clients.revoke(
        request.path_params["name"], by=actor_of(request.scope), force=force
    )
    return Response(status_code=204)


def _rotation(body: bytes) -> RotateBody:
    if not body:
        return RotateBody()
    try:
        return RotateBody.model_validate_json(body)
    except ValidationError as error:
        # Not chained: the library's text repeats what the caller sent.
        raise body_invalid(error) from None


def _json(content: object, *, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status_code=status, headers=NO_STORE, media_type="application/json")
