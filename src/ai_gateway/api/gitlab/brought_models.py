"""Who may bring a model along: GitLab itself, and whoever holds a key that the operator made."""

from __future__ import annotations

from starlette.requests import Request

from ai_gateway.edge.deps import runtime_of
from ai_gateway.edge.scope import exchange_of
from gateway_core.inference.wish import ModelWish
from gateway_core.kernel.errors import PermissionMissing

_REFUSAL = "Unauthorized to bring a model"
_REASON = (
    "a model's endpoint, key or identifier is taken from GitLab itself: "
    "not in a call with a token that this gateway issued for a user's editor"
)


def check_may_bring(request: Request, wish: ModelWish) -> None:
    """Refuse a model that a user brings along; that custom models are off is told by whoever chooses the model."""
    runtime = runtime_of(request)
    if not wish.self_hosted or not runtime.settings.custom_models.enabled:
        return
    caller = exchange_of(request.scope).caller
    claims = caller.claims if caller is not None else None
    if claims is not None and claims.issuer == runtime.identity.authenticator.service_name:
        raise PermissionMissing(_REFUSAL, reason=_REASON)
