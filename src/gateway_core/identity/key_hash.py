"""Keys of clients: how they look, and the keyed hash by which they are stored."""

from __future__ import annotations

import base64
import hmac
from datetime import UTC, datetime

from gateway_core.identity.model import CLIENT_KEY_PREFIX
from gateway_core.kernel.secret import Secret

LONGEST_CREDENTIAL = 200
"""Characters that a client's key has at most; anything longer is refused before it is hashed."""

ENDED_AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)
"""The end of a key that must not hold on any machine, however far behind its clock is."""

RANDOM_BYTES = 32
"""How much chance is in each key that we make."""

_SHOWN = 12
_MARKED = b"the mark of the hash key"
_MARK_DIGITS = 16


def new_key(random_bytes: bytes) -> Secret:
    """Make a key of 32 random bytes: `gw-` and 43 url-safe characters."""
    if len(random_bytes) != RANDOM_BYTES:
        message = f"a key takes {RANDOM_BYTES} random bytes, not {len(random_bytes)}"
        raise ValueError(message)
    return Secret(CLIENT_KEY_PREFIX + base64.urlsafe_b64encode(random_bytes).rstrip(b"=").decode())


def prefix_of(key: str) -> str:
    """Give the part of a key by which people tell it from others; it may be shown."""
    return key[:_SHOWN]


class KeyHasher:
    """Hash keys of clients, so that neither the database nor a copy of it gives one away.

    A plain hash would do against reading a key back, as each is made of 32 random bytes. Keyed,
    it also holds for keys that an operator chose, and nobody who can write to the database
    alone can plant a key of their own.
    """

    __slots__ = ("_key",)

    def __init__(self, hash_key: Secret) -> None:
        self._key = hash_key.reveal().encode()

    def digest(self, key: str) -> str:
        """Give the keyed hash of a key: HMAC-SHA256 as 64 hexadecimal digits."""
        # What a header cannot hold may still be asked for in a test or a command; it must not raise.
        return hmac.digest(self._key, key.encode("utf-8", "surrogatepass"), "sha256").hex()

    def mark(self) -> str:
        """Give 16 digits that are the same for the same hash key, and say nothing else about it."""
        return hmac.digest(self._key, _MARKED, "sha256").hex()[:_MARK_DIGITS]
