"""`GET /admin/audit`: who was refused, and who changed what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from ai_gateway.api.admin.render import iso
from ai_gateway.edge.deps import runtime_of, while_connected
from ai_gateway.edge.errors import body_invalid
from gateway_core.audit.model import AuditEvent, AuditKind, AuditQuery

_NO_NUL = r"^[^\x00]*$"
_LARGEST_ID = 2**63 - 1


class AuditFilter(BaseModel):
    """The query's parameters; each may be left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: AuditKind | None = None
    actor: Annotated[str, Field(max_length=255, pattern=_NO_NUL)] = ""
    subject: Annotated[str, Field(max_length=255, pattern=_NO_NUL)] = ""
    request_id: Annotated[str, Field(max_length=512, pattern=_NO_NUL)] = ""
    since: AwareDatetime | None = None
    before_id: Annotated[int, Field(ge=1, le=_LARGEST_ID)] | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


DOCUMENT: dict[str, object] = {
    "parameters": [
        {"name": name, "in": "query", "required": False, "schema": schema}
        for name, schema in AuditFilter.model_json_schema()["properties"].items()
    ]
}
"""The parameters as OpenAPI has them."""


async def list_audit(request: Request) -> ASGIApp:
    """List records of the audit, the newest first.

    `before_id` is the `id` of the last record of the page before.
    """
    try:
        wanted = AuditFilter.model_validate_strings(dict(request.query_params))
    except ValidationError as error:
        # Not chained: the library's text repeats what the caller sent.
        raise body_invalid(error) from None
    query = AuditQuery(**wanted.model_dump())
    found = await while_connected(request, runtime_of(request).audit_store.find(query))
    content = msgspec.json.encode({"events": [render_event(event) for event in found]})
    return Response(content, media_type="application/json")


def render_event(event: AuditEvent) -> Mapping[str, object]:
    """Write one record for people and programs."""
    return {
        "id": event.id,
        "at": iso(event.at),
        "kind": event.kind,
        "actor": event.actor,
        "subject": event.subject,
        "reason": event.reason,
        "request_id": event.request_id,
        "address": event.address,
        "details": event.details,
    }
