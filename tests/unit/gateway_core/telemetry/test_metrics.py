from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client.samples import Sample

from gateway_core.telemetry import metrics as m
from gateway_core.telemetry.metrics import LabelGuard, Metrics, ModelLimits

MODEL = {"model_engine", "model_name"}
DETAIL = MODEL | {
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
}
SECONDS = [0.5, 1, 2.5, 5, 10, 30, 60]
# The HTTP specification, section 4.1: what of it this gateway has something to count for.
PROMISED: dict[str, tuple[str, set[str]]] = {
    "http_request_duration_seconds": ("histogram", {"handler", "method", "status"}),
    "model_inferences_in_flight": ("gauge", MODEL),
    "model_inferences_max_concurrent": ("gauge", MODEL),
    "model_max_input_tokens": ("gauge", MODEL),
    "model_max_output_tokens": ("gauge", MODEL),
    "model_max_total_tokens": ("gauge", MODEL),
    "model_inferences_total": ("counter", DETAIL),
    "inference_request_duration_seconds": ("histogram", DETAIL),
    "inference_input_tokens_total": ("counter", DETAIL),
    "inference_output_tokens_total": ("counter", DETAIL),
    "inference_total_tokens_total": ("counter", DETAIL),
    "code_suggestions_prompt_language_total": ("counter", {"lang", "extension", "editor_lang"}),
    "code_suggestions_post_processing_duration_seconds": ("histogram", MODEL),
}
LIMIT_GAUGES = (
    "model_inferences_max_concurrent",
    "model_max_input_tokens",
    "model_max_output_tokens",
    "model_max_total_tokens",
)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def exposed(registry: CollectorRegistry) -> Iterator[tuple[str, Sample]]:
    """Give each sample with its type; the time at which a counter was made is none of ours."""
    for family in registry.collect():
        for sample in family.samples:
            if not sample.name.endswith("_created"):
                yield family.type, sample


def exposed_name(kind: str, sample: Sample) -> str:
    return sample.name.rpartition("_")[0] if kind == "histogram" else sample.name


def touch_all(metrics: Metrics) -> None:
    for spec in m.ALL:
        labels = ("x",) * len(spec.labels)
        if spec.kind == "histogram":
            metrics.observe(spec, labels, 1)
        else:
            metrics.add(spec, labels)


def test_names_types_and_labels_are_those_that_dashboards_were_promised(registry: CollectorRegistry) -> None:
    touch_all(Metrics(registry))

    shown = {exposed_name(kind, sample): (kind, set(sample.labels) - {"le"}) for kind, sample in exposed(registry)}

    assert shown == PROMISED


@pytest.mark.parametrize("name", [name for name, (kind, _) in PROMISED.items() if kind == "histogram"])
def test_each_histogram_of_seconds_has_the_promised_buckets(registry: CollectorRegistry, name: str) -> None:
    touch_all(Metrics(registry))

    edges = [sample.labels["le"] for _, sample in exposed(registry) if sample.name == f"{name}_bucket"]

    assert [float(edge) for edge in edges] == [*SECONDS, float("inf")]


def test_nothing_is_shown_before_it_happened(registry: CollectorRegistry) -> None:
    Metrics(registry)

    assert list(exposed(registry)) == []


def test_counters_add_up_and_a_gauge_also_goes_down(registry: CollectorRegistry) -> None:
    metrics = Metrics(registry)
    lang = ("python", "py", "python")
    metrics.add(m.PROMPT_LANGUAGE, lang)
    metrics.add(m.PROMPT_LANGUAGE, lang, 2)
    metrics.add(m.IN_FLIGHT, ("acme", "m1"))
    metrics.add(m.IN_FLIGHT, ("acme", "m1"))
    metrics.add(m.IN_FLIGHT, ("acme", "m1"), -1)

    named = {"lang": "python", "extension": "py", "editor_lang": "python"}
    model = {"model_engine": "acme", "model_name": "m1"}
    assert registry.get_sample_value("code_suggestions_prompt_language_total", named) == 3
    assert registry.get_sample_value("model_inferences_in_flight", model) == 1


def test_a_value_falls_into_its_buckets(registry: CollectorRegistry) -> None:
    metrics = Metrics(registry)
    for seconds in (0.4, 3, 90):
        metrics.observe(m.POST_PROCESSING, ("acme", "m1"), seconds)

    counts = [s.value for _, s in exposed(registry) if s.name.endswith("_bucket")]
    assert counts == [1, 1, 1, 2, 2, 2, 2, 3]


def test_the_declared_limits_of_a_model_are_shown_from_its_first_use(registry: CollectorRegistry) -> None:
    metrics = Metrics(registry, {("acme", "m1"): ModelLimits(5, 100, 200, 250)})
    assert list(exposed(registry)) == []

    metrics.publish_limits("acme", "m1")
    metrics.publish_limits("acme", "m1")

    model = {"model_engine": "acme", "model_name": "m1"}
    assert {sample.name: (sample.labels, sample.value) for _, sample in exposed(registry)} == {
        name: (model, value) for name, value in zip(LIMIT_GAUGES, (5, 100, 200, 250), strict=True)
    }


def test_a_limit_that_was_not_declared_is_not_shown_as_none_allowed(registry: CollectorRegistry) -> None:
    metrics = Metrics(registry, {("acme", "m1"): ModelLimits(concurrency=5)})

    metrics.publish_limits("acme", "m1")

    assert [(sample.name, sample.value) for _, sample in exposed(registry)] == [("model_inferences_max_concurrent", 5)]


def test_a_model_without_limits_shows_none(registry: CollectorRegistry) -> None:
    metrics = Metrics(registry, {("acme", "m1"): ModelLimits(5)})

    metrics.publish_limits("acme", "m2")
    metrics.publish_limits("other", "m1")

    assert list(exposed(registry)) == []


@pytest.mark.parametrize(
    "value",
    ["7.17.1", "18.6.0-ee", "gitlab.com", "claude-sonnet-4-5@20250929", "a/b:c+d", "Visual Studio Code", "x" * 64],
)
def test_a_short_plain_value_is_published_as_it_is(value: str) -> None:
    assert LabelGuard().admit("lsp_version", value) == value


@pytest.mark.parametrize("value", [None, "", "x" * 65, "a\nb", 'a"b', "naïve", "a{b}", "a\n", "\0"])
def test_any_other_value_is_unknown(value: str | None) -> None:
    assert LabelGuard().admit("lsp_version", value) == "unknown"


def test_past_five_hundred_values_of_a_label_new_ones_are_other() -> None:
    guard = LabelGuard()
    admitted = [guard.admit("lsp_version", f"1.{number}") for number in range(500)]

    assert admitted == [f"1.{number}" for number in range(500)]
    assert guard.admit("lsp_version", "2.0") == "other"
    assert guard.admit("lsp_version", "2.0") == "other"
    assert guard.admit("lsp_version", "1.7") == "1.7"
    assert guard.admit("client_type", "2.0") == "2.0"
    assert guard.admit("lsp_version", "{}") == "unknown"


@given(st.lists(st.text(max_size=70) | st.integers().map(str), max_size=1200))
def test_no_caller_makes_a_label_grow_without_end(values: list[str]) -> None:
    guard = LabelGuard()

    published = {guard.admit("client_type", value) for value in values}

    assert len(published) <= 502
    assert all(name.isascii() and name.isprintable() and len(name) <= 64 for name in published)


def test_sets_of_labels_that_callers_wrote_do_not_grow_without_end(registry: CollectorRegistry) -> None:
    metrics = Metrics(registry)

    for number in range(2_100):
        metrics.add(m.PROMPT_LANGUAGE, ("python", f"e{number}", "python"))
        metrics.add(m.IN_FLIGHT, ("acme", f"m{number}"))
        metrics.add(m.IN_FLIGHT, ("acme", f"m{number}"), -1)

    shown = [sample for family in registry.collect() for sample in family.samples]
    languages = [one for one in shown if one.name == "code_suggestions_prompt_language_total"]
    assert len(languages) == 2_001
    assert sum(one.value for one in languages) == 2_100
    assert [one.value for one in languages if one.labels["extension"] == "other"] == [100]
    assert {one.value for one in shown if one.name == "model_inferences_in_flight"} == {0}
