"""Tokens signed by the issuers that are trusted here, and by ourselves."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

from gateway_core.identity.claims import TokenRefused, check_claims, refuse_token
from gateway_core.identity.compact import CompactToken, TokenMalformed, looks_compact, parse_compact, quote
from gateway_core.identity.model import Caller, Claims
from gateway_core.identity.ports import KeySets, TrustedKey
from gateway_core.kernel.clock import Clock
from gateway_core.kernel.errors import KeySetsMissing

if TYPE_CHECKING:
    # For a type alone, and a twentieth of the time that a start takes; so it is where they are used.
    from joserfc.jwa import JWSAlgModel

MOST_REMEMBERED = 10_000
"""Verified tokens that are remembered; the oldest is forgotten for one more."""

LOCAL = "local"
"""The source of our own keys, the only ones whose tokens may name us as their issuer."""


class SignedTokens:
    """Verify signed tokens by the keys of their issuers, and remember those that hold until they expire."""

    def __init__(
        self,
        audience: str,
        service_name: str,
        *,
        key_sets: KeySets,
        algorithms: Collection[str],
        clock: Clock,
    ) -> None:
        self._audience = audience
        self._service_name = service_name
        self._key_sets = key_sets
        self._clock = clock
        self._names = tuple(algorithms)
        self._remembered: dict[bytes, tuple[Caller, float]] = {}
        self._generation = key_sets.generation

    @cached_property
    def _algorithms(self) -> Mapping[str, JWSAlgModel]:
        # Imported here: see above.
        from joserfc.jws import JWSRegistry  # noqa: PLC0415

        registry = JWSRegistry(algorithms=self._names)
        return {name: registry.get_alg(name) for name in self._names}

    def recognises(self, credential: str) -> bool:
        """Tell whether this looks like a signed token."""
        return looks_compact(credential)

    async def verify(self, credential: str) -> Caller:
        """Give whom the token names; raises CredentialRefused, or KeySetsMissing when no key at all is known."""
        # The whole token: two that differ in their last character are two tokens. Whatever a header can hold
        # must not break us, lone surrogates neither.
        digest = hashlib.sha256(credential.encode("utf-8", "surrogatepass")).digest()
        caller = self._recall(digest)
        if caller is not None:
            return caller
        try:
            token = parse_compact(credential)
            signer, others = await self._find_signer(token)
            # Asked anew: the search may have taken a second.
            now = self._clock.now().timestamp()
            claims, expiry = check_claims(token.payload, audience=self._audience, now=now)
            self._check_issuer(claims, signer, others=others)
        except (TokenMalformed, TokenRefused) as refused:
            raise refuse_token(refused.reason) from refused
        caller = Caller("token", claims)
        self._remember(digest, caller, expiry=expiry)
        return caller

    def _recall(self, digest: bytes) -> Caller | None:
        self._forget_older_keys()
        found = self._remembered.get(digest)
        if found is None:
            return None
        caller, expiry = found
        if expiry <= self._clock.now().timestamp():
            del self._remembered[digest]
            return None
        return caller

    def _remember(self, digest: bytes, caller: Caller, *, expiry: float) -> None:
        # The keys may have changed since: the issuers were asked, and this token was verified after that.
        self._forget_older_keys()
        if len(self._remembered) >= MOST_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[digest] = (caller, expiry)

    def _forget_older_keys(self) -> None:
        """Forget every token when the keys have changed: one may be gone, and with it all that it signed."""
        if self._generation != self._key_sets.generation:
            self._generation = self._key_sets.generation
            self._remembered.clear()

    async def _find_signer(self, token: CompactToken) -> tuple[TrustedKey, Iterator[TrustedKey]]:
        """Give the key that signed it, and the search for others; the issuers are asked again when none did."""
        if token.header.algorithm not in self._names:
            raise TokenRefused(
                f"its algorithm is {quote(token.header.algorithm)}, taken here: {', '.join(self._names)}"
                " (AIGW_AUTH__ALGORITHMS)"
            )
        signers = self._signers(token)
        signer = next(signers, None)
        if signer is None and await self._key_sets.look_again():
            signers = self._signers(token)
            signer = next(signers, None)
        if signer is None:
            raise self._no_signer(token)
        return signer, signers

    def _signers(self, token: CompactToken) -> Iterator[TrustedKey]:
        return (key for key in self._candidates(token) if self._holds(token, key))

    def _candidates(self, token: CompactToken) -> list[TrustedKey]:
        """Give the keys that may have signed it: of the same algorithm, and by its id where both have one."""
        header = token.header
        known = self._key_sets.keys()
        return [
            key
            for key in known
            if key.algorithm == header.algorithm and (header.kid is None or key.kid is None or key.kid == header.kid)
        ]

    def _holds(self, token: CompactToken, key: TrustedKey) -> bool:
        # Imported here: see above.
        from joserfc.errors import JoseError  # noqa: PLC0415

        algorithm = self._algorithms[key.algorithm]
        try:
            algorithm.check_key(key.key)
            return algorithm.verify(token.signing_input, token.signature, key.key)
        except (JoseError, ValueError):
            return False

    def _no_signer(self, token: CompactToken) -> TokenRefused | KeySetsMissing:
        trouble = self._key_sets.trouble()
        if not self._key_sets.keys():
            return KeySetsMissing(f"No keys founds in JWKS; are OIDC providers up? {trouble}".rstrip())
        kid = token.header.kid
        if self._candidates(token):
            cause = f"its signature fits no trusted key{'' if kid is None else f' with the id {quote(kid)}'}"
        else:
            cause = f"no trusted {token.header.algorithm} key has the id {quote(kid)}"
        return TokenRefused(f"{cause}: is its issuer one of those set up here? {trouble}".rstrip())

    def _check_issuer(self, claims: Claims, signer: TrustedKey, *, others: Iterator[TrustedKey]) -> None:
        """Take a token only from a key that may sign for the issuer it names; two sources may have the same key."""
        own = claims.issuer == self._service_name
        for key in chain((signer,), others):
            if _may_name(key, claims.issuer) and (key.source == LOCAL or not own):
                return
        signed_by = f"a key of {quote(signer.source)} signed it"
        if own:
            raise TokenRefused(f"it names this gateway as its issuer, but {signed_by}")
        counts = f"counts for {quote(signer.issuer)} only" if signer.issuer is not None else "does not count for it"
        raise TokenRefused(f"its issuer is {quote(claims.issuer)}, but {signed_by}, which {counts}")


def _may_name(key: TrustedKey, issuer: str) -> bool:
    if key.issuer is not None:
        return key.issuer == issuer
    return issuer.rstrip("/") not in key.barred
