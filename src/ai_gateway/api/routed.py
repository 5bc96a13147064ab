"""All endpoints that have a route, inside the layers of middleware.

It takes a third of the time of a start to load and build, and the universal door needs none of
it: so only `app.py` names this module, and only when it is its turn.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from importlib.metadata import version

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.types import ASGIApp
from typing_extensions import override

from ai_gateway.api.monitoring import Readiness
from ai_gateway.api.router import add_routes
from ai_gateway.edge.access_log import AccessLog
from ai_gateway.edge.admission import Admission
from ai_gateway.edge.authentication import Authentication
from ai_gateway.edge.body import BodyReader, RequestBody
from ai_gateway.edge.errors import ErrorAnswers
from ai_gateway.edge.middleware import (
    CorrelationId,
    FeatureFlags,
    HostCheck,
    HttpMetrics,
    RequestContext,
    RequestMetadata,
)
from ai_gateway.services import build_services
from gateway_core.runtime import Runtime

_TITLE = "AI gateway"


class _Api(FastAPI):
    """The routes alone: failures are answered by our own layer, which knows our clients' forms.

    FastAPI's layer that closes uploaded files is left out as well: no route of ours takes any.
    """

    @override
    def build_middleware_stack(self) -> ASGIApp:
        return ExceptionMiddleware(self.router, handlers=self.exception_handlers)


def build_routed(runtime: Runtime, stack: AsyncExitStack, *, admission: Admission, reader: BodyReader) -> ASGIApp:
    """Build the routes and the layers around them; what must be ended goes on the stack."""
    settings = runtime.settings
    pages = settings.fastapi
    api = _Api(
        title=_TITLE,
        version=version("ai-gateway"),
        docs_url=pages.docs_url,
        openapi_url=pages.openapi_url,
        redoc_url=pages.redoc_url,
        # A redirect would be built from the Host header, which is the caller's to write.
        redirect_slashes=False,
    )
    api.state.runtime = runtime
    api.state.services = build_services(runtime)
    api.state.readiness = readiness = Readiness(runtime.relay, runtime.clock, settings.custom_models.enabled)
    stack.push_async_callback(readiness.stop)
    handlers = add_routes(api)
    disallowed = {realm: frozenset(flags) for realm, flags in settings.feature_flags.disallowed_flags.items()}

    app: ASGIApp = RequestBody(api, reader)
    app = FeatureFlags(app, disallowed)
    app = RequestMetadata(app)
    app = Authentication(app, admission)
    app = ErrorAnswers(app, runtime.data_log, runtime.audit)
    app = AccessLog(app)
    app = CORSMiddleware(app, allow_origins=["*"], allow_methods=["POST"], allow_headers=["*"])
    app = RequestContext(app)
    app = HostCheck(app)
    app = CorrelationId(app)
    return HttpMetrics(app, runtime.metrics, handlers)
