"""The application: the universal door before everything else; and the life of the process around it."""

from __future__ import annotations

import asyncio
import gc
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from ai_gateway.api.later import BuiltLater
from ai_gateway.api.universal.door import UniversalDoor
from ai_gateway.api.universal.models import ModelsEndpoint
from ai_gateway.edge.admission import Admission
from ai_gateway.edge.body import BodyReader
from gateway_core.kernel.errors import SettingInvalid, StorageUnavailable
from gateway_core.kernel.units import Seconds
from gateway_core.runtime import Runtime, build_runtime
from gateway_core.settings.model import Settings
from gateway_core.telemetry.logs import get_log

log = get_log("server")

_LOOK_EVERY = 10_000
# The first requests are served in peace before the rest is built beside them.
_REST_AFTER = Seconds(0.25)
_TURN = Seconds(0.0005)


@dataclass(frozen=True, slots=True)
class Application:
    """The way in of every request, and what is behind it for those that the universal door does not serve itself."""

    door: ASGIApp
    routed: BuiltLater


def create_app(runtime: Runtime, stack: AsyncExitStack) -> Application:
    """Build the application on a running core, its routes only when they are asked for; what must end is on the stack."""
    limits = runtime.settings.limits
    reader = BodyReader(limits.max_body_bytes, Seconds(limits.body_timeout))
    admission = Admission(runtime.identity.authenticator, runtime.identity.throttle, runtime.audit)

    def build() -> ASGIApp:
        # Imported here for the reason in its docstring.
        from ai_gateway.api.routed import build_routed  # noqa: PLC0415

        return build_routed(runtime, stack, admission=admission, reader=reader)

    routed = BuiltLater(build)
    stack.push_async_callback(routed.stop)
    models = ModelsEndpoint(runtime.relay, admission)
    return Application(UniversalDoor(routed, runtime.relay, admission, reader, runtime.metrics, models), routed)


class Service:
    """What a worker process serves: it builds the core when it starts and closes it when it stops."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stack = AsyncExitStack()
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the life of the process."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._app is not None:
            await self._app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            runtime = await self._stack.enter_async_context(build_runtime(self._settings))
        except (SettingInvalid, StorageUnavailable) as failure:
            await send({"type": "lifespan.startup.failed", "message": str(failure)})
            return
        app = create_app(runtime, self._stack)
        self._app = app.door
        _keep_what_is_built()
        rest = asyncio.create_task(_build_rest(app.routed), name="rest")
        await send({"type": "lifespan.startup.complete"})
        await receive()
        rest.cancel()
        await asyncio.wait([rest])
        await self._stack.aclose()
        await send({"type": "lifespan.shutdown.complete"})


async def _build_rest(routed: BuiltLater) -> None:
    await asyncio.sleep(_REST_AFTER)
    usual = sys.getswitchinterval()
    # Requests that are served meanwhile get their turn sooner: each takes many.
    sys.setswitchinterval(_TURN)
    try:
        # Gathered, so that a failure nobody thought of is a value here; every request for a route fails by it as well.
        [failure] = await asyncio.gather(routed.built(), return_exceptions=True)
    finally:
        sys.setswitchinterval(usual)
    if isinstance(failure, BaseException):
        log.critical("routes_not_built", exc_info=failure)
    _keep_what_is_built()


def _keep_what_is_built() -> None:
    """Let the collector never walk it again: it stays for good. From here on it collects what requests leave.

    Nothing is collected before: to look through all that a start has made takes a tenth of the start and
    finds next to nothing.
    """
    gc.freeze()
    # A request leaves next to nothing that goes in circles: to look every 700 objects is a twentieth of its time.
    gc.set_threshold(_LOOK_EVERY)
    gc.enable()
