"""Every metric of the product: its name, type, labels and meaning.

Names and labels are a contract with operators' dashboards. A metric is
declared here and nowhere else; its reference page is made from this table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from gateway_core.telemetry.tally import EndedCall, Level, Tally

M = TypeVar("M", bound=MetricWrapperBase)

LATENCY_BUCKETS = (0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
UNKNOWN = "unknown"
OTHER = "other"

_MODEL = ("model_engine", "model_name")
DETAIL = (
    *_MODEL,
    "error",
    "streaming",
    "feature_category",
    "lsp_version",
    "gitlab_version",
    "client_type",
    "gitlab_realm",
    "is_gitlab_team_member",
    "error_type",
    "unit_primitive",
    "finish_reason",
)


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """One metric as declared; counters are exposed with `_total` behind the name."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    meaning: str
    labels: tuple[str, ...]
    buckets: Sequence[float] = LATENCY_BUCKETS
    across_workers: Literal["livesum", "livemax"] = "livesum"


HTTP_DURATION = MetricSpec(
    "http_request_duration_seconds",
    "histogram",
    "Seconds until an answer began; the time of a stream is not in it.",
    ("handler", "method", "status"),
)
IN_FLIGHT = MetricSpec("model_inferences_in_flight", "gauge", "Model calls running now.", _MODEL)
MAX_CONCURRENT = MetricSpec(
    "model_inferences_max_concurrent",
    "gauge",
    "The limit of concurrent calls configured for the model; published, not enforced.",
    _MODEL,
    across_workers="livemax",
)
MAX_INPUT_TOKENS = MetricSpec(
    "model_max_input_tokens",
    "gauge",
    "The configured limit of input tokens a minute; published, not enforced.",
    _MODEL,
    across_workers="livemax",
)
MAX_OUTPUT_TOKENS = MetricSpec(
    "model_max_output_tokens",
    "gauge",
    "The configured limit of output tokens a minute; published, not enforced.",
    _MODEL,
    across_workers="livemax",
)
MAX_TOTAL_TOKENS = MetricSpec(
    "model_max_total_tokens",
    "gauge",
    "The configured limit of tokens a minute in all; published, not enforced.",
    _MODEL,
    across_workers="livemax",
)
INFERENCES = MetricSpec("model_inferences", "counter", "Model calls that ended, whole or not.", DETAIL)
INFERENCE_DURATION = MetricSpec(
    "inference_request_duration_seconds", "histogram", "Seconds from the start of a model call to its end.", DETAIL
)
INPUT_TOKENS = MetricSpec("inference_input_tokens", "counter", "Tokens sent to models.", DETAIL)
OUTPUT_TOKENS = MetricSpec("inference_output_tokens", "counter", "Tokens that models answered.", DETAIL)
TOTAL_TOKENS = MetricSpec("inference_total_tokens", "counter", "Tokens sent and answered.", DETAIL)
PROMPT_LANGUAGE = MetricSpec(
    "code_suggestions_prompt_language",
    "counter",
    "Code suggestions asked for, by detected language, file extension and the editor's language id.",
    ("lang", "extension", "editor_lang"),
)
POST_PROCESSING = MetricSpec(
    "code_suggestions_post_processing_duration_seconds",
    "histogram",
    "Seconds spent on repairing a suggestion.",
    _MODEL,
)

ALL = (
    HTTP_DURATION,
    IN_FLIGHT,
    MAX_CONCURRENT,
    MAX_INPUT_TOKENS,
    MAX_OUTPUT_TOKENS,
    MAX_TOTAL_TOKENS,
    INFERENCES,
    INFERENCE_DURATION,
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    TOTAL_TOKENS,
    PROMPT_LANGUAGE,
    POST_PROCESSING,
)

_PLAIN_LABEL = re.compile(r"[A-Za-z0-9_.:/@+ -]{1,64}")
_MOST_VALUES = 500
# Sets of labels of one metric, after which what callers wrote no longer makes new ones.
_MOST_SETS = 2_000
_FROM_CALLERS = frozenset(
    {"lsp_version", "gitlab_version", "client_type", "gitlab_realm", "extension", "editor_lang", "model_name"}
)


class LabelGuard:
    """Keep labels that a caller can write from growing the metrics without end.

    A value that is not short and plain becomes `unknown`; past 500 different
    values of one label, new ones become `other`.
    """

    def __init__(self) -> None:
        self._seen: dict[str, set[str]] = {}

    def admit(self, label: str, value: str | None) -> str:
        """Give the value to publish under this label."""
        if not value:
            return UNKNOWN
        seen = self._seen.setdefault(label, set())
        if value in seen:
            return value
        if not _PLAIN_LABEL.fullmatch(value):
            return UNKNOWN
        if len(seen) >= _MOST_VALUES:
            return OTHER
        seen.add(value)
        return value


@dataclass(frozen=True, slots=True)
class ModelLimits:
    """What an operator declared of one model of an engine."""

    concurrency: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None


@dataclass(slots=True)
class Metrics:
    """The collectors of one process; children are looked up once for each set of labels."""

    registry: CollectorRegistry = field(default_factory=lambda: REGISTRY)
    limits: Mapping[tuple[str, str], ModelLimits] = field(default_factory=dict)
    guard: LabelGuard = field(default_factory=LabelGuard)
    tally: Tally = field(init=False)
    _collectors: dict[str, MetricWrapperBase] = field(default_factory=dict)
    _children: dict[tuple[str, ...], MetricWrapperBase] = field(default_factory=dict)
    _sets: dict[str, int] = field(default_factory=dict)
    _meters: dict[tuple[str, ...], CallMeter] = field(default_factory=dict)
    _limits_published: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.tally = Tally(self.registry)
        for spec in ALL:
            self._collectors[spec.name] = _build(spec, self.registry)

    def add(self, spec: MetricSpec, labels: tuple[str, ...], amount: float = 1) -> None:
        """Count up a counter or a gauge (also down, for a gauge); labels in the spec's order."""
        child = self._child(spec, labels)
        if isinstance(child, Counter | Gauge):
            child.inc(amount)

    def observe(self, spec: MetricSpec, labels: tuple[str, ...], value: float) -> None:
        """Put one value into a histogram."""
        child = self._child(spec, labels)
        if isinstance(child, Histogram):
            self.tally.observe(child, value)

    def running(self, engine: str, name: str) -> Level:
        """Give how many calls of a model run; `tally` takes what changes."""
        return Level(self._of(IN_FLIGHT, (engine, name), Gauge))

    def call_meter(self, labels: tuple[str, ...]) -> CallMeter:
        """Give what counts the calls that end under these labels, those of `DETAIL`."""
        meter = self._meters.get(labels)
        if meter is None:
            meter = self._meters[labels] = CallMeter(labels, self)
        return meter

    def counter(self, spec: MetricSpec, labels: tuple[str, ...]) -> Counter:
        """Give one counter; labels in the spec's order."""
        return self._of(spec, labels, Counter)

    def histogram(self, spec: MetricSpec, labels: tuple[str, ...]) -> Histogram:
        """Give one histogram; labels in the spec's order."""
        return self._of(spec, labels, Histogram)

    def _of(self, spec: MetricSpec, labels: tuple[str, ...], kind: type[M]) -> M:
        child = self._child(spec, labels)
        if not isinstance(child, kind):
            message = f"{spec.name} is declared as another kind"
            raise TypeError(message)
        return child

    def publish_limits(self, engine: str, name: str) -> None:
        """Set the gauges of a model's declared limits, at its first use."""
        model = (engine, name)
        if model in self._limits_published:
            return
        self._limits_published.add(model)
        limits = self.limits.get(model)
        if limits is None:
            return
        for spec, value in (
            (MAX_CONCURRENT, limits.concurrency),
            (MAX_INPUT_TOKENS, limits.input_tokens),
            (MAX_OUTPUT_TOKENS, limits.output_tokens),
            (MAX_TOTAL_TOKENS, limits.total_tokens),
        ):
            if value is None:
                continue
            child = self._child(spec, model)
            if isinstance(child, Gauge):
                child.set(value)

    def _child(self, spec: MetricSpec, labels: tuple[str, ...]) -> MetricWrapperBase:
        key = (spec.name, *labels)
        child = self._children.get(key)
        if child is None and self._sets.get(spec.name, 0) >= _MOST_SETS:
            labels = tuple(
                OTHER if label in _FROM_CALLERS else value for label, value in zip(spec.labels, labels, strict=True)
            )
            key = (spec.name, *labels)
            child = self._children.get(key)
        if child is None:
            self._sets[spec.name] = self._sets.get(spec.name, 0) + 1
            child = self._collectors[spec.name].labels(*labels)
            self._children[key] = child
        return child


class CallMeter:
    """Counts the model calls that end under one set of labels: each counter is looked up once, not once a call."""

    __slots__ = ("_ended", "_metrics", "_seconds", "_tokens", "labels")

    def __init__(self, labels: tuple[str, ...], metrics: Metrics) -> None:
        self.labels = labels
        self._metrics = metrics
        self._ended = metrics.counter(INFERENCES, labels)
        self._seconds = metrics.histogram(INFERENCE_DURATION, labels)
        # Made by the first call that tells them: one that nobody counted must not look like one of none.
        self._tokens: tuple[Counter, Counter, Counter] | None = None

    def count(self, calls: Sequence[EndedCall]) -> None:
        """Count calls that ended."""
        self._ended.inc(len(calls))
        for took, _ in calls:
            self._seconds.observe(took)
        tokens = [count for _, count in calls if count is not None]
        if not tokens:
            return
        if self._tokens is None:
            counter = self._metrics.counter
            self._tokens = (
                counter(INPUT_TOKENS, self.labels),
                counter(OUTPUT_TOKENS, self.labels),
                counter(TOTAL_TOKENS, self.labels),
            )
        sent, answered = sum(count[0] for count in tokens), sum(count[1] for count in tokens)
        for total, number in zip(self._tokens, (sent, answered, sent + answered), strict=True):
            total.inc(number)


def _build(spec: MetricSpec, registry: CollectorRegistry) -> MetricWrapperBase:
    if spec.kind == "counter":
        return Counter(spec.name, spec.meaning, spec.labels, registry=registry)
    if spec.kind == "gauge":
        mode = spec.across_workers
        return Gauge(spec.name, spec.meaning, spec.labels, registry=registry, multiprocess_mode=mode)
    return Histogram(spec.name, spec.meaning, spec.labels, registry=registry, buckets=spec.buckets)
