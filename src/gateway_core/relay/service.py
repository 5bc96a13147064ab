"""Call a model for a product: choose it, watch it, settle what it cost.

A call is opened before anything is answered: its first content has arrived, or the
failure is raised, while the caller can still choose a status. What follows is
never retried. Everything is settled in one `finally` without an await, because a
client that leaves cancels us again at every await.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Self

from gateway_core.inference.collect import Answer, Collector
from gateway_core.inference.events import Finished, Started, StreamEvent, UsageReported
from gateway_core.inference.ports import Provider
from gateway_core.inference.request import InferenceRequest
from gateway_core.inference.wish import Feature, ModelWish
from gateway_core.kernel.errors import UpstreamCut, UpstreamFailure
from gateway_core.relay.model import AnsweringModel
from gateway_core.relay.watch import Outcome, Settled, Watcher
from gateway_core.routing.model import Candidate, Catalogue
from gateway_core.routing.plan import choose
from gateway_core.telemetry.logs import get_log
from gateway_core.telemetry.metrics import DETAIL

log = get_log("relay")

# What may come before a model fails after all: it says that the call was taken, not that it is answered.
_PRELUDE = (Started, UsageReported)

RequestBuilder = Callable[[AnsweringModel], Awaitable[InferenceRequest]]


class OpenCall:
    """A call whose first content has arrived; iterate it once, and close it."""

    def __init__(
        self, model: AnsweringModel, *, begun: Sequence[StreamEvent], rest: AsyncGenerator[StreamEvent]
    ) -> None:
        self.model = model
        self._begun = deque(begun)
        self._rest = rest

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StreamEvent:
        if self._begun:
            return self._begun.popleft()
        return await self._rest.__anext__()

    async def aclose(self) -> None:
        """End the call, upstream too; settles it when it was not whole."""
        await self._rest.aclose()


@dataclass(frozen=True, slots=True)
class Relay:
    """The way to a model for every product."""

    catalogue: Catalogue
    providers: Mapping[str, Provider]
    watcher: Watcher

    def default_features(self) -> list[Feature]:
        """List features that have a default model, one for each such model."""
        return list({ref: feature for feature, ref in self.catalogue.defaults.items()}.values())

    async def open(self, wish: ModelWish, build: RequestBuilder) -> OpenCall:
        """Start a call; `build` writes the request for the model that was chosen.

        Raises what routing or the provider raises. The caller must close what it gets.
        """
        candidate = choose(wish, self.catalogue)
        model = AnsweringModel(candidate.engine, candidate.name, candidate.model, candidate.profile)
        events = self._run(candidate, await build(model))
        begun = [await events.__anext__()]
        while isinstance(begun[-1], _PRELUDE):
            begun.append(await events.__anext__())
        return OpenCall(model, begun=begun, rest=events)

    async def complete(self, wish: ModelWish, build: RequestBuilder) -> tuple[AnsweringModel, Answer]:
        """Make a call and wait for the whole answer."""
        collector = Collector()
        async with aclosing(await self.open(wish, build)) as call:
            async for event in call:
                collector.add(event)
        return call.model, collector.answer()

    async def _run(self, candidate: Candidate, request: InferenceRequest) -> AsyncGenerator[StreamEvent]:
        outcome = Outcome()
        provider = self.providers[candidate.provider]
        watch = self.watcher.start(engine=candidate.engine, name=candidate.name, streaming=request.stream)
        began = False
        try:
            async with aclosing(provider.stream(request, candidate.lease)) as events:
                async for event in events:
                    began = began or not isinstance(event, _PRELUDE)
                    if isinstance(event, UsageReported):
                        outcome.usage = event.usage
                    elif isinstance(event, Finished):
                        outcome.finished = event
                    yield event
            _require_any(candidate, began=began)
        # Kept only for the settlement below, and raised again: a cancelled call counts as failed too.
        except BaseException as failure:
            outcome.failure = failure
            raise
        finally:
            _report(candidate, outcome, self.watcher.finish(watch, outcome))


def _require_any(candidate: Candidate, *, began: bool) -> None:
    if not began:
        raise UpstreamCut("the answer was empty", provider=candidate.provider, model=candidate.model)


def _report(candidate: Candidate, outcome: Outcome, settled: Settled) -> None:
    failure = outcome.failure
    if isinstance(failure, UpstreamFailure):
        log.warning(
            "upstream_failed",
            provider=candidate.provider,
            model_engine=candidate.engine,
            model_name=candidate.name,
            base_url=candidate.lease.base_url,
            cause=failure.code,
            detail=failure.detail,
            upstream_status=failure.upstream_status,
        )
    labels = dict(zip(DETAIL, settled.labels, strict=True))
    if labels["finish_reason"] == "other" and outcome.finished is not None:
        log.error("finish_reason_unknown", finish_reason=outcome.finished.raw, provider=candidate.provider)
    log.info("Request to LLM complete", source=__name__, duration_s=round(settled.took, 6), **labels)
    usage = outcome.usage
    if usage is not None:
        log.info(
            "LLM call finished with token usage",
            model_provider=candidate.provider,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            total_tokens=usage.input_tokens + usage.output_tokens,
            cache_read=usage.cache_read_tokens,
            cache_creation=usage.cache_write_tokens,
            **labels,
        )
