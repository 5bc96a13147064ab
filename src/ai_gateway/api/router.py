"""The visible list of all routes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

from ai_gateway.api import monitoring
from ai_gateway.api.admin import audit, clients, me
from ai_gateway.api.gitlab import components_code, proxy, user_access_token, v2_code
from ai_gateway.edge.json_route import JsonRoute, PlainRoute
from ai_gateway.edge.roles import RoleGate
from gateway_core.identity.model import Role

# Of one argument or two: the kind of route decides.
Endpoint = Callable[..., object]
Document = Mapping[str, object] | None

_REFUSALS: dict[int | str, dict[str, object]] = {
    401: {"description": 'No credential that holds: `{"error": "…"}`'},
    403: {"description": 'The credential lacks the scope: `{"detail": "…"}`'},
    413: {"description": "The body is over the limit"},
    422: {"description": 'The body does not fit: `{"detail": "…"}`; the header x-gateway-error names the members'},
    429: {"description": "The provider's limit; Retry-After is passed on"},
    503: {"description": "The model did not answer as it should"},
}

_OPERATOR_REFUSALS: dict[int | str, dict[str, object]] = {
    401: {"description": 'No key of a client: `{"error": "…"}`'},
    403: {"description": 'The client has another role: `{"detail": "…"}`'},
    422: {"description": "What was asked for cannot be; the answer says why"},
    503: {"description": "The database does not answer"},
}
# For the document alone: the middleware in front of the routes asks for it.
_BEARER = [Depends(HTTPBearer(scheme_name="Bearer", description="A client key of this gateway, or a token of GitLab."))]
_CLIENT_KEY = [Depends(HTTPBearer(scheme_name="ClientKey", description="The key of a client that has the role."))]


def add_routes(api: FastAPI) -> frozenset[str]:
    """Put every endpoint into the application; gives the paths that metrics name."""
    add = partial(api.router.add_api_route, response_model=None)
    for path, ask in (("/monitoring/healthz", monitoring.healthz), ("/monitoring/ready", monitoring.ready)):
        add(path, ask, methods=["GET"], tags=["monitoring"], route_class_override=PlainRoute)
    named = _add_gitlab_routes(api)
    _add_operator_routes(api)
    return named


def _add_gitlab_routes(api: FastAPI) -> frozenset[str]:
    code_routes = (
        ("/v2/completions", v2_code.code_completions),
        ("/v2/code/completions", v2_code.code_completions),
        ("/v2/code/generations", v2_code.code_generations),
        ("/v3/code/completions", components_code.code_completions_v3),
        ("/v4/code/suggestions", components_code.code_suggestions_v4),
    )
    # A path, and no password.
    token_path = "/v1/code/user_access_token"  # noqa: S105
    proxy_paths = tuple(f"/v1/proxy/{provider}/{{path:path}}" for provider in ("anthropic", "openai", "vertex-ai"))
    add = partial(
        api.router.add_api_route, methods=["POST"], response_model=None, dependencies=_BEARER, responses=_REFUSALS
    )
    for path, answer in code_routes:
        add(path, answer, tags=["code suggestions"], route_class_override=JsonRoute)
    add(
        token_path,
        user_access_token.create_user_access_token,
        tags=["code suggestions"],
        route_class_override=PlainRoute,
    )
    for path in proxy_paths:
        add(path, proxy.proxy, tags=["model proxies"], route_class_override=PlainRoute)
    return frozenset({path for path, _ in code_routes} | {token_path})


def _add_operator_routes(api: FastAPI) -> None:
    """Add the operator's door; a route without a role cannot be written down here."""
    routes: tuple[tuple[str, str, Endpoint, Role, Document], ...] = (
        ("GET", "/admin/me", me.show_me, "viewer", None),
        ("GET", "/admin/clients", clients.list_clients, "viewer", None),
        ("POST", "/admin/clients", clients.add_client, "admin", None),
        ("POST", "/admin/clients/{name}/rotate", clients.rotate_client, "admin", clients.ROTATE_DOCUMENT),
        ("DELETE", "/admin/clients/{name}", clients.revoke_client, "admin", clients.REVOKE_DOCUMENT),
        ("GET", "/admin/audit", audit.list_audit, "operator", audit.DOCUMENT),
    )
    for method, path, answer, role, document in routes:
        kind = JsonRoute if answer is clients.add_client else PlainRoute
        api.router.add_api_route(
            path,
            answer,
            methods=[method],
            tags=["operator"],
            response_model=None,
            dependencies=_CLIENT_KEY,
            responses=_OPERATOR_REFUSALS,
            description=f"{inspect.getdoc(answer)}\n\nNeeds the role {role}.",
            openapi_extra=dict(document) if document else None,
            route_class_override=kind,
        )
        route = api.router.routes[-1]
        if isinstance(route, APIRoute):
            route.app = RoleGate(route.app, role)
