"""A client as JSON, the same at the operator's door and from the command line."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from ai_gateway.api.admin.render import iso
from gateway_core.identity.clients import KnownClient, state_of
from gateway_core.identity.model import Client, ClientKey
from gateway_core.identity.new_client import not_enforced

_MICRO = 1_000_000


def render_known(known: KnownClient, *, now: datetime) -> dict[str, object]:
    """Write a client with its keys; of those only what may be shown."""
    return {**render_client(known.client, now=now), "keys": [_render_key(key) for key in known.keys]}


def render_client(client: Client, *, now: datetime) -> dict[str, object]:
    """Write a client for people and programs; money is text, so that no reader rounds it."""
    budget = client.budget
    return {
        "name": client.name,
        "role": client.role,
        "state": state_of(client, at=now),
        "scopes": sorted(client.scopes),
        "models": sorted(client.models),
        "budget": {"usd": f"{Decimal(budget.amount) / _MICRO:f}", "per": budget.per} if budget else None,
        "rpm": client.rpm,
        "tpm": client.tpm,
        "not_enforced": not_enforced(client),
        "created_at": iso(client.created_at),
        "expires_at": iso(client.expires_at),
        "revoked_at": iso(client.revoked_at),
    }


def _render_key(key: ClientKey) -> dict[str, object]:
    return {"prefix": key.prefix, "created_at": iso(key.created_at), "valid_until": iso(key.valid_until)}
