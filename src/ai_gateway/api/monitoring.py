"""Health and readiness, for those who start and watch the service."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from gateway_core.inference.request import InferenceRequest, Sampling, conversation_of
from gateway_core.inference.wish import ModelWish
from gateway_core.kernel.errors import UpstreamOverloaded, UpstreamRateLimited
from gateway_core.relay.model import AnsweringModel
from gateway_core.relay.service import Relay


@dataclass(slots=True)
class Readiness:
    """Whether the models answer; asked once, and remembered when they did."""

    relay: Relay
    custom_models: bool
    _proven: bool = False
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def prove(self) -> None:
        """Ask the default model for one word; raises what the call raises.

        Models that callers bring along cannot be asked beforehand, so an
        installation that has no others is ready at once.
        """
        async with self._asking:
            if self._proven:
                return
            if not (self.custom_models and not self.relay.catalogue.defaults):
                await self._ask()
            self._proven = True

    async def _ask(self) -> None:
        try:
            await self.relay.complete(ModelWish("code_completions"), _one_word)
        except UpstreamRateLimited as limited:
            # Who asks is no client that should wait: not ready is all it needs to know.
            message = "it is rate limited"
            raise UpstreamOverloaded(message, provider=limited.provider, model=limited.model) from limited


async def _one_word(model: AnsweringModel) -> InferenceRequest:
    prompt = conversation_of(system="", user="Answer with the word ready.")
    return InferenceRequest(model.upstream, prompt, Sampling(max_tokens=16), prompt_id="monitoring/ready")


async def healthz(_request: Request) -> Response:
    """Say that the process runs."""
    return _ok()


async def ready(request: Request) -> Response:
    """Say that the service can answer; 503 while its model does not."""
    readiness: Readiness = request.app.state.readiness
    await readiness.prove()
    return _ok()


def _ok() -> Response:
    return Response(b"{}", media_type="application/json")
