"""How large one record may be, so that any database takes it and no log line grows without end."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice

from gateway_core.audit.model import AuditEvent

ACTOR = SUBJECT = 255
REQUEST_ID = 512
ADDRESS = 64
REASON = 2000
DETAILS = 20
DETAIL_NAME = 64
DETAIL = 500

# PostgreSQL takes no NUL in a text, and no encoder takes half of a surrogate pair.
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")


def fitted(event: AuditEvent) -> AuditEvent:
    """Cut what is too long, and replace what cannot be written."""
    return replace(
        event,
        actor=_fit(event.actor, ACTOR),
        subject=_fit(event.subject, SUBJECT),
        reason=_fit(event.reason, REASON),
        request_id=_fit(event.request_id, REQUEST_ID),
        address=_fit(event.address, ADDRESS),
        details={
            _fit(name, DETAIL_NAME): _fit(value, DETAIL) for name, value in islice(event.details.items(), DETAILS)
        },
    )


def _fit(text: str, length: int) -> str:
    cut = text[:length]
    return cut if cut.isascii() and "\0" not in cut else _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", cut)
