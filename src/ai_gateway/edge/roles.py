"""What the operator's door asks of whoever came through it: a role for each route."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from ai_gateway.edge.errors import BodyInvalid
from ai_gateway.edge.scope import exchange_of
from gateway_core.identity.model import Role
from gateway_core.kernel.errors import PermissionMissing, RequestInvalid


@dataclass(frozen=True, slots=True)
class RoleGate:
    """Stand before one route, and before its body is looked at."""

    app: ASGIApp
    role: Role

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request of a caller who holds the role, or a stronger one."""
        caller = exchange_of(scope).caller
        if caller is None or not caller.has_role(self.role):
            held = caller.client.role if caller is not None and caller.client is not None else None
            message = f"{scope['method']} {scope['path']} needs the role {self.role}; this key has {held or 'none'}."
            raise PermissionMissing(message)
        try:
            await self.app(scope, receive, send)
        except BodyInvalid as invalid:
            # GitLab expects one fixed text; an operator is told what to change. The cause repeats no value.
            raise RequestInvalid(invalid.cause) from None
