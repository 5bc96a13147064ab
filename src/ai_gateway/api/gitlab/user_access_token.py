"""`POST /v1/code/user_access_token`: a token with which a user's editor calls the gateway itself.

Source: HTTP specification, sections 1.4 and 2.4 (18.8 form).
"""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from ai_gateway.api.gitlab.code_answers import CATEGORY
from ai_gateway.edge.answers import NO_STORE
from ai_gateway.edge.audit import record_issued_token
from ai_gateway.edge.deps import require, runtime_of
from ai_gateway.edge.scope import exchange_of
from gateway_core.identity.self_issued import USER_TOKEN_SCOPES, UserTokenRequest
from gateway_core.kernel.errors import PermissionMissing

_REFUSAL = "Unauthorized to create user access token"


async def create_user_access_token(request: Request) -> ASGIApp:
    """Issue a token for the user in `X-Gitlab-Global-User-Id`, valid for an hour.

    It holds those of `complete_code` and `ai_gateway_model_provider_proxy` that the caller
    holds. Neither such a token nor a client key can be exchanged for one: it would
    outlive what it was given for.
    """
    require(request, *USER_TOKEN_SCOPES, refusal=_REFUSAL, self_issued=False, category=CATEGORY)
    exchange, runtime = exchange_of(request.scope), runtime_of(request)
    caller = exchange.caller
    if caller is None or caller.client is not None:
        reason = "a client key opens everything itself; tokens for users are given to GitLab only"
        raise PermissionMissing(_REFUSAL, reason=reason)
    header = exchange.header
    asked = UserTokenRequest(
        user_id=header("x-gitlab-global-user-id"),
        realm=header("x-gitlab-realm"),
        instance_id=header("x-gitlab-instance-id"),
        project_id=header("x-gitlab-project-id"),
        namespace_id=header("x-gitlab-namespace-id"),
        root_namespace_id=header("x-gitlab-root-namespace-id"),
    )
    issued = runtime.identity.signer.issue_user_token(caller, asked, now=runtime.clock.now())
    record_issued_token(runtime.audit, request.scope, expires_at=issued.expires_at)
    content = msgspec.json.encode({"token": issued.token.reveal(), "expires_at": issued.expires_at})
    return Response(content, headers=NO_STORE, media_type="application/json")
