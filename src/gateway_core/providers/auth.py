"""How a provider is shown its key."""

from __future__ import annotations

from gateway_core.kernel.secret import Secret


def bearer(secret: Secret | None) -> list[tuple[str, str]]:
    """Give `Authorization: Bearer`; nothing without a key, as servers of one's own often want none."""
    return [("authorization", f"Bearer {secret.reveal()}")] if secret else []


def anthropic_key(secret: Secret | None) -> list[tuple[str, str]]:
    """Give `x-api-key` and the API version that our dialect speaks.

    Source: Anthropic's API documentation, versioning page, read 2026-11.
    """
    version = ("anthropic-version", "2023-06-01")
    return [("x-api-key", secret.reveal()), version] if secret else [version]
