"""Identity as the fuzz targets meet it: fixed keys at a fixed time, credentials that hold and some that do not.

Everything here is the same in each process, so that an input found on one machine says the same on another.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from fakes.clients import FakeClientStore
from fakes.clock import MORNING, FakeClock
from fakes.signing import ISSUER, NOW, SERVICE, FakeKeySets, PrivateKey, claims_of, encoded, trusted
from gateway_core.identity.client_index import ClientIndex
from gateway_core.identity.jwks import LOCAL, SignedTokens
from gateway_core.identity.key_hash import KeyHasher, new_key, prefix_of
from gateway_core.identity.model import Client, ClientKey
from gateway_core.identity.ports import TrustedKey
from gateway_core.identity.service import Authenticator, BypassAlarm
from gateway_core.kernel.secret import Secret

CHECKED_ISSUER = "https://checked.test"
"""The one issuer whose key signs for itself only."""

ALGORITHMS = ("RS256", "ES256")


@dataclass(frozen=True)
class Signer:
    """A key, and which issuers its tokens may name: one, or (None) any but ourselves."""

    key: PrivateKey
    kid: str
    issuer: str | None = None
    source: str = "Gitlab"
    trusted: bool = True

    @property
    def algorithm(self) -> str:
        """How it signs."""
        return "RS256" if isinstance(self.key, rsa.RSAPrivateKey) else "ES256"

    def sign(self, header: bytes, payload: bytes) -> bytes:
        """Write a token of these very bytes, the same each time."""
        signed = f"{encoded(header)}.{encoded(payload)}".encode()
        return signed + b"." + encoded(self._signature(signed)).encode()

    def _signature(self, signed: bytes) -> bytes:
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        numbers = decode_dss_signature(self.key.sign(signed, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
        return b"".join(number.to_bytes(32) for number in numbers)


@dataclass(frozen=True)
class KnownToken:
    """A token, whether it holds, and the headers that must come with it."""

    text: bytes
    holds: bool = True
    needs: Mapping[bytes, bytes] = field(default_factory=dict)


def _rsa_key(first: int, second: int) -> rsa.RSAPrivateKey:
    """Make a key of two primes next to round numbers, which nobody could take for a secret."""
    exponent = 65537
    private = pow(exponent, -1, (first - 1) * (second - 1))
    return rsa.RSAPrivateNumbers(
        first,
        second,
        private,
        rsa.rsa_crt_dmp1(private, first),
        rsa.rsa_crt_dmq1(private, second),
        rsa.rsa_crt_iqmp(first, second),
        rsa.RSAPublicNumbers(exponent, first * second),
    ).private_key(unsafe_skip_rsa_key_validation=True)


def _ec_key(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(hashlib.sha256(name.encode()).digest()), ec.SECP256R1())


SIGNERS: Mapping[str, Signer] = {
    "rs256": Signer(_rsa_key(2**1024 - 105, 3 * 2**1022 - 91), "gitlab"),
    "own": Signer(_rsa_key(5 * 2**1021 - 663, 7 * 2**1021 - 351), "own", issuer=SERVICE, source=LOCAL),
    "es256": Signer(_ec_key("checked"), "checked", issuer=CHECKED_ISSUER, source="checked"),
    "stranger": Signer(_ec_key("stranger"), "checked", trusted=False),
}
"""Who signs tokens, by the word that a fuzz input has for it."""


def _token(signer: str, claims: Mapping[str, object], *, kid: bool = True) -> bytes:
    by = SIGNERS[signer]
    header = {"alg": by.algorithm, "typ": "JWT"} | ({"kid": by.kid} if kid else {})
    return by.sign(json.dumps(header).encode(), json.dumps(claims).encode())


_IN_ITS_HEADERS = {b"x-gitlab-realm": b"self-managed", b"x-gitlab-instance-id": b"i-1"}
TOKENS: Mapping[str, KnownToken] = {
    "rs256": KnownToken(_token("rs256", claims_of(gitlab_instance_id="i-1", sub="i-1")), needs=_IN_ITS_HEADERS),
    "nokid": KnownToken(_token("rs256", claims_of(gitlab_realm=None, sub=None), kid=False)),
    "es256": KnownToken(_token("es256", claims_of(iss=CHECKED_ISSUER, gitlab_realm=None, sub=None))),
    "own": KnownToken(
        _token("own", claims_of(iss=SERVICE, gitlab_realm=None, sub="u-1")),
        needs={b"x-gitlab-global-user-id": b"u-1"},
    ),
    "expired": KnownToken(_token("rs256", claims_of(exp=int(NOW), gitlab_realm=None, sub=None)), holds=False),
    "early": KnownToken(_token("rs256", claims_of(nbf=int(NOW) + 1, gitlab_realm=None, sub=None)), holds=False),
    "elsewhere": KnownToken(_token("rs256", claims_of(aud="other", gitlab_realm=None, sub=None)), holds=False),
    "impostor": KnownToken(_token("rs256", claims_of(iss=SERVICE, gitlab_realm=None, sub=None)), holds=False),
    "unchecked": KnownToken(_token("es256", claims_of(iss=ISSUER, gitlab_realm=None, sub=None)), holds=False),
    "stranger": KnownToken(_token("stranger", claims_of(iss=CHECKED_ISSUER, gitlab_realm=None, sub=None)), holds=False),
}
"""Whole tokens, by the word that a fuzz input has for each."""


def _client_key(name: str) -> bytes:
    return new_key(hashlib.sha256(name.encode()).digest()).reveal().encode()


CLIENT_KEYS: Mapping[str, bytes] = {name: _client_key(name) for name in ("key", "revoked", "ended", "unknown")}
"""Keys of clients, by the word that a fuzz input has for each; the first alone holds."""

LIVE_KEY = CLIENT_KEYS["key"]


@dataclass(frozen=True)
class Doors:
    """What is asked: a gateway that knows every key, and one that could not fetch any issuer's keys yet."""

    authenticator: Authenticator
    without_keys: Authenticator


@cache
def shared_doors() -> Doors:
    """Give the doors that all inputs of this process are shown to, warm as a service is that runs for long."""
    return build_doors()


def build_doors() -> Doors:
    """Open doors that nobody was at yet."""
    index = asyncio.run(_load_index())
    keys = [trusted_key(signer) for signer in SIGNERS.values() if signer.trusted]
    return Doors(_authenticator(index, FakeKeySets(*keys)), _authenticator(index, FakeKeySets()))


def trusted_key(signer: Signer) -> TrustedKey:
    """Give the public half as the gateway holds it."""
    return trusted(signer.key, source=signer.source, kid=signer.kid, issuer=signer.issuer)


def _authenticator(index: ClientIndex, key_sets: FakeKeySets) -> Authenticator:
    clock = FakeClock()
    tokens = SignedTokens(SERVICE, SERVICE, key_sets=key_sets, algorithms=ALGORITHMS, clock=clock)
    return Authenticator(SERVICE, client_keys=index, tokens=tokens, alarm=BypassAlarm(clock))


async def _load_index() -> ClientIndex:
    hasher, store, past = KeyHasher(Secret("fixed")), FakeClientStore(), MORNING - timedelta(days=1)
    for name in ("key", "revoked", "ended"):
        text = CLIENT_KEYS[name].decode()
        ends = past if name == "ended" else None
        key = ClientKey(name, name, hasher.digest(text), prefix_of(text), past, valid_until=ends)
        await store.add(Client(name, name, past), key)
    await store.revoke("revoked", at=past)
    index = ClientIndex(store, hasher, clock=FakeClock())
    # Stopped at once: what it has read stays, and no input needs a loop.
    async with index:
        return index
