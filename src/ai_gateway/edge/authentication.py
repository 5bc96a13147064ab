"""8 · Nobody gets past who did not prove who they are; every refusal is counted and recorded."""

from __future__ import annotations

import time
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from ai_gateway.edge.answers import send_json
from ai_gateway.edge.audit import address_of, record_refusal
from ai_gateway.edge.scope import EXEMPT_PATHS, Exchange, exchange_of, is_operator_door
from gateway_core.audit.ports import AuditTrail
from gateway_core.identity.model import CLIENT_KEY_PREFIX, Caller
from gateway_core.identity.service import Authenticator
from gateway_core.identity.throttle import FailureThrottle
from gateway_core.kernel.errors import CredentialRefused, PermissionMissing, Refused, TooManyFailures

_READING = ("GET", "HEAD")
# As much of a key as may be shown; guesses that share it are counted together.
_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Authentication:
    """Find out who calls, or refuse."""

    app: ASGIApp
    authenticator: Authenticator
    throttle: FailureThrottle
    audit: AuditTrail

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or (scope["path"] in EXEMPT_PATHS and scope["method"] in _READING):
            await self.app(scope, receive, send)
            return
        exchange = exchange_of(scope)
        began = time.perf_counter()
        try:
            caller = await self._identify(scope, exchange)
        except Refused as refused:
            await self._refuse(scope, refused, send)
            return
        finally:
            exchange.facts.access["auth_duration_s"] = round(time.perf_counter() - began, 6)
        _note(exchange, caller)
        await self.app(scope, receive, send)

    async def _identify(self, scope: Scope, exchange: Exchange) -> Caller:
        if not is_operator_door(scope["path"]):
            return await self.authenticator.authenticate(exchange.header)
        caller = await self.authenticator.authenticate_operator(exchange.header)
        if not caller.has_role("viewer"):
            exchange.caller = caller
            message = f"The client {caller.name!r} has no role; the operator's door needs viewer, operator or admin."
            raise PermissionMissing(message)
        return caller

    async def _refuse(self, scope: Scope, refused: Refused, send: Send) -> None:
        exchange = exchange_of(scope)
        record_refusal(self.audit, scope, refused)
        answer = self._slow_down(scope, refused) or refused
        exchange.facts.access["http_exception_details"] = f"{answer.status}: {answer}"
        headers: list[tuple[bytes, bytes]] = []
        if isinstance(answer, TooManyFailures):
            headers.append((b"retry-after", str(answer.retry_after).encode()))
        elif is_operator_door(scope["path"]) and answer.status == CredentialRefused.status:
            headers.append((b"www-authenticate", b"Bearer"))
        if "expect" in exchange.headers:
            # A client that waits for leave to send its body may now send it, or not: only the end of the line is clear.
            headers.append((b"connection", b"close"))
        member = "detail" if isinstance(answer, PermissionMissing) else "error"
        await send_json(send, answer.status, {member: str(answer)}, headers=tuple(headers))

    def _slow_down(self, scope: Scope, refused: Refused) -> TooManyFailures | None:
        """Count a credential that did not hold; one that holds is never asked about this."""
        if not isinstance(refused, CredentialRefused) or not refused.counts:
            return None
        wait = self.throttle.note(address_of(scope), _shown_prefix(exchange_of(scope)))
        return TooManyFailures(retry_after=wait) if wait is not None else None


def _shown_prefix(exchange: Exchange) -> str | None:
    said = exchange.headers.get("authorization") or exchange.headers.get("x-api-key", "")
    key = said.rpartition(" ")[2]
    return key[:_SHOWN] if key.startswith(CLIENT_KEY_PREFIX) else None


def _note(exchange: Exchange, caller: Caller) -> None:
    exchange.caller = caller
    access = exchange.facts.access
    if caller.client is not None:
        access["client"] = caller.client.name
    if caller.claims is not None:
        access["token_issuer"] = caller.claims.issuer
        if caller.claims.realm:
            exchange.facts.bound["gitlab_realm"] = caller.claims.realm
