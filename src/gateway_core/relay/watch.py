"""Count and time one model call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeVar

from gateway_core.inference.events import Finished, Started, StreamEvent, Usage, UsageReported
from gateway_core.kernel.clock import Clock
from gateway_core.kernel.errors import (
    PromptTooLong,
    UpstreamCut,
    UpstreamFailure,
    UpstreamKeyRefused,
    UpstreamOverloaded,
    UpstreamUnreachable,
)
from gateway_core.kernel.units import Seconds
from gateway_core.telemetry import metrics as m
from gateway_core.telemetry.context import RequestFacts, current_facts
from gateway_core.telemetry.metrics import CallMeter, Metrics
from gateway_core.telemetry.tally import Level

K = TypeVar("K")
V = TypeVar("V")

_NOBODY = RequestFacts()
_MOST_KNOWN = 2_000
_LONGEST_KEY = 2_048

_FINISH_REASONS = frozenset(
    {
        "stop",
        "end_turn",
        "length",
        "max_tokens",
        "stop_sequence",
        "tool_calls",
        "tool_use",
        "content_filter",
        "guardrail_intervened",
        "model_context_window_exceeded",
    }
)


@dataclass(slots=True)
class Outcome:
    """What became of a call, filled in while it runs."""

    usage: Usage | None = None
    finished: Finished | None = None
    failure: BaseException | None = None
    began: bool = False

    def note(self, event: StreamEvent) -> None:
        """Take from an event what it tells of the call; one that only says that the call was taken begins nothing."""
        if isinstance(event, UsageReported):
            self.usage = event.usage
        elif not isinstance(event, Started):
            self.began = True
            if isinstance(event, Finished):
                self.finished = event


@dataclass(frozen=True, slots=True)
class WatchedModel:
    """A model as it is counted."""

    engine: str
    name: str
    running: Level


# Not frozen: there is one for each call, and a frozen one takes several times as long to make.
@dataclass(slots=True)
class Watch:
    """One running call."""

    model: WatchedModel
    streaming: bool
    began: Seconds
    facts: RequestFacts


# As above.
@dataclass(slots=True)
class Settled:
    """A call that ended; `labels` are those of the metrics, in their order."""

    took: Seconds
    labels: tuple[str, ...]


class Watcher:
    """Start and finish watches; neither ever awaits or raises."""

    def __init__(self, metrics: Metrics, clock: Clock) -> None:
        self._metrics = metrics
        self._clock = clock
        self._models: dict[tuple[str, str], WatchedModel] = {}
        self._meters: dict[tuple[object, ...], CallMeter] = {}

    def start(self, *, engine: str, name: str, streaming: bool) -> Watch:
        """Begin to watch a call."""
        model = self._models.get((engine, name)) or self._admit(engine, name)
        self._metrics.tally.change(model.running, 1)
        return Watch(model, streaming, self._clock.monotonic(), current_facts() or _NOBODY)

    def finish(self, watch: Watch, outcome: Outcome) -> Settled:
        """Settle the call; gives how long it took and what it is counted under."""
        took = Seconds(self._clock.monotonic() - watch.began)
        self._metrics.tally.change(watch.model.running, -1)
        meter = self._meter(watch, outcome)
        usage = outcome.usage
        tokens = None if usage is None else (usage.input_tokens, usage.output_tokens)
        self._metrics.tally.end_call(meter, (took, tokens))
        return Settled(took, meter.labels)

    def _admit(self, engine: str, name: str) -> WatchedModel:
        admit = self._metrics.guard.admit
        shown = admit("model_engine", engine), admit("model_name", name)
        self._metrics.publish_limits(*shown)
        model = WatchedModel(*shown, self._metrics.running(*shown))
        _keep(self._models, (engine, name), model)
        return model

    def _meter(self, watch: Watch, outcome: Outcome) -> CallMeter:
        """Give what counts a call, and remember it by all that its labels are made of."""
        facts, failure, finished = watch.facts, outcome.failure, outcome.finished
        key = (
            watch.model.engine,
            watch.model.name,
            watch.streaming,
            None if failure is None else error_type(failure),
            None if finished is None else finished.raw or finished.reason,
            facts.feature_category,
            facts.lsp_version,
            facts.gitlab_version,
            facts.client_type,
            facts.realm,
            facts.team_member,
            facts.unit_primitive,
        )
        meter = self._meters.get(key)
        if meter is None:
            meter = self._metrics.call_meter(self._labels(watch, outcome))
            # Parts of the key are headers as they came, as long as a head may be; the labels are short.
            if sum(len(said) for said in key if isinstance(said, str)) <= _LONGEST_KEY:
                _keep(self._meters, key, meter)
        return meter

    def _labels(self, watch: Watch, outcome: Outcome) -> tuple[str, ...]:
        admit, facts = self._metrics.guard.admit, watch.facts
        return (
            watch.model.engine,
            watch.model.name,
            "yes" if outcome.failure else "no",
            "yes" if watch.streaming else "no",
            facts.feature_category,
            admit("lsp_version", facts.lsp_version),
            admit("gitlab_version", facts.gitlab_version),
            admit("client_type", facts.client_type),
            admit("gitlab_realm", facts.realm),
            facts.team_member,
            error_type(outcome.failure),
            facts.unit_primitive,
            finish_reason(outcome.finished),
        )


def _keep(known: dict[K, V], key: K, value: V) -> None:
    """Remember, but not without end: callers write parts of these keys."""
    if len(known) >= _MOST_KNOWN:
        known.clear()
    known[key] = value


ErrorType = Literal[
    "none",
    "prompt_too_long",
    "overloaded",
    "connection_error",
    "http_400",
    "permission_error",
    "service_unavailable",
    "other",
]

# The first row that fits wins: (kind of failure, upstream's status or None for any, label).
_ERROR_TYPES: tuple[tuple[type[UpstreamFailure], int | None, ErrorType], ...] = (
    (PromptTooLong, None, "prompt_too_long"),
    (UpstreamOverloaded, 503, "service_unavailable"),
    (UpstreamOverloaded, None, "overloaded"),
    (UpstreamUnreachable, None, "connection_error"),
    (UpstreamCut, None, "connection_error"),
    (UpstreamKeyRefused, 403, "permission_error"),
    (UpstreamFailure, 400, "http_400"),
)


def error_type(failure: BaseException | None) -> ErrorType:
    """Sort a failure into the few kinds that the metric's label has."""
    if failure is None:
        return "none"
    for kind, status, label in _ERROR_TYPES:
        if isinstance(failure, kind) and status in (None, failure.upstream_status):
            return label
    return "other"


def finish_reason(finished: Finished | None) -> str:
    """Give the provider's own word for why it stopped, when it is one of those that the label has."""
    if finished is None:
        return m.UNKNOWN
    word = finished.raw or finished.reason
    if word == m.UNKNOWN:
        return m.UNKNOWN
    return word if word in _FINISH_REASONS else "other"
