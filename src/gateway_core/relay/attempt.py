"""One try of a call: with this key, at this provider; watched, and settled once."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from gateway_core.inference.events import Started, StreamEvent
from gateway_core.inference.losses import Losses
from gateway_core.inference.ports import Lease, RawAnswer, RawCall
from gateway_core.inference.request import InferenceRequest
from gateway_core.kernel.errors import UpstreamBusy, UpstreamCut, UpstreamFailure
from gateway_core.kernel.ids import new_request_id
from gateway_core.relay.model import Ask, Way
from gateway_core.relay.passthrough import Passed, raise_refusal
from gateway_core.relay.settlement import note_usage, report_call, report_failure
from gateway_core.relay.watch import Outcome, Watch, Watcher

_OK = 200


class Attempt:
    """A candidate, the key it is asked with, and who asks it.

    A `talkative` one logs each call by lines of its own, as the products of GitLab's door do; what
    others cost stands on the access line of their request.
    """

    __slots__ = ("_lease", "_talkative", "_watch", "_watcher", "way")

    def __init__(self, way: Way, lease: Lease, watcher: Watcher, *, talkative: bool = False) -> None:
        self.way = way
        self._lease = lease
        self._watcher = watcher
        self._talkative = talkative
        self._watch: Watch | None = None

    async def forward(self, ask: Ask, *, largest_answer: int) -> Passed:
        """Pass the call on in its own words; gives the answer when its first bytes are there."""
        way, secret = self.way, self._lease.secret
        self._begin(streaming=ask.stream)
        model = way.candidate.model
        call = RawCall(ask.operation, model, ask.body_for(model), ask.stream, ask.headers, ask.path)
        raw: RawAnswer | None = None
        try:
            raw = await way.provider.forward(call, self._lease)
            if raw.status != _OK:
                await raise_refusal(raw, call, secret=secret, provider=way.candidate.provider)
            passed = Passed(raw, model=way.model, operation=ask.operation, secret=secret, verbatim=bool(ask.path))
            await passed.begin(limit=largest_answer)
        # Kept only for the settlement, and raised again: a cancelled call counts as failed too.
        except BaseException as failure:
            if raw is not None:
                raw.close()
            self._settle(Outcome(failure=failure))
            raise
        passed.settle_with(self._settle)
        return passed

    async def run(self, request: InferenceRequest, losses: Losses | None = None) -> AsyncGenerator[StreamEvent]:
        """Make the call in our words, and report it as it runs."""
        outcome = Outcome()
        self._begin(streaming=request.stream)
        try:
            async with aclosing(self.way.provider.stream(request, self._lease, losses=losses)) as events:
                async for event in events:
                    outcome.note(event)
                    yield _named(event, request)
            self._require_any(outcome)
        # As above.
        except BaseException as failure:
            outcome.failure = failure
            raise
        finally:
            self._settle(outcome)

    async def complete(self, request: InferenceRequest, losses: Losses) -> Sequence[StreamEvent]:
        """Make a call in our words that does not stream; gives all of its events."""
        outcome = Outcome()
        self._begin(streaming=False)
        try:
            events = await self.way.provider.answer(request, self._lease, losses=losses)
            for event in events:
                outcome.note(event)
            self._require_any(outcome)
        # As above.
        except BaseException as failure:
            outcome.failure = failure
            raise
        finally:
            self._settle(outcome)
        return [_named(event, request) for event in events]

    def _require_any(self, outcome: Outcome) -> None:
        if not outcome.began:
            candidate = self.way.candidate
            raise UpstreamCut("the answer was empty", provider=candidate.provider, model=candidate.model)

    def _begin(self, *, streaming: bool) -> None:
        candidate = self.way.candidate
        self._watch = self._watcher.start(engine=candidate.engine, name=candidate.name, streaming=streaming)

    def _hide_key(self, failure: UpstreamFailure) -> None:
        """Take our key out of what a vendor said, before anybody reads it."""
        if self._lease.secret is None:
            return
        hide = self._lease.secret.hide_in
        failure.reword(hide(failure.detail.encode()).decode())
        if isinstance(failure, UpstreamBusy) and failure.retry_after:
            failure.retry_after = hide(failure.retry_after.encode()).decode()

    def _settle(self, outcome: Outcome) -> None:
        watch, self._watch = self._watch, None
        if watch is None:
            return
        settled = self._watcher.finish(watch, outcome)
        candidate, failure = self.way.candidate, outcome.failure
        if failure is None:
            candidate.keys.report(self._lease, None)
        elif isinstance(failure, UpstreamFailure):
            candidate.keys.report(self._lease, failure)
            self._hide_key(failure)
            report_failure(failure, candidate, self._lease)
        if self._talkative:
            report_call(outcome, settled, provider=candidate.provider)
        else:
            note_usage(watch.facts, outcome, candidate)


def _named(event: StreamEvent, request: InferenceRequest) -> StreamEvent:
    """Give an answer the name that its vendor did not: clients tell answers apart by it."""
    if not isinstance(event, Started) or (event.id and event.model):
        return event
    return Started(event.id or new_request_id(), event.model or request.model)
