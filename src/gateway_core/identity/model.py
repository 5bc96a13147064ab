"""A caller, and what a caller may do."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

CLIENT_KEY_PREFIX = "gw-"
"""How every key that this gateway makes for a client begins."""


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
class Caller:
    """Somebody who proved who they are.

    `debug` callers come through a bypass and `client` callers hold a key that
    this gateway made: both may do everything. A `token` caller may do what its scopes say.
    """

    kind: Literal["debug", "client", "token"]
    claims: Claims | None = None

    def can(self, unit_primitive: str, *, disallowed_issuers: Collection[str] = ()) -> bool:
        """Tell whether this caller holds the unit primitive, from an issuer that counts here."""
        if not unit_primitive:
            return False
        if self.kind != "token":
            return True
        if self.claims is None or self.claims.issuer in disallowed_issuers:
            return False
        return unit_primitive in self.claims.scopes
