from __future__ import annotations

from collections.abc import Callable

import pytest

from fakes.clock import FakeClock
from fakes.provider import HELLO, Step
from gateway_core.inference.events import Finished, Started, TextDelta, Usage, UsageReported
from gateway_core.kernel.errors import NoModelConfigured, UpstreamOverloaded, UpstreamRateLimited
from gateway_core.telemetry.context import RequestFacts, use_facts
from unit.gateway_core.relay.relay_bench import PROMPT, WISH, build_bench, build_request

RelayLog = Callable[[], list[dict[str, object]]]
COMPLETE = "Request to LLM complete"
TOKENS = "LLM call finished with token usage"
LABELS = {
    "model_engine": "fake",
    "model_name": "claude-fake-1",
    "error": "no",
    "streaming": "yes",
    "feature_category": "unknown",
    "lsp_version": "7.17.1",
    "gitlab_version": "unknown",
    "client_type": "unknown",
    "gitlab_realm": "saas",
    "is_gitlab_team_member": "unknown",
    "error_type": "none",
    "unit_primitive": "complete_code",
    "finish_reason": "stop",
}


async def run(*script: Step, clock: FakeClock | None = None) -> None:
    """Make a call and read it to its end."""
    await build_bench(*script, clock=clock).relay.complete(WISH, build_request)


async def run_into(failure: Exception, *before: Step) -> None:
    """Make a call that fails."""
    with pytest.raises(type(failure)):
        await run(*before, failure)


def only(lines: list[dict[str, object]], message: str) -> dict[str, object]:
    """Give the one line of this message."""
    (line,) = [line for line in lines if line["message"] == message]
    return line


async def test_each_call_is_logged_when_it_is_complete_under_the_labels_of_its_metrics(relay_log: RelayLog) -> None:
    use_facts(RequestFacts("r1", lsp_version="7.17.1", realm="saas", unit_primitive="complete_code"))
    clock = FakeClock()

    await run(HELLO[0], lambda: clock.advance(2.5), *HELLO[1:], clock=clock)

    line = only(relay_log(), COMPLETE)
    expected = LABELS | {"level": "info", "duration_s": 2.5, "correlation_id": "r1"}
    assert line == line | expected
    assert line["source"]


async def test_the_tokens_of_a_call_are_logged_with_those_of_the_cache(relay_log: RelayLog) -> None:
    usage = Usage(100, 20, cache_read_tokens=60, cache_write_tokens=30)

    await run(Started("c1", "m1"), UsageReported(usage), Finished("stop", "stop"))

    line = only(relay_log(), TOKENS)
    assert line == line | {
        "level": "info",
        "model_provider": "fake",
        "model_engine": "fake",
        "input_tokens": 100,
        "output_tokens": 20,
        "total_tokens": 120,
        "cache_read": 60,
        "cache_creation": 30,
    }


async def test_tokens_that_nobody_told_are_not_logged(relay_log: RelayLog) -> None:
    await run(Started("c1", "m1"), Finished("stop", "stop"))

    assert [line["message"] for line in relay_log()] == [COMPLETE]


async def test_an_upstream_failure_is_logged_with_who_failed_and_why(relay_log: RelayLog) -> None:
    failure = UpstreamOverloaded("HTTP 529: busy", provider="fake", upstream_status=529)

    await run_into(failure, Started("c1", "m1"))

    lines = relay_log()
    line = only(lines, "upstream_failed")
    assert line == line | {
        "level": "warning",
        "provider": "fake",
        "base_url": "https://fake.example/v1",
        "cause": "upstream_overloaded",
        "detail": "HTTP 529: busy",
        "upstream_status": 529,
        "model_engine": "fake",
        "model_name": "claude-fake-1",
    }
    complete = only(lines, COMPLETE)
    assert (complete["error"], complete["error_type"]) == ("yes", "overloaded")


@pytest.mark.parametrize("failure", [NoModelConfigured("no endpoint for a completion"), ValueError("a fault of ours")])
async def test_a_failure_that_is_not_the_upstreams_is_not_blamed_on_it(relay_log: RelayLog, failure: Exception) -> None:
    await run_into(failure)

    (line,) = relay_log()
    assert (line["message"], line["error"], line["error_type"]) == (COMPLETE, "yes", "other")


async def test_no_line_holds_the_prompt_the_answer_or_the_key(relay_log: RelayLog) -> None:
    answer = (Started("c1", "m1"), TextDelta("the answer that nobody may read"))

    await run(*answer, UsageReported(Usage(1, 1)), Finished("stop", "stop"))
    await run_into(ValueError("boom"), *answer)
    await run_into(UpstreamOverloaded("busy", provider="fake"), *answer)

    said = str(relay_log())
    assert said.count(COMPLETE) == 3
    for private in (PROMPT, "nobody may read", "tr0ub4dor-and-3"):
        assert private not in said


async def test_a_key_that_a_provider_repeats_is_masked(relay_log: RelayLog) -> None:
    await run_into(UpstreamRateLimited("key sk-ant-0123456789 is over its limit", provider="fake", upstream_status=429))

    assert only(relay_log(), "upstream_failed")["detail"] == "key ********** is over its limit"
