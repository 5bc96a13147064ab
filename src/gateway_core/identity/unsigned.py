"""Tokens whose signature is not looked at: development only, behind a setting."""

from __future__ import annotations

from dataclasses import dataclass

from gateway_core.identity.claims import TokenRefused, check_claims, refuse_token
from gateway_core.identity.compact import TokenMalformed, looks_compact, parse_compact
from gateway_core.identity.model import Caller
from gateway_core.kernel.clock import Clock


@dataclass(frozen=True, slots=True)
class UnsignedTokens:
    """Read a token without its signature; form, audience and times still hold."""

    audience: str
    clock: Clock

    def recognises(self, credential: str) -> bool:
        """Tell whether this looks like a signed token."""
        return looks_compact(credential)

    async def verify(self, credential: str) -> Caller:
        """Give whom the token names; raises CredentialRefused."""
        try:
            token = parse_compact(credential)
            claims, _ = check_claims(token.payload, audience=self.audience, now=self.clock.now().timestamp())
        except (TokenMalformed, TokenRefused) as refused:
            raise refuse_token(refused.reason) from refused
        return Caller("token", claims)
