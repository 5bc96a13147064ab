from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context

import pytest

from gateway_core.telemetry.context import RequestFacts, use_facts
from gateway_core.telemetry.logs import LineStart, flush_lines, get_log, log_line, redactor

Lines = Callable[[], list[dict[str, object]]]


@pytest.mark.parametrize(
    "fields",
    [
        {"a": 1, "b": "x", "c": None, "d": 1.5, "e": True},
        {"path": "/x?api_key=abcdefgh", "authorization": "Bearer abcdefgh12345", "url": "http://u:p4ssw0rd@h/"},
        {"nested": {"key": "sk-0123456789abcdef"}},
        {"gitlab_realm": "theirs"},
        {"odd": "\u2028 é"},
    ],
)
def test_a_fast_line_is_the_same_as_any_other(json_log: Lines, fields: dict[str, object]) -> None:
    bound: dict[str, object] = {"gitlab_realm": "saas", "gitlab_version": None, "s": "sk-0123456789abc"}
    names = sorted(fields)
    first = {name: fields[name] for name in names[: len(names) // 2]}
    last = {name: fields[name] for name in names[len(names) // 2 :]}

    def write_both() -> None:
        use_facts(RequestFacts(correlation_id="c1", bound=bound))
        get_log("api.access").info("GET /?token=abcdefgh", **fields, request_arrived_at="then")
        log_line(LineStart("api.access", "GET /?token=abcdefgh", first), last, arrived="then")
        flush_lines()

    # The facts are those of the running context, and another test's must have none of them.
    copy_context().run(write_both)
    slow, fast = json_log()
    assert fast.keys() == slow.keys()
    assert {**fast, "timestamp": ""} == {**slow, "timestamp": ""}
    assert isinstance(fast["timestamp"], str)
    assert len(fast["timestamp"]) == len(str(slow["timestamp"]))


def test_a_secret_that_is_learnt_later_is_masked_from_then_on(json_log: Lines) -> None:
    start = LineStart("api.access", "m", {"first": "correct horse battery"})
    log_line(start, {"said": "correct horse battery"}, arrived="then")
    redactor.learn("correct horse battery")
    log_line(start, {"said": "correct horse battery"}, arrived="then")
    flush_lines()

    said = [(line["first"], line["said"]) for line in json_log()]
    assert said == [("correct horse battery", "correct horse battery"), ("**********", "**********")]


def test_many_different_values_are_not_all_remembered() -> None:
    for number in range(10_000):
        redactor.mask_value(f"value {number}")

    assert len(redactor._seen) <= 4_096
