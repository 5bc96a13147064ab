"""What a way of proving oneself must do."""

from __future__ import annotations

from typing import Protocol

from gateway_core.identity.model import Caller, Claims


class ClientKeys(Protocol):
    """Keys that this gateway made for its clients."""

    def verify(self, key: str) -> Caller | None:
        """Give the caller who holds this key, or None."""
        ...


class TokenVerifier(Protocol):
    """Signed tokens from an issuer."""

    def verify(self, token: str) -> Claims | None:
        """Give what the token says, or None when it does not hold."""
        ...
