"""The credentials target over a product with a bug: padding is taken off tokens before they are read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

from fuzz import fuzz_credentials
from fuzz.fuzz_credentials import LONGEST_INPUT, PLACEHOLDERS, WORDS
from fuzz.known import Doors, build_doors
from gateway_core.identity.model import Caller
from gateway_core.identity.ports import CredentialVerifier

__all__ = ["LONGEST_INPUT", "PLACEHOLDERS", "WORDS", "lenient_doors", "try_one"]


@dataclass(frozen=True, slots=True)
class LenientTokens:
    """Verify tokens as somebody careless would."""

    strict: CredentialVerifier

    def recognises(self, credential: str) -> bool:
        """Tell whether this looks like a signed token."""
        return self.strict.recognises(credential)

    async def verify(self, credential: str) -> Caller:
        """Verify it, whatever padding it has."""
        return await self.strict.verify(credential.replace("=", ""))


def lenient_doors() -> Doors:
    """Open doors with the bug."""
    doors = build_doors()
    front = doors.authenticator
    return replace(doors, authenticator=replace(front, tokens=LenientTokens(front.tokens)))


_shared = cache(lenient_doors)


def try_one(data: bytes) -> None:
    """Show one input to the doors with the bug."""
    fuzz_credentials.try_one(data, doors=_shared())
