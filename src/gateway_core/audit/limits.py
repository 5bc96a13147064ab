"""What one record may hold: no more than any database takes, and no secret."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice

from gateway_core.audit.model import AuditEvent
from gateway_core.telemetry.logs import redactor

ACTOR = SUBJECT = 255
REQUEST_ID = 512
ADDRESS = 64
REASON = 2000
DETAILS = 20
DETAIL_NAME = 64
DETAIL = 500
# Times the length that is kept: enough that a secret at its end is whole when it is looked for.
_LOOKED_AT = 4

# PostgreSQL takes no NUL in a text, and no encoder takes half of a surrogate pair.
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")


def fitted(event: AuditEvent) -> AuditEvent:
    """Cut what is too long, mask what is a secret, and replace what cannot be written."""
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
    # A caller may put a key where none belongs, into a path for one; who reads the audit must not get it.
    given = text[: length * _LOOKED_AT].encode("utf-8", "surrogatepass")
    cut = redactor.mask_text(given).decode("utf-8", "surrogatepass")[:length]
    return cut if cut.isascii() and "\0" not in cut else _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", cut)
