"""What a request leaves in the audit."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.types import Scope

from ai_gateway.edge.scope import exchange_of
from gateway_core.audit.model import AuditEvent, AuditKind
from gateway_core.audit.ports import AuditTrail
from gateway_core.identity.clients import Actor
from gateway_core.kernel.errors import CredentialRefused, Refused


def record_refusal(audit: AuditTrail, scope: Scope, refused: Refused) -> None:
    """Record that somebody was refused, and why; the access line says it too."""
    exchange_of(scope).facts.access["auth_error_details"] = refused.reason
    kind: AuditKind = "credential_refused" if isinstance(refused, CredentialRefused) else "permission_refused"
    _record(audit, scope, kind, reason=refused.reason)


def record_issued_token(audit: AuditTrail, scope: Scope, *, expires_at: int) -> None:
    """Record that a token was given out, for whom and until when."""
    user = exchange_of(scope).header("x-gitlab-global-user-id") or ""
    until = datetime.fromtimestamp(expires_at, UTC).isoformat()
    _record(audit, scope, "token_issued", details={"user": user, "expires_at": until})


def actor_of(scope: Scope) -> Actor:
    """Tell who asks for a change, for the record of it."""
    exchange = exchange_of(scope)
    name = exchange.caller.name if exchange.caller is not None else ""
    return Actor(name, exchange.facts.correlation_id, address_of(scope))


def address_of(scope: Scope) -> str:
    """Give the address that the request came from; empty when the server does not know it."""
    address: str = (scope.get("client") or ("",))[0]
    return address


def _record(
    audit: AuditTrail, scope: Scope, kind: AuditKind, *, reason: str = "", details: dict[str, str] | None = None
) -> None:
    actor = actor_of(scope)
    audit.record(
        AuditEvent(
            at=datetime.now(UTC),
            kind=kind,
            actor=actor.name,
            subject=f"{scope['method']} {scope['path']}",
            reason=reason,
            request_id=actor.request_id,
            address=actor.address,
            details=details or {},
        )
    )
