"""The wait that a vendor asks for is found wherever its documentation says that it stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.dialects.failures import classify, classify_streamed, streamed_error
from gateway_core.dialects.json_body import render_json
from gateway_core.dialects.waits import wait_in_error, wait_in_headers
from gateway_core.inference.request import Json
from gateway_core.kernel.errors import UpstreamBusy, UpstreamRateLimited

RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo"


def google_error(delay: Json, *, code: int = 429, status: str = "RESOURCE_EXHAUSTED") -> dict[str, Json]:
    """Write a refusal as the Gemini API's documentation has it, with the details in the order in which they come."""
    quota: dict[str, Json] = {
        "@type": "type.googleapis.com/google.rpc.QuotaFailure",
        "violations": [{"quotaMetric": "generativelanguage.googleapis.com/requests", "quotaValue": "15"}],
    }
    link: Json = {"description": "Limits", "url": "https://ai.google.dev/gemini-api/docs/rate-limits"}
    help_link: dict[str, Json] = {"@type": "type.googleapis.com/google.rpc.Help", "links": [link]}
    retry: dict[str, Json] = {"@type": RETRY_INFO, "retryDelay": delay}
    return {"code": code, "message": "Quota exceeded.", "status": status, "details": [quota, help_link, retry]}


def busy(status: int, headers: dict[str, str], body: Json) -> str | None:
    failure = classify(status, headers.get, render_json(body), provider="acme", model="m1")
    assert isinstance(failure, UpstreamBusy)
    return failure.retry_after


@pytest.mark.parametrize(
    ("delay", "wait"),
    [("34s", "34"), ("34.074824224s", "35"), ("34.07s", "35"), ("0.5s", "1"), ("0s", "0"), ("3600s", "3600")],
)
def test_google_says_the_wait_in_the_details_of_its_error(delay: str, wait: str) -> None:
    error = google_error(delay)

    assert busy(429, {}, {"error": error}) == wait
    # Asked for a stream without events, Google answers with a list.
    assert busy(429, {}, [{"error": error}]) == wait
    assert busy(503, {}, {"error": google_error(delay, code=503, status="UNAVAILABLE")}) == wait


@pytest.mark.parametrize(
    "delay",
    ["", "s", "34", "-3s", "+3s", "34 s", "34S", "3e4s", "34m", "1,5s", "٣s", "99999999s", 34, None, True, {}, []],
)
def test_a_delay_that_is_no_duration_is_none(delay: Json) -> None:
    assert busy(429, {}, {"error": google_error(delay)}) is None


@pytest.mark.parametrize(
    "details",
    [None, {}, "x", [], [None], ["x"], [{"retryDelay": "34s"}], [{"@type": "x.RetryInfo", "retryDelay": "34s"}]],
)
def test_details_that_ask_for_no_wait_ask_for_none(details: Json) -> None:
    assert wait_in_error({"details": details}) is None


def test_an_error_in_a_stream_asks_for_its_wait_too() -> None:
    error = streamed_error(render_json({"error": google_error("34.07s")}))

    failure = classify_streamed(error, provider="google", model="m1")

    assert isinstance(failure, UpstreamRateLimited)
    assert failure.retry_after == "35"


def test_the_header_says_more_than_the_body() -> None:
    assert busy(429, {"retry-after": "7"}, {"error": google_error("34s")}) == "7"
    assert busy(429, {"retry-after": ""}, {"error": google_error("34s")}) == "34"


@pytest.mark.parametrize(
    ("milliseconds", "wait"), [("1500", "2"), ("1000", "1"), ("1", "1"), ("0", "0"), ("250.5", "1")]
)
def test_azure_says_the_wait_in_milliseconds(milliseconds: str, wait: str) -> None:
    assert busy(429, {"retry-after-ms": milliseconds}, {}) == wait
    assert busy(429, {"retry-after-ms": milliseconds, "retry-after": "9"}, {}) == "9"


@pytest.mark.parametrize("milliseconds", ["", "-1", "soon", "1s", "1e9", "٣", "99999999999"])
def test_milliseconds_that_are_no_number_are_none(milliseconds: str) -> None:
    assert wait_in_headers({"retry-after-ms": milliseconds}.get) is None


@pytest.mark.parametrize(
    ("reset", "wait"),
    [
        *(("1s", "1"), ("6m0s", "360"), ("20ms", "1"), ("2m59.56s", "180"), ("1h0m0s", "3600"), ("1h2m3s", "3723")),
        *(("8.64s", "9"), ("0s", "0"), ("7m12s", "432"), ("1m", "60"), ("1s500ms", "2")),
    ],
)
@pytest.mark.parametrize("limit", ["requests", "tokens"])
def test_a_limit_that_is_used_up_says_when_it_is_whole_again(limit: str, reset: str, wait: str) -> None:
    headers = {f"x-ratelimit-remaining-{limit}": "0", f"x-ratelimit-reset-{limit}": reset}

    assert busy(429, headers, {}) == wait


def test_of_two_limits_that_are_used_up_the_later_counts() -> None:
    headers = {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "20ms",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "6m0s",
    }

    assert wait_in_headers(headers.get) == "360"
    assert wait_in_headers({**headers, "x-ratelimit-remaining-tokens": "59"}.get) == "1"


@pytest.mark.parametrize("remaining", ["1", "59999", "-1", "", None])
def test_a_limit_that_is_not_used_up_asks_for_no_wait(remaining: str | None) -> None:
    headers = {"x-ratelimit-remaining-tokens": remaining, "x-ratelimit-reset-tokens": "6m0s"}

    assert wait_in_headers(headers.get) is None


@pytest.mark.parametrize("reset", ["", "6", "-1s", "1735689600", "2026-11-21T12:00:00Z", "s", "1m1h", "1.5h", "1d"])
def test_a_reset_in_another_form_is_not_guessed_at(reset: str) -> None:
    headers = {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": reset}

    assert wait_in_headers(headers.get) is None


_NAMES = st.sampled_from(
    ["retry-after-ms", *(f"x-ratelimit-{w}-{x}" for w in ("reset", "remaining") for x in ("requests", "tokens"))]
)
_VALUES = st.sampled_from(["0", "1s", "6m0s", "20ms"]) | st.text(st.sampled_from("0123456789.hms -"), max_size=20)


@given(st.dictionaries(_NAMES, _VALUES), st.text(st.sampled_from("0123456789.s-e"), max_size=24))
def test_whatever_is_said_the_wait_is_whole_seconds(headers: dict[str, str], delay: str) -> None:
    for wait in (wait_in_headers(headers.get), wait_in_error(google_error(delay))):
        assert wait is None or (wait.isascii() and wait.isdecimal() and int(wait) <= 10_000_000_000)
