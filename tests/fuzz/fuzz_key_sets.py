"""Key sets of any bytes: no key is trusted that is weak, of another kind, or of another use, and nothing breaks."""

from __future__ import annotations

from joserfc.jwk import ECKey, RSAKey

from fuzz.finding import Finding
from fuzz.known import ALGORITHMS
from gateway_core.identity.key_set import LARGEST_DOCUMENT, MOST_KEYS, KeySetUnreadable, ParsedKeySet, parse_key_set
from gateway_core.identity.ports import TrustedKey

LONGEST_INPUT = LARGEST_DOCUMENT + 1_024
PLACEHOLDERS = (b"x",)
WORDS = (
    *(
        b'"kty":',
        b'"RSA"',
        b'"EC"',
        b'"oct"',
        b'"OKP"',
        b'"crv":',
        b'"P-256"',
        b'"P-384"',
        b'"use":',
        b'"sig"',
        b'"enc"',
    ),
    *(
        b'"key_ops":',
        b'["verify"]',
        b'"alg":',
        b'"RS256"',
        b'"ES256"',
        b'"HS256"',
        b'"kid":',
        b'"n":',
        b'"e":',
        b'"x":',
    ),
    *(
        b'"y":',
        b'"d":',
        b'"k":',
        b'"keys":',
        b"[",
        b"]",
        b"{",
        b"}",
        b"{},",
        b"null",
        b'"AQAB"',
        b'"Aw"',
        b'"AAAA"',
        b"=",
    ),
)

_LONGEST_REASON = 1_000
_ISSUER = "https://issuer.test"


def try_one(data: bytes) -> None:
    """Read one input as a key set; raises Finding, or whatever broke."""
    both = _read(data, algorithms=ALGORITHMS)
    alone = _read(data, algorithms=ALGORITHMS[:1])
    if (both is None) != (alone is None):
        raise Finding("which algorithms are allowed decides whether the document is a key set")
    if both is not None and alone is not None:
        _check(both)
        if [key.kid for key in both.keys if key.algorithm == ALGORITHMS[0]] != [key.kid for key in alone.keys]:
            raise Finding("keys of one algorithm come and go with another")


def _read(data: bytes, *, algorithms: tuple[str, ...]) -> ParsedKeySet | None:
    try:
        return parse_key_set(data, source="Gitlab", algorithms=algorithms, issuer=_ISSUER)
    except KeySetUnreadable as unreadable:
        _check_words(str(unreadable))
        return None


def _check(found: ParsedKeySet) -> None:
    if len(found.keys) > MOST_KEYS:
        raise Finding(f"{len(found.keys)} keys are trusted")
    for key in found.keys:
        _check_key(key)
    for skipped in found.skipped:
        _check_words(skipped.reason)


def _check_key(trusted: TrustedKey) -> None:
    if (trusted.source, trusted.issuer) != ("Gitlab", _ISSUER):
        raise Finding(f"a key of {trusted.source!r} for {trusted.issuer!r}")
    key = trusted.key
    if key.is_private:
        raise Finding(f"the key {trusted.kid!r} is kept with its private half")
    match (trusted.algorithm, key):
        case ("RS256", RSAKey()):
            numbers = key.public_key.public_numbers()
            bits = numbers.n.bit_length()
            if not 2048 <= bits <= 8192 or numbers.n % 2 == 0 or numbers.e < 3 or numbers.e % 2 == 0:
                raise Finding(f"an RSA key of {bits} bits with the exponent {numbers.e} is trusted")
        case ("ES256", ECKey()):
            if key.curve_name != "P-256":
                raise Finding(f"a key on the curve {key.curve_name} is trusted")
        case _:
            raise Finding(f"a key {type(key).__name__} is trusted for {trusted.algorithm}")


def _check_words(reason: str) -> None:
    if not reason.isprintable() or len(reason) > _LONGEST_REASON:
        raise Finding(f"a reason that no log should hold: {reason!r}")
