from __future__ import annotations

import asyncio
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from fakes.clock import FakeClock
from gateway_core.inference.events import Finished, FinishReason, Usage
from gateway_core.kernel import errors
from gateway_core.kernel.errors import (
    NoModelConfigured,
    PromptTooLong,
    UpstreamBroken,
    UpstreamCut,
    UpstreamFailure,
    UpstreamGarbled,
    UpstreamKeyRefused,
    UpstreamModelUnknown,
    UpstreamOverloaded,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamTimedOut,
    UpstreamUnreachable,
)
from gateway_core.kernel.units import Seconds
from gateway_core.relay.watch import Outcome, Watcher, error_type, finish_reason
from gateway_core.telemetry.context import RequestFacts, use_facts
from gateway_core.telemetry.metrics import Metrics

# The HTTP specification, section 4.1.
ERROR_TYPES = {
    "none",
    "prompt_too_long",
    "overloaded",
    "connection_error",
    "http_400",
    "permission_error",
    "service_unavailable",
    "other",
}
FINISH_REASONS = {
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
    "other",
    "unknown",
}


def failed(kind: type[UpstreamFailure], status: int | None = None) -> UpstreamFailure:
    return kind("x", provider="acme", upstream_status=status)


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (None, "none"),
        (failed(PromptTooLong, 400), "prompt_too_long"),
        (failed(PromptTooLong, 413), "prompt_too_long"),
        (failed(UpstreamOverloaded, 529), "overloaded"),
        (failed(UpstreamOverloaded), "overloaded"),
        (failed(UpstreamOverloaded, 503), "service_unavailable"),
        (failed(UpstreamUnreachable), "connection_error"),
        (failed(UpstreamCut), "connection_error"),
        (failed(UpstreamRejected, 400), "http_400"),
        (failed(UpstreamModelUnknown, 400), "http_400"),
        (failed(UpstreamRejected, 422), "other"),
        (failed(UpstreamModelUnknown, 404), "other"),
        (failed(UpstreamKeyRefused, 403), "permission_error"),
        (failed(UpstreamKeyRefused, 401), "other"),
        (failed(UpstreamRateLimited, 429), "other"),
        (failed(UpstreamTimedOut), "other"),
        (failed(UpstreamGarbled, 200), "other"),
        (failed(UpstreamBroken, 500), "other"),
        (NoModelConfigured("none"), "other"),
        (ValueError("ours"), "other"),
        (asyncio.CancelledError(), "other"),
        (GeneratorExit(), "other"),
    ],
)
def test_a_failure_has_its_kind_in_the_label(failure: BaseException | None, kind: str) -> None:
    assert error_type(failure) == kind


def test_every_failure_of_a_provider_has_a_kind_of_the_label() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, UpstreamFailure)]

    for status in (None, 200, 400, 401, 403, 404, 429, 500, 503, 529):
        assert {error_type(failed(kind, status)) for kind in kinds} <= ERROR_TYPES - {"none"}


@pytest.mark.parametrize(
    ("finished", "label"),
    [
        (None, "unknown"),
        (Finished("unknown"), "unknown"),
        (Finished("stop", "end_turn"), "end_turn"),
        (Finished("stop", "stop"), "stop"),
        (Finished("stop"), "stop"),
        (Finished("tool_calls", "tool_use"), "tool_use"),
        (Finished("length", "model_context_window_exceeded"), "model_context_window_exceeded"),
        (Finished("unknown", "eos_token"), "other"),
        (Finished("refusal"), "other"),
        (Finished("pause", "pause_turn"), "other"),
    ],
)
def test_the_providers_own_word_is_the_label_when_the_label_has_it(finished: Finished | None, label: str) -> None:
    assert finish_reason(finished) == label


@given(st.builds(Finished, st.sampled_from(get_args(FinishReason)), st.text()))
def test_no_word_of_a_provider_adds_a_value_to_the_label(finished: Finished) -> None:
    assert finish_reason(finished) in FINISH_REASONS


def settle(watcher: Watcher, outcome: Outcome, *, engine: str = "acme", name: str = "m1") -> None:
    watcher.finish(watcher.start(engine=engine, name=name, streaming=True), outcome)


def counted(registry: CollectorRegistry) -> list[dict[str, str]]:
    return [
        dict(sample.labels)
        for family in registry.collect()
        for sample in family.samples
        if sample.name == "model_inferences_total"
    ]


async def test_the_facts_of_the_request_are_labels_of_its_call() -> None:
    registry = CollectorRegistry()
    use_facts(
        RequestFacts(
            feature_category="code_suggestions",
            unit_primitive="complete_code",
            lsp_version="7.17.1",
            gitlab_version="18.6.0-ee",
            client_type="Visual Studio Code",
            realm="saas",
            team_member="yes",
        )
    )

    settle(Watcher(Metrics(registry), FakeClock()), Outcome(Usage(1, 1), Finished("stop", "stop")))

    assert counted(registry) == [
        {
            "model_engine": "acme",
            "model_name": "m1",
            "error": "no",
            "streaming": "yes",
            "feature_category": "code_suggestions",
            "lsp_version": "7.17.1",
            "gitlab_version": "18.6.0-ee",
            "client_type": "Visual Studio Code",
            "gitlab_realm": "saas",
            "is_gitlab_team_member": "yes",
            "error_type": "none",
            "unit_primitive": "complete_code",
            "finish_reason": "stop",
        }
    ]


async def test_the_facts_are_those_of_the_moment_when_the_call_began() -> None:
    registry = CollectorRegistry()
    watcher = Watcher(Metrics(registry), FakeClock())
    use_facts(RequestFacts(realm="saas"))
    watch = watcher.start(engine="acme", name="m1", streaming=False)

    use_facts(RequestFacts(realm="self-managed"))
    watcher.finish(watch, Outcome())

    assert counted(registry)[0]["gitlab_realm"] == "saas"


async def test_what_a_caller_can_write_into_a_label_is_guarded() -> None:
    registry = CollectorRegistry()
    use_facts(RequestFacts(lsp_version="1\n2", gitlab_version="x" * 65, client_type="é", realm='"'))

    settle(Watcher(Metrics(registry), FakeClock()), Outcome(), engine="lite\0llm", name="m" * 65)

    (labels,) = counted(registry)
    guarded = ("model_engine", "model_name", "lsp_version", "gitlab_version", "client_type", "gitlab_realm")
    assert {labels[name] for name in guarded} == {"unknown"}
    assert (
        registry.get_sample_value("model_inferences_in_flight", {"model_engine": "unknown", "model_name": "unknown"})
        == 0
    )


def test_a_settled_call_says_what_it_is_counted_under() -> None:
    registry = CollectorRegistry()
    watcher = Watcher(Metrics(registry), FakeClock())

    settled = watcher.finish(watcher.start(engine="acme", name="m1", streaming=True), Outcome())

    (labels,) = counted(registry)
    assert sorted(settled.labels) == sorted(labels.values())


def test_the_time_of_a_call_is_told_and_counted() -> None:
    registry, clock = CollectorRegistry(), FakeClock()
    watcher = Watcher(Metrics(registry), clock)
    watch = watcher.start(engine="acme", name="m1", streaming=False)
    clock.advance(4)

    assert watcher.finish(watch, Outcome()).took == Seconds(4)
    sums = [s.value for family in registry.collect() for s in family.samples if s.name.endswith("seconds_sum")]
    assert sums == [4]


def test_a_call_whose_tokens_nobody_told_counts_none() -> None:
    registry = CollectorRegistry()

    settle(Watcher(Metrics(registry), FakeClock()), Outcome())

    assert not [s for family in registry.collect() for s in family.samples if "tokens" in s.name]


@pytest.mark.parametrize(("length", "kept"), [(10, 1), (60_000, 0)])
async def test_what_a_caller_writes_is_remembered_only_when_it_is_short(length: int, kept: int) -> None:
    registry = CollectorRegistry()
    watcher = Watcher(Metrics(registry), FakeClock())
    use_facts(RequestFacts(lsp_version="1" * length))

    settle(watcher, Outcome())
    settle(watcher, Outcome())

    assert len(watcher._meters) == kept
    assert [labels["lsp_version"] for labels in counted(registry)] == ["1" * length if kept else "unknown"]
    assert registry.get_sample_value("model_inferences_total", counted(registry)[0]) == 2
