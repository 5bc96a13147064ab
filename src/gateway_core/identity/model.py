"""A caller, and what a caller may do."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from gateway_core.kernel.units import MicroUsd

CLIENT_KEY_PREFIX = "gw-"
"""How every key that this gateway makes for a client begins."""

Role = Literal["viewer", "operator", "admin"]
"""What somebody may do at the operator's door; each includes the ones before it."""

ROLES: tuple[Role, ...] = ("viewer", "operator", "admin")
"""All roles, the weakest first."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says; `extra` holds every claim we have no word for."""

    issuer: str = ""
    subject: str = ""
    scopes: frozenset[str] = frozenset()
    realm: str = ""
    instance_id: str = ""
    duo_seat_count: str = ""
    instance_uid: str = ""
    extra: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Budget:
    """How much a client may spend, and after which time it may again."""

    amount: MicroUsd
    per: Literal["day", "month", "total"]


@dataclass(frozen=True, slots=True)
class Client:
    """Somebody, or some tool, that holds keys of this gateway.

    Empty `scopes` mean every unit primitive and empty `models` every model; without a
    `role` there is no way through the operator's door. `rpm` and `tpm` are requests and
    tokens a minute; None sets no limit.
    """

    id: str
    name: str
    created_at: datetime
    role: Role | None = None
    scopes: frozenset[str] = frozenset()
    models: frozenset[str] = frozenset()
    budget: Budget | None = None
    rpm: int | None = None
    tpm: int | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ClientKey:
    """One key of a client, as it is stored: by its keyed hash (hex), and the part of it that may be shown.

    A key that was rotated out holds until `valid_until`.
    """

    id: str
    client_id: str
    digest: str
    prefix: str
    created_at: datetime
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who proved who they are.

    A `debug` caller came through a bypass and may use every feature. A `client` holds a
    key that this gateway made, and a `token` caller a signed token; they may do what their scopes say.
    """

    kind: Literal["debug", "client", "token"]
    claims: Claims | None = None
    client: Client | None = None

    def can(self, unit_primitive: str, *, disallowed_issuers: Collection[str] = ()) -> bool:
        """Tell whether this caller holds the unit primitive, from an issuer that counts here."""
        if not unit_primitive:
            return False
        if self.kind == "debug":
            return True
        if self.client is not None:
            return not self.client.scopes or unit_primitive in self.client.scopes
        if self.claims is None or self.claims.issuer in disallowed_issuers:
            return False
        return unit_primitive in self.claims.scopes

    def has_role(self, role: Role) -> bool:
        """Tell whether this caller may do what the role may; only keys of clients carry roles."""
        held = self.client.role if self.client is not None else None
        return held is not None and ROLES.index(held) >= ROLES.index(role)

    @property
    def skip_usage_cutoff(self) -> bool:
        """Whether the issuer asked that no quota be checked."""
        return self.claims is not None and bool(self.claims.extra.get("skip_usage_cutoff"))

    @property
    def name(self) -> str:
        """Who this is, for the audit: a client by its name, a token by its subject."""
        if self.client is not None:
            return self.client.name
        return self.claims.subject if self.claims is not None else self.kind
