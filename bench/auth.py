"""Measure what it costs to tell who calls, in CPU time: `python -m bench.auth`."""

import argparse
import asyncio
import base64
import json
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

from bench.program import choose_cores, pinned
from bench.requests import GITLAB_HEADERS
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import serialize_compact

from gateway_core.audit.model import AuditEvent
from gateway_core.identity.client_index import ClientIndex
from gateway_core.identity.clients import Actor, ClientRegistry
from gateway_core.identity.jwks import SignedTokens
from gateway_core.identity.key_hash import KeyHasher
from gateway_core.identity.new_client import NewClient
from gateway_core.identity.ports import TrustedKey
from gateway_core.identity.service import Authenticator, BypassAlarm
from gateway_core.identity.sql import SqlClientStore
from gateway_core.kernel.clock import SystemClock
from gateway_core.kernel.errors import CredentialRefused
from gateway_core.kernel.secret import Secret
from gateway_core.storage.engine import Database, prepare

SERVICE = "gitlab-ai-gateway"
ISSUER = "https://gitlab.example.com"
CLIENTS = 100
ASKED_AT_ONCE = 500

Headers = dict[str, str]


@dataclass(frozen=True)
class Case:
    """What is measured, the limit that it is held to in microseconds, and the headers of each request.

    One that is `seen` was asked once before the time counts.
    """

    name: str
    requests: Sequence[Headers]
    seen: bool = False
    holds: bool = True
    limit_us: float | None = None


@dataclass(frozen=True)
class Figure:
    """The cost of one request in microseconds of CPU: median and lowest of the rounds.

    `in_verifications` is the median of the same in bare RSA verifications of the same round,
    which says more than microseconds when machines are compared.
    """

    name: str
    cpu_us: float
    lowest_us: float
    in_verifications: float
    limit_us: float | None

    @property
    def is_over(self) -> bool:
        """Tell whether the limit is missed."""
        return self.limit_us is not None and self.cpu_us > self.limit_us


class FixedKeys:
    """The keys of two issuers, that never change."""

    generation = 0

    def __init__(self, *keys: TrustedKey) -> None:
        self._keys = keys

    def keys(self) -> Sequence[TrustedKey]:
        """List every key."""
        return self._keys

    async def look_again(self) -> bool:
        """Find nothing new."""
        return False

    def trouble(self) -> str:
        """Know of none."""
        return ""


class NoTrail:
    """An audit that keeps nothing."""

    def record(self, event: AuditEvent) -> None:
        """Forget it."""


def main() -> int:
    """Measure; 0: every limit is kept, 1: one is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.auth", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="turns of each case (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    given = parser.parse_args()
    with pinned(choose_cores().gateway):
        figures = asyncio.run(measure(rounds=given.rounds))
    print(render(figures))
    if given.json:
        given.json.write_text(json.dumps([asdict(figure) for figure in figures], indent=1) + "\n")
    return 1 if any(figure.is_over for figure in figures) else 0


async def measure(*, rounds: int) -> list[Figure]:
    """Take turns, so that a noisy moment falls on every case alike."""
    rsa_key, ec_key = rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())
    keys = FixedKeys(
        TrustedKey("Gitlab", "bench-rsa", "RS256", RSAKey.import_key(rsa_key.public_key())),
        TrustedKey("Gitlab", "bench-ec", "ES256", ECKey.import_key(ec_key.public_key())),
    )
    verify_once = _bare_verification(rsa_key)
    async with _authenticators(keys) as (build, client_key):
        cases = _cases(client_key, rsa_key=rsa_key, ec_key=ec_key)
        costs: dict[str, list[float]] = {case.name: [] for case in cases}
        yardstick = []
        for turn in range(rounds + 1):
            verification = _cost_of(verify_once, times=ASKED_AT_ONCE)
            taken = {case.name: await _ask(build(), case) for case in cases}
            if turn == 0:
                # Not counted: the first turn fills the caches of the machine and of the libraries.
                continue
            yardstick.append(verification)
            for name, cost in taken.items():
                costs[name].append(cost)
    bare = Figure("(one bare RS256 verification)", median(yardstick), min(yardstick), 1.0, limit_us=None)
    return [*(_figure(case, costs[case.name], yardstick) for case in cases), bare]


def _figure(case: Case, costs: Sequence[float], yardstick: Sequence[float]) -> Figure:
    ratios = [cost / verification for cost, verification in zip(costs, yardstick, strict=True)]
    return Figure(case.name, median(costs), min(costs), median(ratios), case.limit_us)


@asynccontextmanager
async def _authenticators(keys: FixedKeys) -> AsyncGenerator[tuple[Callable[[], Authenticator], str]]:
    """Give the way to make an authenticator that remembers nothing, and a key of one client among many."""
    clock, hasher = SystemClock(), KeyHasher(Secret("bench"))
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        database = Database(f"sqlite:///{folder}/bench.db")
        try:
            await prepare(database)
            store = SqlClientStore(database)
            registry = ClientRegistry(store, hasher, audit=NoTrail(), clock=clock)
            made = [await registry.add(NewClient(f"client-{n}"), by=Actor("bench")) for n in range(CLIENTS)]
            async with ClientIndex(store, hasher, clock=clock) as index:

                def build() -> Authenticator:
                    tokens = SignedTokens(SERVICE, SERVICE, key_sets=keys, algorithms=("RS256", "ES256"), clock=clock)
                    return Authenticator(SERVICE, client_keys=index, tokens=tokens, alarm=BypassAlarm(clock))

                yield build, made[CLIENTS // 2][1].reveal()
        finally:
            await database.close()


def _cases(client_key: str, *, rsa_key: rsa.RSAPrivateKey, ec_key: ec.EllipticCurvePrivateKey) -> list[Case]:
    by_rsa = [_token(rsa_key, number) for number in range(ASKED_AT_ONCE)]
    by_ec = [_token(ec_key, number) for number in range(ASKED_AT_ONCE)]
    unknown = "gw-" + base64.urlsafe_b64encode(bytes(32)).decode().rstrip("=")
    padded = [f"{token}=" for token in by_rsa]
    forged = [f"{token.rpartition('.')[0]}.{other.rpartition('.')[2]}" for token, other in pairwise(by_rsa)]
    return [
        Case("token, remembered", [_headers(by_rsa[0])] * ASKED_AT_ONCE, seen=True, limit_us=25),
        Case("client key", [_headers(client_key)] * ASKED_AT_ONCE, limit_us=25),
        Case("token by RS256, first seen", [_headers(token) for token in by_rsa], limit_us=300),
        Case("token by ES256, first seen", [_headers(token) for token in by_ec]),
        Case("client key, unknown: refused", [_headers(unknown)] * ASKED_AT_ONCE, holds=False),
        Case("token, malformed: refused", [_headers(token) for token in padded], holds=False),
        Case("token by RS256, forged: refused", [_headers(token) for token in forged], holds=False),
    ]


def _headers(credential: str) -> Headers:
    return GITLAB_HEADERS | {"authorization": f"Bearer {credential}", "x-gitlab-duo-seat-count": "250"}


def _token(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, number: int) -> str:
    """Write a token such as a GitLab's, about a thousand characters long."""
    now = int(time.time())
    claims = {
        "jti": f"00000000-0000-4000-8000-{number:012}",
        "aud": SERVICE,
        "sub": GITLAB_HEADERS["x-gitlab-instance-id"],
        "iss": ISSUER,
        "iat": now,
        "nbf": now - 5,
        "exp": now + 3600,
        "gitlab_realm": "self-managed",
        "gitlab_instance_id": GITLAB_HEADERS["x-gitlab-instance-id"],
        "duo_seat_count": "250",
        "scopes": ["complete_code", "generate_code", "duo_chat", "documentation_search", "explain_vulnerability"],
    }
    by_rsa = isinstance(key, rsa.RSAPrivateKey)
    header = {"alg": "RS256", "typ": "JWT", "kid": "bench-rsa"} if by_rsa else {"alg": "ES256", "kid": "bench-ec"}
    signer = RSAKey.import_key(key) if isinstance(key, rsa.RSAPrivateKey) else ECKey.import_key(key)
    return serialize_compact(header, json.dumps(claims).encode(), signer, algorithms=[header["alg"]])


async def _ask(authenticator: Authenticator, case: Case) -> float:
    """Give the CPU time of one request, in microseconds."""
    if case.seen:
        await authenticator.authenticate(case.requests[0].get)
    came_in = 0
    begin = time.process_time()
    for headers in case.requests:
        try:
            await authenticator.authenticate(headers.get)
        except CredentialRefused:
            continue
        came_in += 1
    spent = time.process_time() - begin
    expected = len(case.requests) if case.holds else 0
    if came_in != expected:
        message = f"{case.name}: {came_in} of {len(case.requests)} came in, not {expected}"
        raise RuntimeError(message)
    return 1e6 * spent / len(case.requests)


def _bare_verification(key: rsa.RSAPrivateKey) -> Callable[[], None]:
    signed = b"x" * 700
    signature, public, fill, digest = (
        key.sign(signed, padding.PKCS1v15(), SHA256()),
        key.public_key(),
        padding.PKCS1v15(),
        SHA256(),
    )
    return lambda: public.verify(signature, signed, fill, digest)


def _cost_of(action: Callable[[], None], *, times: int) -> float:
    begin = time.process_time()
    for _ in range(times):
        action()
    return 1e6 * (time.process_time() - begin) / times


def render(figures: Sequence[Figure]) -> str:
    """Give the figures as a table."""
    lines = [f"{'authentication':<34}{'CPU us':>9}{'lowest':>9}{'verifications':>15}{'limit':>8}"]
    for figure in figures:
        limit = f"{figure.limit_us:.0f}" if figure.limit_us is not None else "-"
        missed = "  MISSED" if figure.is_over else ""
        row = f"{figure.cpu_us:>9.1f}{figure.lowest_us:>9.1f}{figure.in_verifications:>15.2f}{limit:>8}"
        lines.append(f"{figure.name:<34}{row}{missed}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
