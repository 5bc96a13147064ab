"""What identity asks of its adapters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from gateway_core.identity.model import Caller, Client, ClientKey
from gateway_core.kernel.secret import Secret
from gateway_core.kernel.units import Seconds

if TYPE_CHECKING:
    # For a type alone, and a twentieth of the time that a start takes.
    from joserfc.jwk import ECKey, RSAKey


class KeyVerifier(Protocol):
    """Keys of clients, which are all at hand: nothing here waits."""

    def recognises(self, credential: str) -> bool:
        """Tell by its form alone whether this credential is of our kind."""
        ...

    def holder(self, credential: str) -> Caller:
        """Give who holds this key; raises CredentialRefused."""
        ...


class CredentialVerifier(Protocol):
    """One way of proving oneself: signed tokens, keys of clients; one day a login of people."""

    def recognises(self, credential: str) -> bool:
        """Tell by its looks alone whether this credential is of the kind that is verified here."""
        ...

    async def verify(self, credential: str) -> Caller:
        """Give its holder; raises CredentialRefused, or KeySetsMissing when nothing can be verified at all."""
        ...


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A public key, and whose it is.

    `issuer` is the one issuer that tokens signed by this key may name. None lets them name
    any but ourselves and those in `barred`, which speak for themselves.
    """

    source: str
    kid: str | None
    algorithm: str
    key: RSAKey | ECKey
    issuer: str | None = None
    barred: frozenset[str] = frozenset()


class KeySets(Protocol):
    """The public keys of all issuers, merged in a fixed order; nothing here ever waits for an issuer but `look_again`."""

    @property
    def generation(self) -> int:
        """A number that changes with every change of the keys."""
        ...

    def keys(self) -> Sequence[TrustedKey]:
        """List every key that holds now."""
        ...

    async def look_again(self) -> bool:
        """Ask the issuers once more, at most every 30 s and for at most 1 s; tells whether the keys changed."""
        ...

    def trouble(self) -> str:
        """Say in one line why keys may be missing, for the log; empty when every issuer answered."""
        ...


class ClientStore(Protocol):
    """Where clients and their keys are kept. Every method may raise StorageUnavailable."""

    async def revision(self) -> int:
        """Give a number that grows with every change; cheap."""
        ...

    async def load(self) -> tuple[Sequence[Client], Sequence[ClientKey]]:
        """Give all clients, by name, and all their keys, the oldest first; those of revoked clients included."""
        ...

    async def add(self, client: Client, key: ClientKey) -> bool:
        """Keep a new client with its first key; False when the name is taken, also by a revoked one."""
        ...

    async def add_first(self, client: Client, key: ClientKey) -> bool:
        """Keep it only when no client was ever an admin, and its name is free; of two processes at once one gets True."""
        ...

    async def rotate(self, client_id: str, key: ClientKey, *, old_until: datetime) -> None:
        """Keep a further key; those before it hold until `old_until`, or to their own end when that is sooner."""
        ...

    async def revoke(self, client_id: str, *, at: datetime) -> None:
        """End a client and all its keys; they stay on record."""
        ...

    async def hash_mark(self, mark: str) -> str:
        """Keep the mark of the hash key when none is kept yet; gives the one that is kept."""
        ...

    async def kept_hash_mark(self) -> str:
        """Give the mark of the hash key that is kept, and keep none; empty when there is none."""
        ...

    async def start_over(self, mark: str, client: Client, *, key: ClientKey, at: datetime) -> bool:
        """End all clients, keep this one and this mark instead; False, and nothing done, when the name is taken."""
        ...


class TokenExchange(Protocol):
    """Another service's token for one of our callers."""

    async def exchange(self, *, user_id: str, credential: Secret) -> Secret:
        """Give that service's token; `credential` is what the caller showed us. Raises TokenExchangeFailed."""
        ...


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A cloud's token, and for how long it may still be used."""

    value: Secret
    expires_in: Seconds


class CloudCredentials(Protocol):
    """Access to a cloud in our own name."""

    async def access_token(self) -> AccessToken:
        """Give a token that holds for a while yet, fetched anew when needed. Raises TokenExchangeFailed."""
        ...
