"""Health and readiness, for those who start and watch the service."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from ai_gateway.edge.deps import while_connected
from gateway_core.inference.request import InferenceRequest, Sampling, conversation_of
from gateway_core.inference.wish import Feature, ModelWish
from gateway_core.kernel.clock import Clock
from gateway_core.kernel.errors import UpstreamFailure, UpstreamOverloaded, UpstreamRateLimited
from gateway_core.kernel.units import Seconds
from gateway_core.relay.model import AnsweringModel
from gateway_core.relay.service import Relay

_ANY: Feature = "code_completions"
_FAILURE_KEPT = Seconds(5)


@dataclass(slots=True)
class Readiness:
    """Whether the models answer; asked once, and remembered when they did.

    This path needs no credential, so it must not be a lever on paid calls: whoever asks
    while an attempt runs shares it, and a failure is remembered for five seconds.
    """

    relay: Relay
    clock: Clock
    custom_models: bool
    _proven: bool = False
    _attempt: asyncio.Task[None] | None = None
    _failed: tuple[Seconds, UpstreamFailure] | None = None

    async def prove(self) -> None:
        """Ask the default model of each feature for one word; raises what a call raises.

        Models that callers bring along cannot be asked beforehand, so an
        installation that has no others is ready at once.
        """
        if self._proven:
            return
        if self._failed is not None and self.clock.monotonic() - self._failed[0] < _FAILURE_KEPT:
            raise self._failed[1].with_traceback(None)
        if self._attempt is None or self._attempt.done():
            self._attempt = asyncio.create_task(self._ask_all())
        # One who leaves must not end it for the others.
        await asyncio.shield(self._attempt)

    async def stop(self) -> None:
        """End an attempt that still runs."""
        if self._attempt is not None:
            self._attempt.cancel()
            await asyncio.gather(self._attempt, return_exceptions=True)

    async def _ask_all(self) -> None:
        features = self.relay.default_features() or ([] if self.custom_models else [_ANY])
        try:
            for feature in features:
                await self.relay.complete(ModelWish(feature), _one_word)
        except UpstreamRateLimited as limited:
            # Who asks is no client that should wait: not ready is all it needs to know.
            failure = UpstreamOverloaded("it is rate limited", provider=limited.provider, model=limited.model)
            self._failed = (self.clock.monotonic(), failure)
            raise failure from limited
        except UpstreamFailure as failure:
            self._failed = (self.clock.monotonic(), failure)
            raise
        self._proven = True


async def _one_word(model: AnsweringModel) -> InferenceRequest:
    prompt = conversation_of(system="", user="Answer with the word ready.")
    return InferenceRequest(model.upstream, prompt, Sampling(max_tokens=16), prompt_id="monitoring/ready")


async def healthz(_request: Request) -> Response:
    """Say that the process runs."""
    return _ok()


async def ready(request: Request) -> Response:
    """Say that the service can answer; 503 while its model does not."""
    readiness: Readiness = request.app.state.readiness
    await while_connected(request, readiness.prove())
    return _ok()


def _ok() -> Response:
    return Response(b"{}", media_type="application/json")
