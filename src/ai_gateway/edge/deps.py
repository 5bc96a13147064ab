"""What an endpoint may ask of the request in hand."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from starlette.requests import Request

from ai_gateway.edge.disconnect import WhileConnected
from ai_gateway.edge.scope import exchange_of
from ai_gateway.services import Services
from gateway_core.kernel.errors import PermissionMissing
from gateway_core.kernel.units import Seconds
from gateway_core.runtime import Runtime

T = TypeVar("T")


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


def require(request: Request, unit_primitive: str, *, refusal: str, self_issued: bool, category: str) -> None:
    """Refuse a caller without the unit primitive; note it for logs and metrics otherwise.

    `self_issued` False refuses tokens that this gateway issued itself.
    """
    exchange = exchange_of(request.scope)
    service_name = runtime_of(request).authenticator.service_name
    disallowed = () if self_issued else (service_name,)
    caller = exchange.caller
    exchange.facts.feature_category = category
    if caller is None or not caller.can(unit_primitive, disallowed_issuers=disallowed):
        raise PermissionMissing(refusal)
    exchange.facts.unit_primitive = unit_primitive


async def while_connected(request: Request, work: Awaitable[T]) -> T:
    """Wait for the work, unless the client leaves first; then it is cancelled, upstream call and all."""
    async with WhileConnected(request.receive):
        return await work
