"""The register of clients: added, listed, given new keys, ended; each change is audited."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from gateway_core.audit.model import AuditEvent, AuditKind
from gateway_core.audit.ports import AuditTrail
from gateway_core.identity.key_hash import LONGEST_CREDENTIAL, RANDOM_BYTES, KeyHasher, new_key, prefix_of
from gateway_core.identity.model import CLIENT_KEY_PREFIX, Client, ClientKey
from gateway_core.identity.new_client import NewClient, check_new_client, cut, meant, show_time
from gateway_core.identity.ports import ClientStore
from gateway_core.identity.private_file import PrivateFile
from gateway_core.kernel.clock import Clock
from gateway_core.kernel.errors import NotFound, RequestInvalid, SettingInvalid
from gateway_core.kernel.secret import Secret
from gateway_core.kernel.units import Seconds

DEFAULT_GRACE = Seconds(24 * 3600)
"""How long an old key still holds beside a new one."""

LONGEST_GRACE = Seconds(90 * 24 * 3600)
"""Beyond this an old key is no longer being replaced."""

FIRST_ADMIN = "admin"
"""The name of the client that the first start makes."""

_SHORTEST_KEY = 24
# What a header carries unchanged, without the comma and the blank that would part two credentials.
_GIVEN_KEY = re.compile(rf"{CLIENT_KEY_PREFIX}[\x21-\x2b\x2d-\x7e]+")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something: a caller in a request, or the account that a command runs as."""

    name: str
    request_id: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class KnownClient:
    """A client and its keys, the oldest first, those that were rotated out included."""

    client: Client
    keys: tuple[ClientKey, ...]

    def holds(self, at: datetime) -> bool:
        """Tell whether its newest key opens a door at this time."""
        client = self.client
        return client.revoked_at is None and (client.expires_at is None or client.expires_at > at)


@dataclass(frozen=True, slots=True)
class FirstAdmin:
    """How an operator gets in after a start: `key` was made just now, `path` holds one that works."""

    key: Secret | None = None
    path: Path | None = None


class ClientRegistry:
    """Change who may use this gateway. Every method may raise StorageUnavailable."""

    def __init__(
        self,
        store: ClientStore,
        hasher: KeyHasher,
        *,
        audit: AuditTrail,
        clock: Clock,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._store = store
        self._hasher = hasher
        self._audit = audit
        self._clock = clock
        self._random_bytes = random_bytes

    async def add(self, asked: NewClient, *, by: Actor) -> tuple[Client, Secret]:
        """Add a client; gives it with its key, which cannot be shown again. Raises RequestInvalid."""
        client = check_new_client(asked, self._new_id(), now=self._clock.now())
        secret = self._new_key()
        key = self._hashed(secret, client=client)
        if not await self._store.add(client, key):
            raise RequestInvalid(await self._why_taken(client.name))
        self._record("client_added", client, by=by, details=_facts(client) | {"key_prefix": key.prefix})
        return client, secret

    async def list_clients(self) -> Sequence[KnownClient]:
        """Give every client, by name, those that were revoked included."""
        clients, keys = await self._store.load()
        held: dict[str, list[ClientKey]] = {client.id: [] for client in clients}
        for key in keys:
            if key.client_id in held:
                held[key.client_id].append(key)
        return [KnownClient(client, tuple(held[client.id])) for client in clients]

    async def rotate(self, name: str, *, by: Actor, grace: Seconds = DEFAULT_GRACE) -> Secret:
        """Give a client a new key, which cannot be shown again; those before it hold for `grace` more.

        A grace of 0 ends them at once. Raises NotFound, RequestInvalid.
        """
        if not 0 <= grace <= LONGEST_GRACE:
            message = f"An old key cannot hold for {grace:g} s more; give 0 to {LONGEST_GRACE:g} s (90 days)."
            raise RequestInvalid(message)
        found = await self._find(name)
        now = self._clock.now()
        if not found.holds(now):
            ended = found.client.revoked_at or found.client.expires_at or now
            how = "was revoked" if found.client.revoked_at else "expired"
            message = (
                f"The client {name!r} {how} on {show_time(ended)}, so no key of it would hold; add another client."
            )
            raise RequestInvalid(message)
        secret = self._new_key()
        key = self._hashed(secret, client=found.client)
        old_until = now + timedelta(seconds=grace)
        await self._store.rotate(found.client.id, key, old_until=old_until)
        details = {"key_prefix": key.prefix, "old_until": show_time(old_until)}
        self._record("client_rotated", found.client, by=by, details=details)
        return secret

    async def revoke(self, name: str, *, by: Actor, force: bool = False) -> None:
        """End a client and all its keys; its name stays taken.

        Raises NotFound and RequestInvalid, the latter also for the last admin unless forced.
        """
        known = await self.list_clients()
        found = _named(name, known)
        now = self._clock.now()
        if found.client.revoked_at is not None:
            message = f"The client {name!r} was revoked already, on {show_time(found.client.revoked_at)}."
            raise RequestInvalid(message)
        admins = [one.client.name for one in known if one.client.role == "admin" and one.holds(now)]
        if admins == [name] and not force:
            message = (
                f"The client {name!r} is the last admin, and nobody could change anything at the operator's door "
                "any more; add another admin first, or force it."
            )
            raise RequestInvalid(message)
        await self._store.revoke(found.client.id, at=now)
        details = {"key_prefix": ", ".join(key.prefix for key in found.keys)}
        self._record("client_revoked", found.client, by=by, details=_facts(found.client) | details)

    async def ensure_first_admin(self, file: Path, *, to_file: bool) -> FirstAdmin:
        """Make the client `admin` when there is no client at all; of two processes at once one makes it.

        A key that an operator put into the file is taken over. Otherwise a new one is written to
        the file or, without `to_file`, given back to be shown once. Raises SettingInvalid naming
        a file that holds no key.
        """
        kept = PrivateFile(file, "admin key")
        made = False
        if not await self.list_clients():
            # Written before it counts: a crash in between leaves a key that the next start takes over.
            made = to_file and kept.make(self._new_key())
            given = kept.read()
            secret = given or self._new_key()
            _check_given(secret, file=kept)
            if await self._add_first(secret):
                return FirstAdmin(path=file) if given else FirstAdmin(key=secret)
        if await self._works(kept):
            return FirstAdmin(path=file)
        if made:
            # Somebody else's client came first, so this key opens nothing.
            kept.remove()
        return FirstAdmin()

    async def _add_first(self, secret: Secret) -> bool:
        asked = NewClient(FIRST_ADMIN, role="admin")
        client = check_new_client(asked, self._new_id(), now=self._clock.now())
        key = self._hashed(secret, client=client)
        if not await self._store.add_first(client, key):
            return False
        details = _facts(client) | {"key_prefix": key.prefix}
        self._record("client_added", client, by=Actor("first start"), details=details)
        return True

    async def _works(self, file: PrivateFile) -> bool:
        """Tell whether the file holds a key that opens a door now; one that cannot be read does not."""
        try:
            secret = file.read()
        except SettingInvalid:
            return False
        if secret is None:
            return False
        digest, now = self._hasher.digest(secret.reveal()), self._clock.now()
        return any(
            key.digest == digest and (key.valid_until is None or key.valid_until > now) and known.holds(now)
            for known in await self.list_clients()
            for key in known.keys
        )

    async def _find(self, name: str) -> KnownClient:
        return _named(name, await self.list_clients())

    async def _why_taken(self, name: str) -> str:
        known = {one.client.name: one.client for one in await self.list_clients()}
        client = known.get(name)
        if client is not None and client.revoked_at is not None:
            return (
                f"The name {name!r} is that of a client that was revoked on {show_time(client.revoked_at)}; "
                "names are not used twice, so that the audit stays clear: choose another."
            )
        return f"There is a client {name!r} already; choose another name, or rotate its key for a new one."

    def _hashed(self, secret: Secret, *, client: Client) -> ClientKey:
        key = secret.reveal()
        return ClientKey(self._new_id(), client.id, self._hasher.digest(key), prefix_of(key), self._clock.now())

    def _new_key(self) -> Secret:
        return new_key(self._random_bytes(RANDOM_BYTES))

    def _new_id(self) -> str:
        return self._random_bytes(16).hex()

    def _record(self, kind: AuditKind, client: Client, *, by: Actor, details: dict[str, str]) -> None:
        self._audit.record(
            AuditEvent(
                at=self._clock.now(),
                kind=kind,
                actor=by.name,
                subject=client.name,
                request_id=by.request_id,
                address=by.address,
                details=details,
            )
        )


def _check_given(secret: Secret, *, file: PrivateFile) -> None:
    key = secret.reveal()
    if _GIVEN_KEY.fullmatch(key) and _SHORTEST_KEY <= len(key) <= LONGEST_CREDENTIAL:
        return
    message = (
        f"The admin key file {str(file.path)!r} holds no key: one begins with {CLIENT_KEY_PREFIX} and has "
        f"{_SHORTEST_KEY} to {LONGEST_CREDENTIAL} visible characters and no comma; "
        "mend it, or remove it and one is made."
    )
    raise SettingInvalid(message)


def _named(name: str, known: Sequence[KnownClient]) -> KnownClient:
    for one in known:
        if one.client.name == name:
            return one
    names = [one.client.name for one in known]
    message = f"There is no client {cut(name)};{meant(name, names) or ' list them to see their names.'}"
    raise NotFound(message)


def _facts(client: Client) -> dict[str, str]:
    """Say for the audit what a client may do; what is not limited is left out."""
    budget = client.budget
    facts = {
        "role": client.role or "",
        "scopes": ", ".join(sorted(client.scopes)),
        "models": ", ".join(sorted(client.models)),
        "budget": f"{budget.amount / 1_000_000:.6f} USD per {budget.per}" if budget else "",
        "rpm": str(client.rpm or ""),
        "tpm": str(client.tpm or ""),
        "expires_at": show_time(client.expires_at) if client.expires_at else "",
    }
    return {name: value for name, value in facts.items() if value}
