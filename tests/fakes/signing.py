"""Keys, and tokens signed with them: good ones, and ones that are forged in every way we know of.

Signed by the cryptography library itself, so that nothing of the product is tested by its own hand.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from functools import cache

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc.jwk import ECKey, RSAKey

from fakes.clock import MORNING
from gateway_core.identity.ports import TrustedKey

SERVICE = "gitlab-ai-gateway"
ISSUER = "http://gitlab.test"
NOW = MORNING.timestamp()

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class FakeKeySets:
    """Keys that a test sets; `found_later` are what the issuers answer when they are asked again."""

    def __init__(self, *keys: TrustedKey, found_later: Sequence[TrustedKey] = (), trouble: str = "") -> None:
        self.known = list(keys)
        self.found_later = list(found_later)
        self.looks = 0
        self._generation = 0
        self._trouble = trouble

    @property
    def generation(self) -> int:
        return self._generation

    def keys(self) -> Sequence[TrustedKey]:
        return tuple(self.known)

    async def look_again(self) -> bool:
        self.looks += 1
        if not self.found_later:
            return False
        self.change_to(*self.known, *self.found_later)
        self.found_later = []
        return True

    def trouble(self) -> str:
        return self._trouble

    def change_to(self, *keys: TrustedKey) -> None:
        """Hold these keys from now on."""
        self.known = list(keys)
        self._generation += 1


@cache
def rsa_key(name: str = "first", *, bits: int = 2048) -> rsa.RSAPrivateKey:
    """Give the RSA key of this name; made once for each test process, because making one is slow."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def ec_key(name: str = "first", *, p_256: bool = True) -> ec.EllipticCurvePrivateKey:
    """Give the key of this name on the curve P-256, or on P-384."""
    return ec.generate_private_key(ec.SECP256R1() if p_256 else ec.SECP384R1())


def private_pem(key: PrivateKey, *, pkcs1: bool = False, passphrase: bytes | None = None) -> str:
    """Write a private key as PEM: PKCS#8, or the older form of its kind."""
    form = serialization.PrivateFormat.TraditionalOpenSSL if pkcs1 else serialization.PrivateFormat.PKCS8
    lock = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, lock).decode()


def public_pem(key: PrivateKey) -> str:
    """Write the public half as PEM."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def jwk_of(key: PrivateKey, **members: object) -> dict[str, object]:
    """Write the public half as issuers publish it; a member of None is left out."""
    numbers = key.public_key().public_numbers()
    if isinstance(numbers, rsa.RSAPublicNumbers):
        written = {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e), "use": "sig", "alg": "RS256"}
    else:
        size = (key.key_size + 7) // 8
        across, up = (encoded(one.to_bytes(size)) for one in (numbers.x, numbers.y))
        written = {"kty": "EC", "crv": f"P-{key.key_size}", "x": across, "y": up, "use": "sig", "alg": "ES256"}
    return {name: value for name, value in {**written, **members}.items() if value is not None}


def trusted(
    key: PrivateKey, *, source: str = "Gitlab", kid: str | None = "k1", issuer: str | None = None
) -> TrustedKey:
    """Give the public half as one that the gateway trusts."""
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        return TrustedKey(source, kid, "RS256", RSAKey.import_key(public), issuer)
    return TrustedKey(source, kid, "ES256", ECKey.import_key(public), issuer)


def claims_of(**changes: object) -> dict[str, object]:
    """Give the claims of a token that holds for an hour; a change to None takes a claim away."""
    known: dict[str, object] = {
        "iss": ISSUER,
        "aud": SERVICE,
        "sub": "1234",
        "gitlab_realm": "self-managed",
        "scopes": ["complete_code"],
        "iat": int(NOW),
        "nbf": int(NOW),
        "exp": int(NOW) + 3600,
    }
    return {name: value for name, value in {**known, **changes}.items() if value is not None}


def write_token(
    claims: Mapping[str, object] | bytes,
    *,
    key: PrivateKey | None = None,
    header: Mapping[str, object] | None = None,
) -> str:
    """Write a signed token; `claims` may be the payload's bytes, `header` changes the header (None: left out)."""
    key = key or rsa_key()
    algorithm = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
    head = {"alg": algorithm, "typ": "JWT", "kid": "k1", **(header or {})}
    return sign_parts(
        json.dumps({name: value for name, value in head.items() if value is not None}).encode(),
        claims if isinstance(claims, bytes) else json.dumps(claims).encode(),
        key=key,
    )


def sign_parts(header: bytes, payload: bytes, *, key: PrivateKey) -> str:
    """Write a token of these very bytes, whatever they are, with a signature that holds."""
    signed = f"{encoded(header)}.{encoded(payload)}"
    return f"{signed}.{encoded(signature_of(signed.encode(), key))}"


def signature_of(signed: bytes, key: PrivateKey) -> bytes:
    """Sign by RS256 or ES256, as the key is."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    size = (key.key_size + 7) // 8
    return b"".join(one.to_bytes(size) for one in decode_dss_signature(key.sign(signed, ec.ECDSA(hashes.SHA256()))))


def encoded(raw: bytes) -> str:
    """Write bytes as base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def number(value: int) -> str:
    """Write a number as key sets do."""
    return encoded(value.to_bytes((value.bit_length() + 7) // 8))


def decoded(part: str) -> bytes:
    """Read one part of a token."""
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def claims_in(token: str) -> dict[str, object]:
    """Read what a token says, without looking at its signature."""
    found: dict[str, object] = json.loads(decoded(token.split(".")[1]))
    return found


def header_of(token: str) -> dict[str, object]:
    """Read a token's header."""
    found: dict[str, object] = json.loads(decoded(token.split(".", 1)[0]))
    return found


def forged_algorithms(key: rsa.RSAPrivateKey) -> dict[str, str]:
    """Give tokens that lie about their algorithm; an attacker needs nothing but the public key for the first ones."""
    good = json.dumps(claims_of()).encode()
    secrets = {
        "pem": public_pem(key).encode(),
        "pem without its last line end": public_pem(key).strip().encode(),
        "jwk": json.dumps(jwk_of(key)).encode(),
        "modulus": decoded(str(jwk_of(key)["n"])),
        "nothing": b"",
    }
    forged = {f"HS256 with {name} as its secret": _mac_token(good, secret) for name, secret in secrets.items()}
    for spelling in ("none", "None", "NONE", "nOnE"):
        head = {"alg": spelling, "kid": "k1"}
        unsigned = f"{encoded(json.dumps(head).encode())}.{encoded(good)}"
        forged[f"{spelling} without a signature"] = f"{unsigned}."
        forged[f"{spelling} with one"] = f"{unsigned}.{encoded(signature_of(unsigned.encode(), key))}"
    for name in ("RS512", "PS256", "ES256", "rs256", "RS256 ", "EdDSA", "A128KW", "", "HS256"):
        forged[f"signed well, but says {name!r}"] = write_token(good, key=key, header={"alg": name})
    forged["RS512 in truth, RS256 by its word"] = _signed_by(key, hashes.SHA512(), padding.PKCS1v15())
    forged["PS256 in truth, RS256 by its word"] = _signed_by(
        key, hashes.SHA256(), padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    )
    return forged


def forged_headers(key: rsa.RSAPrivateKey) -> dict[str, str]:
    """Give tokens whose signature holds, and whose header asks for what nobody should grant."""
    own = jwk_of(rsa_key("attacker"))
    odd: Mapping[str, Mapping[str, object]] = {
        "crit": {"crit": ["exp"]},
        "empty crit": {"crit": []},
        "b64 off": {"b64": False, "crit": ["b64"]},
        "b64 off, uncritically": {"b64": False},
        "zip": {"zip": "DEF"},
        "own key": {"jwk": own},
        "own key elsewhere": {"jku": "http://127.0.0.1:1/keys"},
        "own certificate elsewhere": {"x5u": "http://127.0.0.1:1/cert"},
        "own certificate": {"x5c": ["AAAA"]},
        "kid of a number": {"kid": 1},
        "kid of a list": {"kid": ["k1"]},
        "kid without end": {"kid": "k" * 257},
        "typ of a number": {"typ": 1},
        "algorithm of a list": {"alg": ["RS256"]},
        "algorithm of a number": {"alg": 256},
        "no algorithm": {"alg": None},
        "deep": {"x": _nested(40)},
    }
    forged = {name: write_token(claims_of(), key=key, header=header) for name, header in odd.items()}
    payload = json.dumps(claims_of()).encode()
    return forged | {name: sign_parts(header, payload, key=key) for name, header in _RAW_HEADERS.items()}


_RAW_HEADERS = {
    "two algorithms": b'{"alg":"none","kid":"k1","alg":"RS256"}',
    "two kids": b'{"alg":"RS256","kid":"k1","kid":"k1"}',
    "two escaped alike": b'{"alg":"RS256","kid":"k1","\\u0061lg":"RS256"}',
    "a list": b'["RS256"]',
    "a text": b'"RS256"',
    "null": b"null",
    "cut JSON": b'{"alg":"RS256"',
    "more than one": b'{"alg":"RS256"}{}',
    "no JSON": b"alg=RS256",
    "no UTF-8": b'{"alg":"RS256","x":"\xff"}',
    "byte order mark": b'\xef\xbb\xbf{"alg":"RS256"}',
    "UTF-16": '{"alg":"RS256"}'.encode("utf-16"),
    "not a number": b'{"alg":"RS256","x":NaN}',
    "lone surrogate": b'{"alg":"RS256","x":"\\ud800"}',
}


def forged_payloads(key: rsa.RSAPrivateKey) -> dict[str, str]:
    """Give tokens whose signature holds over something that is no set of claims."""
    good = json.dumps(claims_of())
    raw = {
        "two audiences": good[:-1].encode() + b',"aud":"other"}',
        "two scopes deep down": good[:-1].encode() + b',"x":[{"y":1,"y":2}]}',
        "a list": b"[]",
        "null": b"null",
        "cut JSON": good[:-1].encode(),
        "more than one": good.encode() + b"{}",
        "no JSON": b"aud=gitlab-ai-gateway",
        "no UTF-8": good[:-1].encode() + b',"x":"\xff"}',
        "not a number": good[:-1].encode() + b',"x":Infinity}',
        "lone surrogate": good[:-1].encode() + b',"sub":"\\ud800"}',
        "deep": json.dumps(claims_of(x=_nested(40))).encode(),
        "deep without end": good[:-1].encode() + b',"x":' + b"[" * 5_000,
    }
    return {name: sign_parts(_PLAIN_HEADER, payload, key=key) for name, payload in raw.items()}


def twisted(token: str) -> dict[str, str]:
    """Give other spellings of a good token, and tokens made of its parts."""
    header, payload, signature = token.split(".")
    twists: Mapping[str, Sequence[str]] = {
        "reordered": (payload, header, signature),
        "signature first": (signature, header, payload),
        "doubled payload": (header, payload, payload),
        "four parts": (header, payload, signature, signature),
        "five parts": (header, payload, signature, header, payload),
        "two parts": (header, payload),
        "no signature": (header, payload, ""),
        "no payload": (header, "", signature),
        "no header": ("", payload, signature),
        "padded signature": (header, payload, f"{signature}=="),
        "padded payload": (header, f"{payload}=", signature),
        "cut signature": (header, payload, signature[:-1]),
        "cut payload": (header, payload[:-4], signature),
        "longer signature": (header, payload, f"{signature}AAAA"),
        "other last bits": (header, payload, f"{signature[:-1]}{_next_character(signature[-1])}"),
        "standard alphabet": (header, payload, f"+/{signature[2:]}"),
        "emptied payload": (header, encoded(b"{}"), signature),
    }
    spelled = {name: ".".join(parts) for name, parts in twists.items()}
    surrounded = {"space before": f" {token}", "line end after": f"{token}\n", "zero after": f"{token}\0"}
    alike = {
        "full-width dots": token.replace(".", "\uff0e"),
        "full-width first letter": f"\uff45{token[1:]}",
        "cyrillic letter": token.replace("e", "\u0435"),
        "soft hyphen inside": f"{token[:9]}\u00ad{token[9:]}",
        "line end inside": f"{token[:9]}\n{token[9:]}",
        "lone surrogate": f"{token}\ud800",
        "other case": token.swapcase(),
    }
    return spelled | surrounded | alike


def _nested(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


def _next_character(character: str) -> str:
    """Give the character whose highest bits are the same: a careless reader takes one for the other."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return alphabet[alphabet.index(character) ^ 1]


_PLAIN_HEADER = b'{"alg":"RS256","kid":"k1"}'
_MAC_HEADER = b'{"alg":"HS256","kid":"k1"}'


def _mac_token(payload: bytes, secret: bytes) -> str:
    signed = f"{encoded(_MAC_HEADER)}.{encoded(payload)}"
    return f"{signed}.{encoded(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def _signed_by(key: rsa.RSAPrivateKey, digest: hashes.HashAlgorithm, fill: padding.AsymmetricPadding) -> str:
    payload = json.dumps(claims_of()).encode()
    signed = f"{encoded(_PLAIN_HEADER)}.{encoded(payload)}"
    return f"{signed}.{encoded(key.sign(signed.encode(), fill, digest))}"
