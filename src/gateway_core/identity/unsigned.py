"""Tokens whose signature is not looked at: development only, behind a setting."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

import msgspec

from gateway_core.identity.model import Claims
from gateway_core.kernel.clock import Clock

_KNOWN = frozenset(
    {"iss", "sub", "scopes", "gitlab_realm", "gitlab_instance_id", "duo_seat_count", "gitlab_instance_uid"}
)
_LONGEST_TOKEN = 16 * 1024


@dataclass(frozen=True, slots=True)
class UnsignedTokens:
    """Read a token without its signature; audience and times still hold."""

    audience: str
    clock: Clock

    def verify(self, token: str) -> Claims | None:
        """Give what the token says, or None when it does not hold."""
        payload = _payload(token)
        if payload is None:
            return None
        audience = payload.get("aud")
        if self.audience not in (audience if isinstance(audience, list) else [audience]):
            return None
        now = self.clock.now().timestamp()
        expires = payload.get("exp")
        if not isinstance(expires, int | float) or expires <= now:
            return None
        for claim in ("nbf", "iat"):
            begins = payload.get(claim, 0)
            if not isinstance(begins, int | float) or begins > now:
                return None
        return _claims(payload)


def _payload(token: str) -> dict[str, object] | None:
    parts = token.split(".")
    if len(parts) != 3 or len(token) > _LONGEST_TOKEN:
        return None
    try:
        raw = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        return msgspec.json.decode(raw, type=dict[str, object])
    except (binascii.Error, ValueError, RecursionError):
        return None


def _claims(payload: dict[str, object]) -> Claims:
    scopes = payload.get("scopes")
    return Claims(
        issuer=_text(payload.get("iss")),
        subject=_text(payload.get("sub")),
        scopes=frozenset(str(scope) for scope in scopes) if isinstance(scopes, list) else frozenset(),
        realm=_text(payload.get("gitlab_realm")),
        instance_id=_text(payload.get("gitlab_instance_id")),
        duo_seat_count=_text(payload.get("duo_seat_count")),
        instance_uid=_text(payload.get("gitlab_instance_uid")),
        extra={name: value for name, value in payload.items() if name not in _KNOWN},
    )


def _text(value: object) -> str:
    return "" if value is None else str(value)
