"""An issuer of tokens, as GitLab is one: a server process of its own, whose private keys the test holds.

    with run_issuer() as issuer:
        token = issuer.sign({"iss": issuer.url, "aud": "gitlab-ai-gateway", ...})

Two issuers that run at the same time never share a key, also not under one key id.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

DISCOVERY = "/.well-known/openid-configuration"
KEYS = "/oauth/discovery/keys"
FIRST_KID = "key-1"

OCT_JWK: dict[str, object] = {"kty": "oct", "kid": "symmetric", "k": "c2VjcmV0LW9mLW5vYm9keQ", "alg": "HS256"}
"""A secret that somebody published as a key."""
UNKNOWN_JWK: dict[str, object] = {"kty": "PQC", "kid": "of-the-future", "alg": "ML-DSA-65", "pub": "AAAA"}
"""A key of a kind that nobody knows yet."""

_PROGRAM = Path(__file__).with_name("issuer_program.py")
_TLS = Path(__file__).parent / "tls"
_IN_USE: set[int] = set()

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def private_key(family: int, kid: str, algorithm: str = "RS256") -> PrivateKey:
    """Give the private key of this name; made once for each test process, because making one is slow."""
    if algorithm.startswith("ES"):
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def weak_key() -> rsa.RSAPrivateKey:
    """Give an RSA key of 1024 bits."""
    return rsa.generate_private_key(public_exponent=65537, key_size=1024)


@dataclass
class Issuer:
    """A running issuer; it publishes `FIRST_KID` and behaves well until it is told otherwise."""

    url: str
    path: str
    family: int
    process: subprocess.Popen[str]
    published: tuple[str, ...] = ()
    rotations: int = 0
    documents: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def discovery_path(self) -> str:
        """Where the discovery document is, on its host."""
        return self.path + DISCOVERY

    @property
    def keys_path(self) -> str:
        """Where the key set is, on its host."""
        return self.path + KEYS

    def sign(
        self,
        claims: Mapping[str, object],
        *,
        kid: str | None = FIRST_KID,
        algorithm: str = "RS256",
        header_changes: Mapping[str, object] | None = None,
    ) -> str:
        """Write a token; a `kid` of None signs with the first key and names none.

        Any algorithm's own way of cheating is there as well: `none`, and `HS256` keyed with the public key.
        """
        header = {"alg": algorithm, "typ": "JWT", "kid": kid, **(header_changes or {})}
        parts = ({name: value for name, value in header.items() if value is not None}, claims)
        text = ".".join(_base64url(json.dumps(part).encode()) for part in parts)
        signature = _SIGNERS[algorithm](self.key(kid or FIRST_KID, algorithm=algorithm), text.encode())
        return f"{text}.{_base64url(signature)}"

    def key(self, kid: str = FIRST_KID, *, algorithm: str = "RS256") -> PrivateKey:
        """Give the private key behind a key id, published or not."""
        return private_key(self.family, kid, "ES256" if algorithm.startswith("ES") else "RS256")

    def jwk(self, kid: str = FIRST_KID, *, algorithm: str = "RS256") -> dict[str, object]:
        """Give the public half as it would be published."""
        return {**public_jwk(self.key(kid, algorithm=algorithm)), "kid": kid, "use": "sig", "alg": algorithm}

    def publish(self, *kids: str, extra: Sequence[Mapping[str, object]] = ()) -> None:
        """Publish exactly these RSA keys from now on, and behind them these JWKs as they are."""
        self.published = kids
        self.announce(keys={"keys": [*(self.jwk(kid) for kid in kids), *extra]})

    def rotate(self, *, keep_old: bool = True) -> str:
        """Publish a new key before the others, or instead of them; gives its id."""
        self.rotations += 1
        kid = f"key-{self.rotations + 1}"
        self.publish(kid, *(self.published if keep_old else ()))
        return kid

    def announce(self, *, keys: object = None, **discovery: object) -> None:
        """Serve this as the key set, and these members in the discovery document; a None is left out."""
        if keys is not None:
            self.documents[self.keys_path] = json.dumps(keys)
        if discovery or not self.documents.get(self.discovery_path):
            document = {**self._discovery(), **discovery}
            kept = {name: value for name, value in document.items() if value is not None}
            self.documents[self.discovery_path] = json.dumps(kept)
        self._order(do="serve", documents=self.documents)

    def behave(self, how: str, *, at: str | None = None) -> None:
        """Behave like this from now on, at one path (`discovery_path`, `keys_path`) or at both.

        well · stall: take the request and never answer · slow:<seconds> · html · server_error ·
        not_found · empty: a key set without keys · nothing: a body of no bytes · half: cut in the
        middle · large:<bytes> · redirect: to where it is answered · redirect:<url> · redirect_loop
        """
        self._order(do="behave", how=how, paths=[at] if at else [self.discovery_path, self.keys_path])

    def hits(self, path: str) -> int:
        """Count the requests for this path of the host."""
        found = self._order(do="hits", path=path)
        assert isinstance(found, int)
        return found

    def go_away(self) -> None:
        """Refuse connections from now on, and drop those that are open."""
        self._order(do="go_away")

    def come_back(self) -> None:
        """Listen again, on the same port."""
        self._order(do="come_back")

    def _discovery(self) -> dict[str, object]:
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}{KEYS}",
            "authorization_endpoint": f"{self.url}/oauth/authorize",
            "token_endpoint": f"{self.url}/oauth/token",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def _order(self, **order: object) -> object:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert not isinstance(answer, str), answer
        return answer


@contextmanager
def run_issuer(*, path: str = "", tls: bool = False, client_ca: Path | None = None) -> Iterator[Issuer]:
    """Start an issuer in a process of its own; it is gone at the end of the block.

    `path` begins with a slash and ends without one. Over TLS it shows the certificate of
    `fakes.raw_server`; with a `client_ca` it demands one that this authority signed.
    """
    files = {"certificate": str(_TLS / "loopback_cert.pem"), "key": str(_TLS / "loopback_key.pem")} if tls else {}
    if client_ca is not None:
        files["client_ca"] = str(client_ca)
    family = next(number for number in count(1) if number not in _IN_USE)
    _IN_USE.add(family)
    process = subprocess.Popen(
        [sys.executable, "-I", _PROGRAM, json.dumps(files)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        port = int(process.stdout.readline())
        issuer = Issuer(f"{'https' if tls else 'http'}://127.0.0.1:{port}{path}", path, family, process)
        issuer.publish(FIRST_KID)
        yield issuer
    finally:
        _IN_USE.discard(family)
        process.kill()
        process.communicate()


def public_jwk(key: PrivateKey) -> dict[str, object]:
    """Write the public half of a key as a JWK without a name."""
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        return {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}
    point = public.public_numbers()
    return {"kty": "EC", "crv": "P-256", "x": _number(point.x, size=32), "y": _number(point.y, size=32)}


def weak_jwk(kid: str = "weak") -> dict[str, object]:
    """Give an RSA key of 1024 bits as a JWK."""
    return {**public_jwk(weak_key()), "kid": kid, "use": "sig", "alg": "RS256"}


def _number(value: int, *, size: int = 0) -> str:
    return _base64url(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _rsa_pkcs1(algorithm: hashes.HashAlgorithm) -> Callable[[PrivateKey, bytes], bytes]:
    def sign(key: PrivateKey, text: bytes) -> bytes:
        assert isinstance(key, rsa.RSAPrivateKey)
        return key.sign(text, padding.PKCS1v15(), algorithm)

    return sign


def _rsa_pss(key: PrivateKey, text: bytes) -> bytes:
    assert isinstance(key, rsa.RSAPrivateKey)
    return key.sign(text, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())


def _ecdsa(key: PrivateKey, text: bytes) -> bytes:
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    r, s = decode_dss_signature(key.sign(text, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _hmac_with_public_key(key: PrivateKey, text: bytes) -> bytes:
    shown = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hmac.digest(shown, text, hashlib.sha256)


_SIGNERS: dict[str, Callable[[PrivateKey, bytes], bytes]] = {
    "RS256": _rsa_pkcs1(hashes.SHA256()),
    "RS384": _rsa_pkcs1(hashes.SHA384()),
    "RS512": _rsa_pkcs1(hashes.SHA512()),
    "PS256": _rsa_pss,
    "ES256": _ecdsa,
    "HS256": _hmac_with_public_key,
    "none": lambda _key, _text: b"",
}
