"""Whom the door must let in, by a reading of the rules that shares no code with the product."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from enum import Enum

from fakes.signing import NOW, SERVICE
from fuzz.known import CLIENT_KEYS, LIVE_KEY, TOKENS
from fuzz.wire import SignedPart, WireRequest


class Verdict(Enum):
    """What may come of a request."""

    CLIENT = "the client comes in"
    TOKEN = "the holder of the token comes in"
    PERHAPS = "the holder of the token comes in, or is refused: its claims are out of the ordinary"
    NOBODY = "nobody comes in"


_BEARER = re.compile(rb"[ \t]*bearer [ \t]*([!-~]+)[ \t]*", re.IGNORECASE)


def judge(request: WireRequest, *, operator: bool = False) -> Verdict:
    """Tell who must come in: only by a credential that is, byte for byte, one that holds."""
    credential, as_key_only = _shown(request)
    if credential == LIVE_KEY:
        return Verdict.CLIENT
    if operator or as_key_only or request.values(b"x-gitlab-authentication-type") != [b"oidc"]:
        return Verdict.NOBODY
    for token in TOKENS.values():
        if credential == token.text:
            repeated = all(request.values(name) == [value] for name, value in token.needs.items())
            return Verdict.TOKEN if token.holds and repeated else Verdict.NOBODY
    part = request.signed.get(credential)
    return Verdict.PERHAPS if part is not None and _may_hold(part, request) else Verdict.NOBODY


def secrets_of(request: WireRequest) -> list[bytes]:
    """Give what no reason may repeat: keys of clients beyond their beginning, and signatures."""
    keys = [key[13:] for key in CLIENT_KEYS.values()]
    texts = [token.text for token in TOKENS.values()] + list(request.signed)
    return keys + [text.rpartition(b".")[2][:24] for text in texts]


def _shown(request: WireRequest) -> tuple[bytes, bool]:
    """Give the one credential that is shown, and whether it came where only keys of clients are taken."""
    said = request.values(b"authorization")
    if said:
        bearer = _BEARER.fullmatch(said[0]) if len(said) == 1 else None
        return (bearer[1] if bearer else b""), False
    keys = request.values(b"x-api-key")
    return (keys[0] if len(keys) == 1 else b""), True


def _may_hold(part: SignedPart, request: WireRequest) -> bool:
    header, claims = _members(part.header), _members(part.payload)
    if header is None or claims is None or not part.signer.trusted:
        return False
    wanted = {"alg": part.signer.algorithm, "kid": part.signer.kid}
    if header.get("alg") != wanted["alg"] or header.get("kid", wanted["kid"]) != wanted["kid"]:
        return False
    if not header.keys().isdisjoint({"crit", "zip", "jwk", "jku", "x5u", "x5c"}):
        return False
    return _in_time(claims) and _is_for_us(claims) and _of_its_issuer(part, claims) and _repeated(claims, request)


def _members(raw: bytes) -> dict[str, object] | None:
    try:
        # Decoded first, because the reader would also guess at UTF-16.
        found: object = json.loads(raw.decode(), object_pairs_hook=_once, parse_int=_integer, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _once(members: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(members)
    return found if len(found) == len(members) else _refuse("a member twice")


def _integer(digits: str) -> float:
    # Longer ones are no times; as floats they would be endless.
    return int(digits) if len(digits) < 300 else math.inf


def _refuse(what: str) -> dict[str, object]:
    raise ValueError(what)


def _in_time(claims: Mapping[str, object]) -> bool:
    times = {name: claims[name] for name in ("exp", "nbf", "iat") if name in claims}
    if "exp" not in times:
        return False
    for name, value in times.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isinf(value):
            return False
        if (value <= NOW) if name == "exp" else (value > NOW):
            return False
    return True


def _is_for_us(claims: Mapping[str, object]) -> bool:
    named = claims.get("aud")
    if isinstance(named, list):
        return SERVICE in named and all(isinstance(one, str) for one in named)
    return named == SERVICE


def _of_its_issuer(part: SignedPart, claims: Mapping[str, object]) -> bool:
    issuer = _text(claims, "iss")
    return issuer == part.signer.issuer if part.signer.issuer is not None else issuer != SERVICE


def _repeated(claims: Mapping[str, object], request: WireRequest) -> bool:
    own = _text(claims, "iss") == SERVICE
    headers = {
        b"x-gitlab-realm": [_text(claims, "gitlab_realm")],
        b"x-gitlab-instance-id": [_text(claims, "gitlab_instance_id"), "" if own else _text(claims, "sub")],
        b"x-gitlab-global-user-id": [_text(claims, "sub") if own else ""],
    }
    return all(
        request.values(name) == [wanted.encode("latin-1", "replace")]
        for name, claimed in headers.items()
        for wanted in claimed
        if wanted
    )


def _text(claims: Mapping[str, object], name: str) -> str:
    value = claims.get(name)
    return "" if value is None else str(value)
