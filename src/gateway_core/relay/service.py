"""Call a model for a product: choose it, watch it, settle what it cost.

A call is opened before anything is answered: the first event has arrived, or the
failure is raised, while the caller can still choose a status. What follows is
never retried. Everything is settled in one `finally` without an await, because a
client that leaves cancels us again at every await.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Self

from gateway_core.inference.collect import Answer, Collector
from gateway_core.inference.events import Finished, StreamEvent, UsageReported
from gateway_core.inference.ports import Provider
from gateway_core.inference.request import InferenceRequest
from gateway_core.inference.wish import ModelWish
from gateway_core.kernel.errors import UpstreamCut, UpstreamFailure
from gateway_core.relay.model import AnsweringModel
from gateway_core.relay.watch import Outcome, Settled, Watcher
from gateway_core.routing.model import Candidate, Catalogue
from gateway_core.routing.plan import choose
from gateway_core.telemetry.logs import get_log
from gateway_core.telemetry.metrics import DETAIL

log = get_log("relay")

RequestBuilder = Callable[[AnsweringModel], Awaitable[InferenceRequest]]


class OpenCall:
    """A call whose first event has arrived; iterate it once, and close it."""

    def __init__(self, model: AnsweringModel, *, first: StreamEvent, rest: AsyncGenerator[StreamEvent]) -> None:
        self.model = model
        self._first: StreamEvent | None = first
        self._rest = rest

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StreamEvent:
        first = self._first
        if first is not None:
            self._first = None
            return first
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

    async def open(self, wish: ModelWish, build: RequestBuilder) -> OpenCall:
        """Start a call; `build` writes the request for the model that was chosen.

        Raises what routing or the provider raises. The caller must close what it gets.
        """
        candidate = choose(wish, self.catalogue)
        model = AnsweringModel(candidate.engine, candidate.name, candidate.model, candidate.profile)
        events = self._run(candidate, await build(model))
        try:
            first = await events.__anext__()
        except StopAsyncIteration:
            raise UpstreamCut("the answer was empty", provider=candidate.engine, model=candidate.name) from None
        return OpenCall(model, first=first, rest=events)

    async def complete(self, wish: ModelWish, build: RequestBuilder) -> tuple[AnsweringModel, Answer]:
        """Make a call and wait for the whole answer."""
        collector = Collector()
        async with aclosing(await self.open(wish, build)) as call:
            async for event in call:
                collector.add(event)
        return call.model, collector.answer()

    async def _run(self, candidate: Candidate, request: InferenceRequest) -> AsyncGenerator[StreamEvent]:
        outcome = Outcome()
        watch = self.watcher.start(engine=candidate.engine, name=candidate.name, streaming=request.stream)
        provider = self.providers[candidate.provider]
        try:
            async with aclosing(provider.stream(request, candidate.lease)) as events:
                async for event in events:
                    if isinstance(event, UsageReported):
                        outcome.usage = event.usage
                    elif isinstance(event, Finished):
                        outcome.finished = event
                    yield event
        # Kept only for the settlement below, and raised again: a cancelled call counts as failed too.
        except BaseException as failure:
            outcome.failure = failure
            raise
        finally:
            _report(candidate, outcome, self.watcher.finish(watch, outcome))


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
