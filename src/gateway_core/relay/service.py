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
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Self

from gateway_core.dialects.callers import CallersWords
from gateway_core.inference.collect import Answer, Collector
from gateway_core.inference.events import Started, StreamEvent, UsageReported
from gateway_core.inference.losses import Losses
from gateway_core.inference.ports import Provider
from gateway_core.inference.request import InferenceRequest
from gateway_core.inference.wish import Feature, ModelWish
from gateway_core.kernel.errors import ModelNotFound, OperationMissing, UpstreamDropped, UpstreamFailure
from gateway_core.relay.attempt import Attempt
from gateway_core.relay.model import AnsweringModel, Ask, Way
from gateway_core.relay.passthrough import Passed
from gateway_core.relay.verdict import judge
from gateway_core.relay.watch import Watcher
from gateway_core.routing.model import Catalogue
from gateway_core.routing.named import candidates_for, candidates_of, model_names
from gateway_core.routing.plan import choose

# What may come before a model fails after all: it says that the call was taken, not that it is answered.
_PRELUDE = (Started, UsageReported)
# However many keys and candidates there are: each failed try costs the caller time.
_MOST_TRIES = 6
_MOST_KNOWN = 2_000
# Names are remembered in many places; no vendor has one of half this length (ARNs of AWS are the longest).
_LONGEST_NAME = 1_024

RequestBuilder = Callable[[AnsweringModel], Awaitable[InferenceRequest]]


class OpenCall:
    """A call whose first content has arrived; iterate it once, and close it.

    `dropped` names what the caller asked for and the provider could not be told.
    """

    def __init__(
        self, model: AnsweringModel, *, begun: Sequence[StreamEvent], rest: AsyncGenerator[StreamEvent]
    ) -> None:
        self.model = model
        self.dropped: Sequence[str] = ()
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


# Not frozen: there is one for each call, and a frozen one takes several times as long to make.
@dataclass(slots=True)
class Collected:
    """A whole answer that was translated; `dropped` as above."""

    model: AnsweringModel
    events: Sequence[StreamEvent]
    dropped: Sequence[str]


@dataclass(frozen=True, slots=True)
class Models:
    """What can be called, and who answers; replaced as one when the configuration changes."""

    catalogue: Catalogue
    providers: Mapping[str, Provider]
    _known: dict[tuple[str, str, frozenset[str]], tuple[Way, ...]] = field(default_factory=dict)

    def ways(self, ask: Ask) -> tuple[Way, ...]:
        """Give who may answer a call, and remember it: the same names come again and again."""
        key = (ask.provider, ask.model, ask.allowed)
        found = self._known.get(key)
        if found is None:
            candidates = (
                candidates_of(ask.provider, ask.model, self.catalogue, allowed=ask.allowed)
                if ask.provider
                else candidates_for(ask.model, self.catalogue, allowed=ask.allowed)
            )
            found = tuple(Way.to(candidate, self.providers[candidate.provider]) for candidate in candidates)
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[key] = found
        return found


class Tries:
    """How often a call may still be tried, all in all and with the candidate in hand."""

    __slots__ = ("_keys", "_left", "_once_more", "failed")

    def __init__(self) -> None:
        self._left = _MOST_TRIES
        self._keys = 0
        self._once_more = True
        self.failed: UpstreamFailure | None = None

    def begin(self, way: Way) -> None:
        """Turn to a candidate, each of whose keys is tried once at most."""
        self._keys = len(way.candidate.keys)
        self._once_more = True

    def may_repeat(self, failure: UpstreamFailure) -> bool:
        """Tell whether this candidate is tried again; raises the failure when nobody is."""
        self.failed = failure
        self._left -= 1
        verdict = judge(failure)
        if self._left <= 0 or verdict == "give_up":
            raise failure
        if verdict == "once_more" and self._once_more:
            self._once_more = False
            return True
        self._keys -= 1
        return verdict == "next_key" and self._keys > 0


class Relay:
    """The way to a model for every product. `largest_answer` bounds a whole answer, in bytes."""

    def __init__(
        self,
        catalogue: Catalogue,
        providers: Mapping[str, Provider],
        watcher: Watcher,
        *,
        largest_answer: int = 64 * 1024 * 1024,
    ) -> None:
        self._models = Models(catalogue, providers)
        self._watcher = watcher
        self._largest_answer = largest_answer

    def use(self, catalogue: Catalogue, providers: Mapping[str, Provider]) -> None:
        """Take another configuration for the calls that begin from now on."""
        self._models = Models(catalogue, providers)

    def default_features(self) -> list[Feature]:
        """List features that have a default model, one for each such model."""
        return list({ref: feature for feature, ref in self._models.catalogue.defaults.items()}.values())

    def has_provider(self, provider: str) -> bool:
        """Tell whether a provider is configured."""
        return provider in self._models.catalogue.keys

    def model_names(self, *, allowed: frozenset[str]) -> list[str]:
        """List the names that a caller may ask for; `allowed` as in `Ask`."""
        return model_names(self._models.catalogue, allowed=allowed)

    async def open(self, wish: ModelWish, build: RequestBuilder) -> OpenCall:
        """Start a call; `build` writes the request for the model that was chosen.

        Raises what routing or the provider raises. The caller must close what it gets.
        """
        models = self._models
        candidate = choose(wish, models.catalogue)
        way = Way.to(candidate, models.providers[candidate.provider])
        attempt = Attempt(way, candidate.keys.lease(), self._watcher, talkative=True)
        request = await build(way.model)
        try:
            return await _open(way.model, attempt.run(request))
        except UpstreamDropped:
            return await _open(way.model, attempt.run(request))

    async def complete(self, wish: ModelWish, build: RequestBuilder) -> tuple[AnsweringModel, Answer]:
        """Make a call and wait for the whole answer."""
        collector = Collector()
        async with aclosing(await self.open(wish, build)) as call:
            async for event in call:
                collector.add(event)
        return call.model, collector.answer()

    async def ask(self, ask: Ask) -> Passed | OpenCall | Collected:
        """Start a call that came in a vendor's dialect, at the first candidate that answers.

        It is passed on as it came to a provider that speaks the dialect, and translated for any other.
        Raises what routing and translation raise, and the failure of the last try.
        """
        if len(ask.model) > _LONGEST_NAME:
            raise ModelNotFound(ask.model)
        tries = Tries()
        for way in self._models.ways(ask):
            tries.begin(way)
            again = True
            while again:
                try:
                    return await self._begin(ask, way)
                except UpstreamFailure as failure:
                    again = tries.may_repeat(failure)
        raise tries.failed or ModelNotFound(ask.model)

    def _begin(self, ask: Ask, way: Way) -> Awaitable[Passed | OpenCall | Collected]:
        """Try a candidate once, with the key whose turn it is."""
        attempt = Attempt(way, way.candidate.keys.lease(), self._watcher)
        if ask.path or way.provider.speaks(ask.operation):
            return attempt.forward(ask, largest_answer=self._largest_answer)
        return _translate(ask, attempt)


async def _translate(ask: Ask, attempt: Attempt) -> OpenCall | Collected:
    """Ask in our own words a provider that does not speak the caller's."""
    way = attempt.way
    if ask.parse is None:
        raise OperationMissing(ask.operation, model=ask.model)
    losses = Losses(
        way.candidate.provider,
        drop=ask.drop or way.candidate.unsupported == "drop",
        words=CallersWords(ask.operation, partial(ask.body_for, ask.model)),
    )
    request = replace(await ask.parse(), model=way.candidate.model, stream=ask.stream)
    if not request.stream:
        return Collected(way.model, await attempt.complete(request, losses), losses.dropped)
    call = await _open(way.model, attempt.run(request, losses))
    call.dropped = losses.dropped
    return call


async def _open(model: AnsweringModel, events: AsyncGenerator[StreamEvent]) -> OpenCall:
    """Wait for the first content."""
    begun = [await events.__anext__()]
    while isinstance(begun[-1], _PRELUDE):
        begun.append(await events.__anext__())
    return OpenCall(model, begun=begun, rest=events)
