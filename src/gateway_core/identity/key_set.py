"""An issuer's published key set: the keys in it that we trust, and why not the others.

Source: RFC 7517, and RFC 7518, sections 3.3, 3.4, 6.2 and 6.3.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from gateway_core.identity.compact import quote
from gateway_core.identity.ports import TrustedKey

if TYPE_CHECKING:
    # For a type alone, and a twentieth of the time that a start takes; so it is where they are used.
    from joserfc.jwk import ECKey, RSAKey

LARGEST_DOCUMENT = 256 * 1024
"""Bytes that a key set may have."""

MOST_KEYS = 64
"""Keys of one set that are read; the others are skipped."""

SMALLEST_RSA = 2048
"""Bits that an RSA key must have."""

LARGEST_RSA = 8192
"""Bits that it may have: above, each look at a signature takes milliseconds."""

_LARGEST_EXPONENT = 64
_LONGEST_KEY_ID = 256
_COORDINATE_BYTES = 32
# The algorithm follows from the kind of key, never from a token: so no public key is ever taken for a password.
_ALGORITHM_OF = {"RSA": "RS256", "EC": "ES256"}
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
# Padding is wrong here, but harmless in a document of an issuer whom we trust.
_BASE64URL = re.compile(r"([A-Za-z0-9_-]+)={0,2}")


class KeySetUnreadable(ValueError):
    """The document is no key set; the message says why, in words that fit after a colon."""


@dataclass(frozen=True, slots=True)
class SkippedKey:
    """A key of a set that is not as it should be, by its id if it has one, and why."""

    kid: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class ParsedKeySet:
    """The usable keys in the order of the document, and those that are passed over."""

    keys: tuple[TrustedKey, ...]
    skipped: tuple[SkippedKey, ...] = ()


class _Skip(Exception):
    pass


def parse_key_set(
    document: bytes, *, source: str, algorithms: Collection[str], issuer: str | None = None
) -> ParsedKeySet:
    """Read a key set (JWKS) of this source; raises KeySetUnreadable when it is none.

    `issuer` is the one that tokens of these keys must name, None for any.
    """
    entries = _entries(document)
    keys, skipped = [], []
    for entry in entries[:MOST_KEYS]:
        kid = _shown_kid(entry)
        try:
            keys.append(_parse_key(entry, source=source, algorithms=algorithms, issuer=issuer))
        except _Skip as skip:
            skipped.append(SkippedKey(kid, f"the key {quote(kid)} is skipped: {skip}"))
    if len(entries) > MOST_KEYS:
        skipped.append(SkippedKey(None, f"only the first {MOST_KEYS} of {len(entries)} keys are read"))
    return ParsedKeySet(tuple(keys), tuple(skipped))


def _entries(document: bytes) -> list[object]:
    if len(document) > LARGEST_DOCUMENT:
        raise KeySetUnreadable(f"it has {len(document)} bytes, a key set has at most {LARGEST_DOCUMENT}")
    try:
        found = msgspec.json.decode(document, type=dict[str, object]).get("keys")
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise KeySetUnreadable("it is not one JSON object") from error
    if not isinstance(found, list):
        raise KeySetUnreadable("it has no list named 'keys'")
    return found


def _shown_kid(entry: object) -> str | None:
    kid = entry.get("kid") if isinstance(entry, dict) else None
    return kid[:_LONGEST_KEY_ID] if isinstance(kid, str) else None


def _parse_key(entry: object, *, source: str, algorithms: Collection[str], issuer: str | None) -> TrustedKey:
    if not isinstance(entry, dict):
        raise _Skip("it is not a JSON object")
    kid, kind = entry.get("kid"), entry.get("kty")
    if kid is not None and (not isinstance(kid, str) or len(kid) > _LONGEST_KEY_ID):
        raise _Skip(f"its 'kid' is no text of at most {_LONGEST_KEY_ID} characters")
    algorithm = _ALGORITHM_OF.get(kind) if isinstance(kind, str) else None
    if algorithm is None:
        raise _Skip(f"keys of the kind {quote(kind)} are not used here")
    if _PRIVATE & entry.keys():
        raise _Skip("it is published with its private half, so anyone can sign with it: its issuer must replace it")
    _check_purpose(entry, algorithm=algorithm)
    if algorithm not in algorithms:
        raise _Skip(f"{algorithm} is not allowed here: set AIGW_AUTH__ALGORITHMS")
    key = _rsa_key(entry) if kind == "RSA" else _ec_key(entry)
    return TrustedKey(source, kid, algorithm, key, issuer)


def _check_purpose(entry: Mapping[str, object], *, algorithm: str) -> None:
    use, operations, named = entry.get("use"), entry.get("key_ops"), entry.get("alg")
    if use is not None and use != "sig":
        raise _Skip(f"its use is {quote(use)}, not 'sig'")
    if operations is not None and not (isinstance(operations, list) and "verify" in operations):
        raise _Skip("its 'key_ops' do not hold 'verify'")
    if named is not None and named != algorithm:
        raise _Skip(f"its algorithm is {quote(named)}, not {algorithm!r}")


def _rsa_key(entry: Mapping[str, object]) -> RSAKey:
    # Imported here: see above.
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers  # noqa: PLC0415
    from joserfc.jwk import RSAKey  # noqa: PLC0415

    modulus, exponent = (int.from_bytes(_number(entry, name)) for name in ("n", "e"))
    bits = modulus.bit_length()
    if not SMALLEST_RSA <= bits <= LARGEST_RSA:
        raise _Skip(f"it has {bits} bits, from {SMALLEST_RSA} to {LARGEST_RSA} are taken")
    # A huge exponent is no safer, but makes each look at a signature cost as much as signing.
    if exponent < 3 or exponent % 2 == 0 or exponent.bit_length() > _LARGEST_EXPONENT:
        raise _Skip(f"its exponent must be odd, 3 or more, and have at most {_LARGEST_EXPONENT} bits")
    if modulus % 2 == 0:
        raise _Skip("its modulus is even, which no RSA key has")
    try:
        key = RSAKey.import_key(RSAPublicNumbers(exponent, modulus).public_key())
    except ValueError as error:
        raise _Skip("its numbers are no RSA key") from error
    # Asked for once here: keys are rendered on first use, and the first use would be a request.
    _ = key.dict_value
    return key


def _ec_key(entry: Mapping[str, object]) -> ECKey:
    # Imported here: see above.
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicNumbers  # noqa: PLC0415
    from joserfc.jwk import ECKey  # noqa: PLC0415

    if entry.get("crv") != "P-256":
        raise _Skip(f"its curve is {quote(entry.get('crv'))}, not 'P-256'")
    across, up = (_number(entry, name) for name in ("x", "y"))
    if len(across) != _COORDINATE_BYTES or len(up) != _COORDINATE_BYTES:
        raise _Skip(f"its coordinates have not {_COORDINATE_BYTES} bytes each")
    try:
        point = EllipticCurvePublicNumbers(int.from_bytes(across), int.from_bytes(up), SECP256R1()).public_key()
        key = ECKey.import_key(point)
    except ValueError as error:
        raise _Skip("its point is not on the curve") from error
    _ = key.dict_value
    return key


def _number(entry: Mapping[str, object], name: str) -> bytes:
    written = entry.get(name)
    plain = _BASE64URL.fullmatch(written) if isinstance(written, str) else None
    if plain is None or len(plain[1]) % 4 == 1:
        raise _Skip(f"its member {name!r} is missing, or no base64url number")
    return base64.urlsafe_b64decode(plain[1] + "=" * (-len(plain[1]) % 4))
