from __future__ import annotations

from collections.abc import Callable
from contextvars import Context
from itertools import product

import pytest

from gateway_core.kernel.secret import Secret
from gateway_core.telemetry.context import RequestFacts, use_facts
from gateway_core.telemetry.request_data import RequestDataLog

ReadLog = Callable[[], list[dict[str, object]]]
FLAG = "expanded_ai_logging"


def rule(*, enabled: bool, custom_models: bool, header: bool, flag: bool) -> bool:
    """Repeat the HTTP specification, section 4.4, row 17.11."""
    return enabled or (custom_models and header) or (not custom_models and flag)


@pytest.mark.parametrize(("enabled", "custom_models", "header", "flag"), list(product([True, False], repeat=4)))
def test_request_data_is_logged_only_when_it_is_allowed(
    json_log: ReadLog, *, enabled: bool, custom_models: bool, header: bool, flag: bool
) -> None:
    data_log = RequestDataLog(enabled=enabled, custom_models=custom_models)
    facts = RequestFacts(verbose_logs=header, flags=("another", FLAG) if flag else ("another",))
    allowed = rule(enabled=enabled, custom_models=custom_models, header=header, flag=flag)

    def serve() -> None:
        use_facts(facts)
        data_log.write("code completion input:", prefix="def f(")

    Context().run(serve)

    assert data_log.allows(facts) is allowed
    assert [line["prefix"] for line in json_log()] == (["def f("] if allowed else [])


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("custom_models", [True, False])
def test_outside_of_a_request_only_the_setting_counts(*, enabled: bool, custom_models: bool) -> None:
    assert Context().run(RequestDataLog(enabled, custom_models).allows) is enabled


def test_a_line_shows_that_the_call_had_a_key_but_not_which(json_log: ReadLog) -> None:
    data_log = RequestDataLog(enabled=True, custom_models=False)

    data_log.write("code completion input:", prefix="x", api_key=Secret("tr0ub4dor-and-3"))
    data_log.write("code completion input:", prefix="x")

    with_key, without = json_log()
    assert with_key["api_key"] == "*" * 10
    assert without["api_key"] is None


def test_a_line_says_what_happened_as_the_logger_of_requests(json_log: ReadLog) -> None:
    RequestDataLog(enabled=True, custom_models=False).write("code completion suggestion:", suggestion="pass")

    (line,) = json_log()
    assert (line["message"], line["logger"], line["level"], line["suggestion"]) == (
        "code completion suggestion:",
        "requests",
        "info",
        "pass",
    )
