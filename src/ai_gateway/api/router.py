"""The visible list of all routes."""

from __future__ import annotations

from functools import partial

from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer

from ai_gateway.api import monitoring
from ai_gateway.api.gitlab import components_code, v2_code
from ai_gateway.edge.json_route import JsonRoute, PlainRoute

_REFUSALS: dict[int | str, dict[str, object]] = {
    401: {"description": 'No credential that holds: `{"error": "…"}`'},
    403: {"description": 'The credential lacks the scope: `{"detail": "…"}`'},
    413: {"description": "The body is over the limit"},
    422: {"description": 'The body does not fit: `{"detail": "…"}`; the header x-gateway-error names the members'},
    429: {"description": "The provider's limit; Retry-After is passed on"},
    503: {"description": "The model did not answer as it should"},
}


def add_routes(api: FastAPI) -> frozenset[str]:
    """Put every endpoint into the application; gives the paths that metrics name."""
    plain_routes = (("/monitoring/healthz", monitoring.healthz), ("/monitoring/ready", monitoring.ready))
    json_routes = (
        ("/v2/completions", v2_code.code_completions),
        ("/v2/code/completions", v2_code.code_completions),
        ("/v2/code/generations", v2_code.code_generations),
        ("/v3/code/completions", components_code.code_completions_v3),
        ("/v4/code/suggestions", components_code.code_suggestions_v4),
    )
    add = partial(api.router.add_api_route, response_model=None)
    for path, ask in plain_routes:
        add(path, ask, methods=["GET"], tags=["monitoring"], route_class_override=PlainRoute)
    for path, answer in json_routes:
        add(
            path,
            answer,
            methods=["POST"],
            tags=["code suggestions"],
            route_class_override=JsonRoute,
            # For the document alone: the middleware in front of the route asks for it.
            dependencies=[Depends(HTTPBearer(description="A client key of this gateway, or a token of GitLab."))],
            responses=_REFUSALS,
        )
    return frozenset(path for path, _ in json_routes)
