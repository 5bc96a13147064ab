"""What an endpoint may ask of the request in hand."""

from __future__ import annotations

from collections.abc import Awaitable, Collection
from dataclasses import replace
from typing import TypeVar

from starlette.requests import Request

from ai_gateway.edge.disconnect import WhileConnected
from ai_gateway.edge.scope import exchange_of
from ai_gateway.services import Services
from gateway_core.identity.model import Caller
from gateway_core.inference.wish import ModelWish
from gateway_core.kernel.errors import PermissionMissing
from gateway_core.kernel.units import Seconds
from gateway_core.runtime import Runtime

T = TypeVar("T")

_SHOWN_SCOPES = 40
_SHOWN_LETTERS = 1_000


def services_of(request: Request) -> Services:
    """Give the products."""
    services: Services = request.app.state.services
    return services


def runtime_of(request: Request) -> Runtime:
    """Give the core."""
    runtime: Runtime = request.app.state.runtime
    return runtime


def heartbeat_of(request: Request) -> Seconds:
    """Give the silence after which a stream of events is sent a ping."""
    return Seconds(runtime_of(request).settings.fastapi.heartbeat)


def require(request: Request, *unit_primitives: str, refusal: str, self_issued: bool, category: str) -> tuple[str, ...]:
    """Refuse a caller with none of the unit primitives; note the first one held for logs and metrics.

    Gives those that the caller holds. `self_issued` False refuses tokens that this gateway issued itself.
    """
    exchange = exchange_of(request.scope)
    runtime = runtime_of(request)
    disallowed = () if self_issued else (runtime.identity.authenticator.service_name,)
    caller = exchange.caller
    exchange.facts.feature_category = category
    held = tuple(up for up in unit_primitives if caller is not None and caller.can(up, disallowed_issuers=disallowed))
    if not held:
        raise PermissionMissing(refusal, reason=_why(caller, unit_primitives, disallowed=disallowed))
    exchange.facts.unit_primitive = held[0]
    return held


def with_allowed_models(request: Request, wish: ModelWish) -> ModelWish:
    """Narrow a wish to the models that the caller's key is limited to, if it is."""
    caller = exchange_of(request.scope).caller
    if caller is None or caller.client is None or not caller.client.models:
        return wish
    return replace(wish, allowed=caller.client.models)


def _why(caller: Caller | None, wanted: Collection[str], *, disallowed: Collection[str]) -> str:
    needed = " or ".join(wanted)
    if caller is None or (caller.client is None and caller.claims is None):
        return f"{needed} is needed"
    if caller.client is not None:
        held = ", ".join(sorted(caller.client.scopes))
        return f"{needed} is needed; the client {caller.client.name!r} is limited to the scopes {held}"
    claims = caller.claims
    if claims is not None and claims.issuer in disallowed:
        return f"{needed} is needed from GitLab itself: a token that this gateway issued is not taken here"
    held = ", ".join(sorted(claims.scopes)[:_SHOWN_SCOPES]) if claims is not None else ""
    return f"{needed} is needed; the token's scopes are: {held[:_SHOWN_LETTERS] or 'none'}"


async def while_connected(request: Request, work: Awaitable[T]) -> T:
    """Wait for the work, unless the client leaves first; then it is cancelled, upstream call and all."""
    async with WhileConnected(request.receive):
        return await work
