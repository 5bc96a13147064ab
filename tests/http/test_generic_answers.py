"""What every answer of the service has in common: ids, times, cross-origin answers, the prefix, the order of checks."""

from __future__ import annotations

import re
import time
import uuid

import httpx
import pytest

from fakes.gateway import RunningGateway
from fakes.gitlab import JsonObject, call, completion, component, components, generation, gitlab_headers

# What to send so that the answer has this status.
SITUATIONS: dict[str, tuple[str, str, JsonObject | None, int]] = {
    "health": ("GET", "/monitoring/healthz", None, 200),
    "whole answer": ("POST", "/v2/completions", completion(), 200),
    "raw stream": ("POST", "/v2/completions", completion(stream=True), 200),
    "event stream": ("POST", "/v4/code/suggestions", components(component("completion", stream=True)), 200),
    "no right": ("POST", "/v2/code/generations", generation(), 403),
    "unknown path": ("GET", "/v1/nope", None, 404),
    "wrong method": ("GET", "/v2/completions", None, 405),
    "body that does not fit": ("POST", "/v2/completions", {}, 422),
}


def send(gateway: RunningGateway, situation: str, *, headers: dict[str, str]) -> httpx.Response:
    method, path, body, status = SITUATIONS[situation]
    answer = call(gateway, path, method=method, body=body, headers=gitlab_headers("complete_code") | headers)
    assert answer.status_code == status
    return answer


def preflight(gateway: RunningGateway, *, method: str, **headers: str) -> httpx.Response:
    asked = {"Origin": "https://editor.test", "Access-Control-Request-Method": method, **headers}
    return call(gateway, "/v2/completions", method="OPTIONS", headers=asked)


def test_case_024_a_preflight_for_post_is_answered_to_anybody(closed_gateway: RunningGateway) -> None:
    answer = preflight(closed_gateway, method="POST")

    assert (answer.status_code, answer.text) == (200, "OK")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert answer.headers["access-control-max-age"] == "600"


def test_a_preflight_allows_any_header(closed_gateway: RunningGateway) -> None:
    answer = preflight(closed_gateway, method="POST", **{"Access-Control-Request-Headers": "x-own-header"})

    allowed = answer.headers["access-control-allow-headers"].lower()
    assert answer.status_code == 200
    assert allowed == "*" or "x-own-header" in re.split(r"\s*,\s*", allowed)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_preflight_for_another_method_is_refused(closed_gateway: RunningGateway, method: str) -> None:
    assert preflight(closed_gateway, method=method).status_code == 400


def test_a_preflight_has_the_headers_of_every_answer(closed_gateway: RunningGateway) -> None:
    answer = preflight(closed_gateway, method="POST", **{"X-Request-ID": "asked-before"})

    assert answer.headers["x-request-id"] == "asked-before"
    assert float(answer.headers["x-process-time"]) >= 0


def test_a_preflight_is_not_in_the_access_log(closed_gateway: RunningGateway) -> None:
    preflight(closed_gateway, method="POST", **{"X-Request-ID": "preflight-1"})
    call(closed_gateway, "/v2/completions", headers={"X-Request-ID": "after-preflight-1"})

    closed_gateway.access_line("after-preflight-1")

    seen = [line["correlation_id"] for line in closed_gateway.log_lines() if line["logger"] == "api.access"]
    assert "preflight-1" not in seen


@pytest.mark.parametrize("situation", SITUATIONS)
def test_any_origin_may_read_any_answer(mocked_gateway: RunningGateway, situation: str) -> None:
    answer = send(mocked_gateway, situation, headers={"Origin": "https://editor.test"})

    assert answer.headers["access-control-allow-origin"] == "*"


def test_any_origin_may_read_a_refusal(closed_gateway: RunningGateway) -> None:
    answer = call(closed_gateway, "/v2/completions", headers={"Origin": "https://editor.test"})

    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == "*"


def test_case_025_the_request_id_comes_back_and_is_logged(mocked_gateway: RunningGateway) -> None:
    answer = send(mocked_gateway, "whole answer", headers={"X-Request-ID": "abc"})

    assert answer.headers["x-request-id"] == "abc"
    assert re.fullmatch(r"\d+(\.\d+)?(e-\d+)?", answer.headers["x-process-time"])
    assert mocked_gateway.access_line("abc")["correlation_id"] == "abc"


@pytest.mark.parametrize("situation", SITUATIONS)
def test_each_answer_names_its_request_and_its_time(mocked_gateway: RunningGateway, situation: str) -> None:
    request_id = uuid.uuid4().hex

    began = time.monotonic()
    answer = send(mocked_gateway, situation, headers={"X-Request-ID": request_id})
    took = time.monotonic() - began

    assert answer.headers["x-request-id"] == request_id
    assert 0 <= float(answer.headers["x-process-time"]) <= took


def test_a_refusal_names_its_request_and_its_time(closed_gateway: RunningGateway) -> None:
    answer = call(closed_gateway, "/v2/completions", headers={"X-Request-ID": "refused-1"})

    assert (answer.status_code, answer.headers["x-request-id"]) == (401, "refused-1")
    assert float(answer.headers["x-process-time"]) >= 0


@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_request_without_an_id_gets_a_new_one(mocked_gateway: RunningGateway, situation: str) -> None:
    ids = [send(mocked_gateway, situation, headers={}).headers["x-request-id"] for _ in range(2)]

    assert all(re.fullmatch(r"[0-9a-f]{32}", one) for one in ids)
    assert ids[0] != ids[1]


@pytest.mark.parametrize("request_id", ["0", 'a b/c?d="e"\'{}', "x" * 300, "%0d%0a", "01HV-ABC_def.~"])
def test_any_request_id_is_taken_as_it_is(mocked_gateway: RunningGateway, request_id: str) -> None:
    answer = send(mocked_gateway, "health", headers={"X-Request-ID": request_id})

    assert answer.headers["x-request-id"] == request_id
    assert mocked_gateway.access_line(request_id)["status_code"] == 200


def test_the_body_is_judged_before_the_right(mocked_gateway: RunningGateway) -> None:
    headers = gitlab_headers("duo_chat")

    assert call(mocked_gateway, "/v2/completions", body={}, headers=headers).status_code == 422
    assert call(mocked_gateway, "/v2/completions", body=completion(), headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("path", "scope", "body"),
    [
        ("/v2/completions", "complete_code", completion()),
        ("/v2/code/completions", "complete_code", completion()),
        ("/v2/code/generations", "generate_code", generation()),
        ("/v3/code/completions", "complete_code", components(component("completion"))),
        ("/v4/code/suggestions", "complete_code", components(component("completion"))),
    ],
)
def test_each_endpoint_answers_below_the_prefix_as_without_it(
    mocked_gateway: RunningGateway, path: str, scope: str, body: JsonObject
) -> None:
    plain, prefixed = (
        call(mocked_gateway, prefix + path, body=body, headers=gitlab_headers(scope)) for prefix in ("", "/ai")
    )

    assert (plain.status_code, prefixed.status_code) == (200, 200)
    assert prefixed.json()["choices"] == plain.json()["choices"]


def test_a_stream_answers_below_the_prefix(mocked_gateway: RunningGateway) -> None:
    body = components(component("completion", stream=True))

    answer = call(mocked_gateway, "/ai/v4/code/suggestions", body=body, headers=gitlab_headers("complete_code"))

    assert (answer.status_code, answer.headers["x-streaming-format"]) == (200, "sse")


@pytest.mark.parametrize("path", ["/ai/v2/completions", "/ai/v2/code/completions", "/ai/v4/code/suggestions", "/ai/"])
def test_the_prefix_opens_nothing(closed_gateway: RunningGateway, path: str) -> None:
    assert call(closed_gateway, path).status_code == 401
