"""A signed token's compact form, read strictly: one way to write each token, and only one.

Nothing here is trusted yet: the signature is looked at by those who hold keys.
Source: RFC 7515, sections 3.1, 4.1 and 7.1, and RFC 4648, section 3.5.
"""

from __future__ import annotations

import binascii
import json
import re
from dataclasses import dataclass

import msgspec

LONGEST_TOKEN = 16 * 1024
"""Characters that a token may have; GitLab's have about one thousand."""

_LONGEST_KEY_ID = 256
_LONGEST_QUOTE = 80
_DEEPEST = 16

_PARTS = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
# What the last character may be so that the bits which belong to no byte are zero: otherwise several
# spellings would be the same token.
_LAST_CHARACTERS = {2: frozenset("AQgw"), 3: frozenset("AEIMQUYcgkosw048")}
# A header that brings its own key asks to be believed on its own word. GitLab sends none of these; who does
# send one is better told than left with an unknown key. `x5t` only names a certificate and is passed over.
_OWN_KEYS = ("jwk", "jku", "x5u", "x5c")


class TokenMalformed(Exception):
    """This is no token at all; `reason` says why, and quotes nothing but the header."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class TokenHeader:
    """What a token says about its own signature."""

    algorithm: str
    kid: str | None = None
    type: str | None = None


@dataclass(frozen=True, slots=True)
class CompactToken:
    """A token taken apart. `payload` is a JSON object, whose members are nobody's word until the signature holds."""

    header: TokenHeader
    signing_input: bytes
    payload: bytes
    signature: bytes


def looks_compact(credential: str) -> bool:
    """Tell by the looks alone whether this is meant to be a signed token."""
    return credential.count(".") == 2


def parse_compact(token: str) -> CompactToken:
    """Take a token apart; raises TokenMalformed."""
    if len(token) > LONGEST_TOKEN:
        raise TokenMalformed(f"it has {len(token)} characters, a token has at most {LONGEST_TOKEN}")
    parts = _PARTS.fullmatch(token)
    if parts is None:
        raise TokenMalformed(_shape_fault(token))
    header, payload, signature = parts.groups()
    head = _parse_header(read_object(_decoded(header, "header"), what="header"))
    body = _decoded(payload, "payload")
    read_object(body, what="payload")
    signing_input = token[: parts.end(2)].encode()
    return CompactToken(head, signing_input, body, _decoded(signature, "signature"))


def read_object(raw: bytes, *, what: str) -> dict[str, object]:
    """Read a JSON object, no member of which is there twice; raises TokenMalformed naming `what` it is of."""
    try:
        found = msgspec.json.decode(raw, type=dict[str, object])
        # The decoder above keeps the last of two members, others the first; so that nobody else reads another
        # token than we do, this one looks for twins. Numbers stay text here: long ones cost time.
        json.loads(raw, object_pairs_hook=_without_twins, parse_int=str, parse_float=str)
    except (msgspec.MsgspecError, ValueError) as error:
        raise TokenMalformed(f"its {what} is not one JSON object") from error
    except RecursionError:
        raise TokenMalformed(f"its {what} is nested too deep") from None
    except _Twins as twins:
        raise TokenMalformed(f"its {what} holds {quote(twins.name)} twice") from None
    # Fewer openings than levels: most objects are known to be flat enough without a walk.
    if raw.count(b"{") + raw.count(b"[") > _DEEPEST and _is_deeper(found, _DEEPEST):
        raise TokenMalformed(f"its {what} is nested deeper than {_DEEPEST} levels")
    return found


def quote(value: object) -> str:
    """Write a value so that a log can hold it: with quotation marks, escaped and short."""
    text = repr(value)
    return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}…"


class _Twins(Exception):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def _without_twins(members: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(members)
    if len(found) == len(members):
        return found
    seen: set[str] = set()
    for name, _ in members:
        if name in seen:
            raise _Twins(name)
        seen.add(name)
    return found


def _is_deeper(value: object, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    if inner is None:
        return False
    return levels == 0 or any(_is_deeper(one, levels - 1) for one in inner)


def _shape_fault(token: str) -> str:
    parts = token.split(".")
    if len(parts) != 3:
        return f"it has {len(parts)} parts between dots, a signed token has three"
    if not all(parts):
        return "a part of it is empty; tokens without a signature are not taken"
    if "=" in token:
        return "it is padded with '=', which no token is"
    return "it holds characters that no token has: was it changed on its way?"


def _decoded(part: str, what: str) -> bytes:
    rest = len(part) % 4
    if rest == 1 or (rest and part[-1] not in _LAST_CHARACTERS[rest]):
        raise TokenMalformed(f"its {what} is not whole: was it cut off or changed on its way?")
    return binascii.a2b_base64(part.encode().translate(_TO_STANDARD) + b"=" * (-rest % 4))


def _parse_header(members: dict[str, object]) -> TokenHeader:
    algorithm, kid, kind = members.get("alg"), members.get("kid"), members.get("typ")
    if not isinstance(algorithm, str) or not algorithm:
        raise TokenMalformed("its header names no algorithm ('alg')")
    if algorithm.lower() == "none":
        raise TokenMalformed(f"its header says {quote(algorithm)} for the algorithm: unsigned tokens are not taken")
    if "kid" in members and (not isinstance(kid, str) or len(kid) > _LONGEST_KEY_ID):
        raise TokenMalformed(f"its header's 'kid' is no text of at most {_LONGEST_KEY_ID} characters")
    if "typ" in members and not isinstance(kind, str):
        raise TokenMalformed("its header's 'typ' is no text")
    _refuse_extensions(members)
    return TokenHeader(algorithm, kid if isinstance(kid, str) else None, kind if isinstance(kind, str) else None)


def _refuse_extensions(members: dict[str, object]) -> None:
    if "crit" in members:
        raise TokenMalformed("its header demands extensions ('crit'), and we know of none")
    if members.get("b64", True) is not True:
        raise TokenMalformed("its payload is not encoded ('b64'), which we do not take")
    if "zip" in members:
        raise TokenMalformed("its payload is compressed ('zip'), which we do not take")
    own = next((name for name in _OWN_KEYS if name in members), None)
    if own is not None:
        raise TokenMalformed(
            f"its header brings a key of its own ({own!r}); keys come from the configured issuers only"
        )
