"""The register of clients: added, listed, given new keys, ended; each change is audited."""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from gateway_core.audit.model import AuditEvent, AuditKind
from gateway_core.audit.ports import AuditTrail
from gateway_core.identity.key_hash import (
    ENDED_AT_ONCE,
    LONGEST_CREDENTIAL,
    RANDOM_BYTES,
    KeyHasher,
    new_key,
    prefix_of,
)
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
"""The name of the client that the first start makes; `admin-2` and so on when it is taken."""

ClientState = Literal["active", "expired", "revoked"]
"""Whether a client's newest key opens a door, and why not."""

_DAY = 24 * 3600
_STARTED_OVER = "started over: all clients were ended, and one admin was added"
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
        return state_of(self.client, at=at) == "active"


@dataclass(frozen=True, slots=True)
class FirstAdmin:
    """How an operator gets in after a start: `key` was made just now, `path` holds one that works.

    `name` is that of an admin whose keys hold, None when there is no such admin.
    """

    key: Secret | None = None
    path: Path | None = None
    name: str | None = None


def state_of(client: Client, *, at: datetime) -> ClientState:
    """Tell what a client is at this time."""
    if client.revoked_at is not None:
        return "revoked"
    return "expired" if client.expires_at is not None and client.expires_at <= at else "active"


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
        self._record_added(client, key, by=by)
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

        A grace of 0 ends them at once, whatever the clock of a machine says. Raises NotFound, RequestInvalid.
        """
        if not 0 <= grace <= LONGEST_GRACE:
            message = f"An old key cannot hold for {_lasting(grace)} more; give 0 to {_lasting(LONGEST_GRACE)}."
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
        old_until = now + timedelta(seconds=grace) if grace else ENDED_AT_ONCE
        await self._store.rotate(found.client.id, key, old_until=old_until)
        details = {"key_prefix": key.prefix, "old_until": show_time(old_until) if grace else "at once"}
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
        self._record_revoked(found, by=by)

    async def ensure_first_admin(self, file: Path, *, to_file: bool) -> FirstAdmin:
        """Make an admin when there never was one; of two processes at once one makes it.

        Who revoked every admin by force meant it: then none is made. A key that an operator put
        into the file is taken over. Otherwise a new one is written to the file or, without
        `to_file`, given back to be shown once. Raises SettingInvalid naming a file that holds no
        key, or the key of somebody else.
        """
        kept = PrivateFile(file, "admin key")
        made = False
        while not _had_admin(known := await self.list_clients()):
            # Written before it counts: a crash in between leaves a key that the next start takes over.
            made = (to_file and kept.make(self._new_key())) or made
            given = kept.read()
            secret = given or self._new_key()
            self._check_given(secret, file=kept, known=known)
            client, key = self._new_admin(secret, known=known)
            # False also when the name was taken just now: then the next one is tried.
            if await self._store.add_first(client, key):
                self._record_added(client, key, by=Actor("first start"))
                return FirstAdmin(None if given else secret, file if given else None, client.name)
        name = self._holding_admin(known)
        if await self._works(kept):
            return FirstAdmin(path=file, name=name)
        if made:
            # Somebody else's admin came first, so this key opens nothing.
            kept.remove()
        return FirstAdmin(name=name)

    async def start_over(self, *, by: Actor) -> tuple[Client, Secret]:
        """End all clients and add one admin, whose key is hashed with the hash key of now; gives it with that key.

        For a hash key that is lost: no earlier key could ever be verified again.
        """
        while True:
            known = await self.list_clients()
            secret = self._new_key()
            client, key = self._new_admin(secret, known=known)
            if await self._store.start_over(self._hasher.mark(), client, key=key, at=client.created_at):
                break
        for one in known:
            if one.client.revoked_at is None:
                self._record_revoked(one, by=by, reason=_STARTED_OVER)
        self._record_added(client, key, by=by, reason=_STARTED_OVER)
        return client, secret

    def _new_admin(self, secret: Secret, *, known: Sequence[KnownClient]) -> tuple[Client, ClientKey]:
        taken = {one.client.name for one in known}
        names = itertools.chain([FIRST_ADMIN], (f"{FIRST_ADMIN}-{number}" for number in itertools.count(2)))
        name = next(name for name in names if name not in taken)
        client = check_new_client(NewClient(name, role="admin"), self._new_id(), now=self._clock.now())
        return client, self._hashed(secret, client=client)

    def _holding_admin(self, known: Sequence[KnownClient]) -> str | None:
        """Name the admin who is there longest, of those whose keys hold."""
        now = self._clock.now()
        admins = [one.client for one in known if one.client.role == "admin" and one.holds(now)]
        return min(admins, key=lambda client: client.created_at).name if admins else None

    def _check_given(self, secret: Secret, *, file: PrivateFile, known: Sequence[KnownClient]) -> None:
        path, key = str(file.path), secret.reveal()
        if not (_GIVEN_KEY.fullmatch(key) and _SHORTEST_KEY <= len(key) <= LONGEST_CREDENTIAL):
            message = (
                f"The admin key file {path!r} holds no key: one begins with {CLIENT_KEY_PREFIX} and has "
                f"{_SHORTEST_KEY} to {LONGEST_CREDENTIAL} visible characters and no comma; "
                "mend it, or remove it and one is made."
            )
            raise SettingInvalid(message)
        digest = self._hasher.digest(key)
        for one in known:
            if any(held.digest == digest for held in one.keys):
                message = (
                    f"The admin key file {path!r} holds a key of the client {one.client.name!r}, who is no admin; "
                    "put another key there, or remove the file and one is made."
                )
                raise SettingInvalid(message)

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

    def _record_added(self, client: Client, key: ClientKey, *, by: Actor, reason: str = "") -> None:
        details = _facts(client) | {"key_prefix": key.prefix}
        self._record("client_added", client, by=by, details=details, reason=reason)

    def _record_revoked(self, known: KnownClient, *, by: Actor, reason: str = "") -> None:
        details = _facts(known.client) | {"key_prefix": ", ".join(key.prefix for key in known.keys)}
        self._record("client_revoked", known.client, by=by, details=details, reason=reason)

    def _record(self, kind: AuditKind, client: Client, *, by: Actor, details: dict[str, str], reason: str = "") -> None:
        self._audit.record(
            AuditEvent(
                at=self._clock.now(),
                kind=kind,
                actor=by.name,
                subject=client.name,
                reason=reason,
                request_id=by.request_id,
                address=by.address,
                details=details,
            )
        )


def _had_admin(known: Sequence[KnownClient]) -> bool:
    return any(one.client.role == "admin" for one in known)


def _lasting(span: Seconds) -> str:
    """Write a span of time for people, in days where it is some."""
    return f"{span / _DAY:g} days" if span and span % _DAY == 0 else f"{span:.12g} s"


def _named(name: str, known: Sequence[KnownClient]) -> KnownClient:
    for one in known:
        if one.client.name == name:
            return one
    names = [one.client.name for one in known]
    hint = meant(name, names)
    message = f"There is no client {cut(name)}{'; list them to see their names.' if hint == '.' else hint}"
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
