"""Keys of clients in memory: no request waits for the database."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self

from gateway_core.identity.compact import quote
from gateway_core.identity.key_hash import ENDED_AT_ONCE, LONGEST_CREDENTIAL, KeyHasher, prefix_of
from gateway_core.identity.model import CLIENT_KEY_PREFIX, Caller, Client, ClientKey
from gateway_core.identity.ports import ClientStore
from gateway_core.kernel.clock import Clock
from gateway_core.kernel.errors import CredentialRefused, StorageUnavailable
from gateway_core.kernel.secret import Secret
from gateway_core.kernel.units import Seconds
from gateway_core.telemetry.logs import get_log

log = get_log("identity")

_LOOKS_EVERY = Seconds(0.5)
_MOST_KNOWN = 1_000
# Of a credential that is shorter, twelve characters would be half of it or more.
_TELLING = 24


@dataclass(frozen=True, slots=True)
class GivenClient:
    """A client that the operator's configuration names, and its key, which may be of any form."""

    client: Client
    key: Secret


@dataclass(frozen=True, slots=True)
class _Entry:
    client: Client
    key: ClientKey
    caller: Caller
    ends: datetime | None


class ClientIndex:
    """Verify keys of clients, by what the store held half a second ago.

    While the store cannot be asked, the keys that are known go on working: a database that is
    down for a while must not stop every request. A change counts once it can be asked again.
    Clients that were given by configuration stand beside those of the store; a key of both is the store's.
    """

    def __init__(
        self, store: ClientStore, hasher: KeyHasher, *, clock: Clock, looks_every: Seconds = _LOOKS_EVERY
    ) -> None:
        self._store = store
        self._hasher = hasher
        self._clock = clock
        self._looks_every = looks_every
        self._entries: Mapping[str, _Entry] = {}
        self._given: Mapping[str, _Entry] = {}
        # Hashes of keys that hold: the hash costs more than the rest of a look-up. Never written down.
        self._known: dict[str, str] = {}
        self._revision: int | None = None
        self._blind = False
        self._looking: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        await self.stop()

    async def start(self) -> None:
        """Load all keys, and look for changes from now on. Raises StorageUnavailable."""
        await self._look()
        self._looking = asyncio.create_task(self._keep_looking(), name="clients")

    async def stop(self) -> None:
        """Look no more; what is known stays."""
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.cancel()
            await asyncio.wait([looking])

    def give(self, clients: Iterable[GivenClient]) -> None:
        """Take these for the clients of the configuration, in place of those before, all at once."""
        entries = (self._given_entry(given) for given in clients)
        self._given = {entry.key.digest: entry for entry in entries}

    def recognises(self, credential: str) -> bool:
        """Tell whether this is a key that a gateway made, by its looks alone, or one that was given."""
        if credential.startswith(CLIENT_KEY_PREFIX):
            return True
        # Signed tokens are longer than any key, so they cost no hash.
        if not self._given or len(credential) > LONGEST_CREDENTIAL:
            return False
        return self._hasher.digest(credential) in self._given

    def holder(self, credential: str) -> Caller:
        """Give the client that holds this key; raises CredentialRefused."""
        if len(credential) > LONGEST_CREDENTIAL:
            raise _refused(f"the credential has {len(credential)} characters, and a key at most {LONGEST_CREDENTIAL}")
        digest = self._known.get(credential) or self._hasher.digest(credential)
        entry = self._entries.get(digest) or self._given.get(digest)
        if entry is None or not hmac.compare_digest(entry.key.digest, digest):
            raise _refused(_why_unknown(credential))
        if entry.client.revoked_at is not None or (entry.ends is not None and self._clock.now() >= entry.ends):
            raise _refused(_why_ended(entry))
        if credential not in self._known:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[credential] = digest
        return entry.caller

    def _given_entry(self, given: GivenClient) -> _Entry:
        client, key = given.client, given.key.reveal()
        held = ClientKey(client.id, client.id, self._hasher.digest(key), "", client.created_at)
        return _entry(held, client, Caller("client", client=client))

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(self._looks_every)
            # Gathered, so that a failure nobody thought of is a value here and does not end the looking.
            [failure] = await asyncio.gather(self._look(), return_exceptions=True)
            if failure is None:
                self._note_seeing()
            else:
                self._note_blind(failure)

    async def _look(self) -> None:
        # Asked before it is loaded: a change in between is found the next time.
        revision = await self._store.revision()
        if revision != self._revision:
            clients, keys = await self._store.load()
            by_id = {client.id: (client, Caller("client", client=client)) for client in clients}
            self._entries = {key.digest: _entry(key, *by_id[key.client_id]) for key in keys if key.client_id in by_id}
            self._revision = revision
            self._known.clear()

    def _note_blind(self, failure: BaseException) -> None:
        if not self._blind:
            known = isinstance(failure, StorageUnavailable)
            cure = "the keys known so far go on working; changes of clients count once it can be asked again"
            log.warning("client_changes_unseen", reason=str(failure), cure=cure, exc_info=None if known else failure)
        self._blind = True

    def _note_seeing(self) -> None:
        if self._blind:
            log.warning("client_changes_seen_again", keys=len(self._entries))
        self._blind = False


def _entry(key: ClientKey, client: Client, caller: Caller) -> _Entry:
    ends = [moment for moment in (key.valid_until, client.expires_at) if moment is not None]
    return _Entry(client, key, caller, min(ends, default=None))


def _refused(reason: str) -> CredentialRefused:
    return CredentialRefused("Forbidden by auth provider", reason=reason, counts=True)


def _why_unknown(credential: str) -> str:
    if not credential.startswith(CLIENT_KEY_PREFIX):
        # Some other service's secret, perhaps: not a character of it is shown.
        return f"the credential is no key of a client, which begins with {CLIENT_KEY_PREFIX}"
    if len(credential) < _TELLING:
        return "the key is too short to be a whole one: was it cut when it was copied?"
    return f"no client holds the key {quote(prefix_of(credential))[1:-1]}…: list them with `ai-gateway clients list`"


def _why_ended(entry: _Entry) -> str:
    client, key = entry.client, entry.key
    whose = f"the key {key.prefix}… of client {client.name!r}" if key.prefix else f"the key of client {client.name!r}"
    if client.revoked_at is not None:
        return f"{whose} was revoked on {_day(client.revoked_at)}: add another client, under another name"
    if client.expires_at is not None and entry.ends == client.expires_at:
        return f"{whose} does not hold: the client expired on {_day(client.expires_at)}; add another client"
    ended = "at once" if entry.ends in {None, ENDED_AT_ONCE} else f"on {_day(entry.ends)}"
    return f"{whose} was rotated out and ended {ended}: use the newer key, or `ai-gateway clients rotate`"


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
