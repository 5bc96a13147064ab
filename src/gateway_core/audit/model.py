"""One record of the audit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

AuditKind = Literal[
    "credential_refused",
    "permission_refused",
    "client_added",
    "client_rotated",
    "client_revoked",
    "token_issued",
]

CHANGES: frozenset[AuditKind] = frozenset({"client_added", "client_rotated", "client_revoked"})
"""What operators did. It is never pushed out of the record by what callers do."""


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Who did what, to what, why, in which request. No secrets, and no credentials.

    `actor` is the caller or, for a command, the account it ran as; empty when nobody
    proved who they are. `subject` is what was changed or asked for: a client, a path.
    """

    at: datetime
    kind: AuditKind
    actor: str = ""
    subject: str = ""
    reason: str = ""
    request_id: str = ""
    address: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    id: int = 0


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which records are wanted, the newest first; None and empty ask for all."""

    kind: AuditKind | None = None
    actor: str = ""
    subject: str = ""
    request_id: str = ""
    since: datetime | None = None
    before_id: int | None = None
    limit: int = 100
