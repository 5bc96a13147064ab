"""Find out who calls, or say why not: every refusal is counted and recorded."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import Scope

from ai_gateway.edge.audit import address_of, record_refusal
from ai_gateway.edge.scope import Exchange, exchange_of, is_operator_door
from gateway_core.audit.ports import AuditTrail
from gateway_core.identity.model import CLIENT_KEY_PREFIX, Caller
from gateway_core.identity.service import Authenticator
from gateway_core.identity.throttle import FailureThrottle
from gateway_core.kernel.errors import CredentialRefused, PermissionMissing, Refused, TooManyFailures

# As much of a key as may be shown; guesses that share it are counted together.
_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Admission:
    """Ask for the credential of a request."""

    authenticator: Authenticator
    throttle: FailureThrottle
    audit: AuditTrail

    async def admit(self, scope: Scope) -> Caller:
        """Give the caller, who is noted on the exchange; raises Refused, or TooManyFailures in its stead."""
        exchange = exchange_of(scope)
        try:
            if is_operator_door(scope["path"]):
                caller = await self._identify_operator(exchange)
            else:
                authenticator, header = self.authenticator, exchange.header
                caller = authenticator.authenticate_key(header) or await authenticator.authenticate_token(header)
        except Refused as refused:
            record_refusal(self.audit, scope, refused)
            slower = self._slow_down(scope, refused)
            if slower is not None:
                raise slower from refused
            raise
        _note(exchange, caller)
        return caller

    async def _identify_operator(self, exchange: Exchange) -> Caller:
        caller = await self.authenticator.authenticate_operator(exchange.header)
        if not caller.has_role("viewer"):
            exchange.caller = caller
            message = f"The client {caller.name!r} has no role; the operator's door needs viewer, operator or admin."
            raise PermissionMissing(message)
        return caller

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
