"""What a token says about its holder, once its signature holds: read, and checked against our name and the clock."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from sys import intern
from types import MappingProxyType

from gateway_core.identity.compact import TokenMalformed, quote, read_object
from gateway_core.identity.model import Claims
from gateway_core.kernel.errors import CredentialRefused

_OF_THE_HOLDER = frozenset(
    {"iss", "sub", "scopes", "gitlab_realm", "gitlab_instance_id", "duo_seat_count", "gitlab_instance_uid"}
)
# About one token and not about its holder: no token that we issue may take them over.
_OF_THE_TOKEN = frozenset({"aud", "exp", "nbf", "iat", "jti"})

# The end of the year 9999; a calendar shows no time after it.
_LAST_SECOND = 253_402_300_799


class TokenRefused(Exception):
    """The token does not hold; `reason` names the cause and the cure, for the operator."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def refuse_token(reason: str) -> CredentialRefused:
    """Give the refusal of a token: the same words for the caller whatever the reason, which is for the operator."""
    return CredentialRefused("Forbidden by auth provider", reason=f"the token is refused: {reason}", counts=True)


def check_claims(payload: bytes, *, audience: str, now: float) -> tuple[Claims, float]:
    """Give what the token says, and the second since 1970 at which it ends; raises TokenRefused.

    Times have no leeway. `now` is in seconds since 1970.
    """
    try:
        members = read_object(payload, what="payload")
    except TokenMalformed as malformed:
        raise TokenRefused(malformed.reason) from malformed
    _check_audience(members, audience=audience)
    expiry = _check_times(members, now=now)
    return _claims(members), expiry


def _check_audience(members: Mapping[str, object], *, audience: str) -> None:
    if "aud" not in members:
        raise TokenRefused("it names no audience ('aud')")
    named = members["aud"]
    texts = [one for one in (named if isinstance(named, list) else [named]) if isinstance(one, str)]
    if isinstance(named, list) and len(texts) != len(named):
        raise TokenRefused("its audience ('aud') holds a member that is no text")
    if not audience or audience not in texts:
        raise TokenRefused(
            f"its audience is {quote(named)}, this gateway answers to {quote(audience)}:"
            " set AIGW_CLOUD_CONNECTOR_SERVICE_NAME, or have tokens issued for this name"
        )


def _check_times(members: Mapping[str, object], *, now: float) -> float:
    if "exp" not in members:
        raise TokenRefused("it never expires ('exp' is missing), and such tokens are not taken")
    expiry = _time(members, "exp")
    if expiry <= now:
        raise TokenRefused(f"it expired {_distance(now - expiry)} ago (exp {_shown(expiry)}): are both clocks right?")
    for name, what in (("nbf", "it holds only"), ("iat", "it was issued")):
        begin = _time(members, name) if name in members else now
        if begin > now:
            ahead = f"{what} {_distance(begin - now)} from now ({name} {_shown(begin)})"
            raise TokenRefused(f"{ahead}: are both clocks right?")
    return expiry


def _time(members: Mapping[str, object], name: str) -> float:
    value = members[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenRefused(f"its {name!r} is {quote(value)}, not a number of seconds")
    try:
        seconds = float(value)
    except OverflowError:
        seconds = math.inf
    if not math.isfinite(seconds):
        raise TokenRefused(f"its {name!r} is {quote(value)}, which is no time")
    return seconds


def _distance(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds < 1 else f"{seconds:.0f} s"


def _shown(seconds: float) -> str:
    if 0 <= seconds <= _LAST_SECOND:
        return datetime.fromtimestamp(seconds, UTC).isoformat()
    return quote(seconds)


def _claims(members: Mapping[str, object]) -> Claims:
    extra = {name: value for name, value in members.items() if name not in _OF_THE_HOLDER | _OF_THE_TOKEN}
    return Claims(
        issuer=_text(members, "iss"),
        subject=_text(members, "sub"),
        scopes=_scopes(members.get("scopes")),
        realm=_text(members, "gitlab_realm"),
        instance_id=_text(members, "gitlab_instance_id"),
        duo_seat_count=_text(members, "duo_seat_count"),
        instance_uid=_text(members, "gitlab_instance_uid"),
        # One remembered token serves many requests at once: none of them may write into it.
        extra=MappingProxyType(extra),
    )


def _scopes(listed: object) -> frozenset[str]:
    members: Iterable[object] = listed if isinstance(listed, list) else ()
    # Every token repeats the same few names, and thousands of tokens are remembered.
    return frozenset(intern(scope) for scope in members if isinstance(scope, str))


def _text(members: Mapping[str, object], name: str) -> str:
    value = members.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TokenRefused(f"its {name!r} is {quote(value)}, not a text")
    return str(value)
