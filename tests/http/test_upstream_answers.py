"""What the caller is told, and what the log, when the model's provider does not give an answer."""

from __future__ import annotations

import uuid

import pytest

from fakes.gateway import RunningGateway
from fakes.gitlab import JsonObject, call, completion, component, components, gitlab_headers, streaming
from fakes.upstream import MockUpstream, Reply

# Path, scope, body: each way to ask for code.
WAYS: dict[str, tuple[str, str, JsonObject]] = {
    "v2 completion": ("/v2/completions", "complete_code", completion()),
    "v2 stream": ("/v2/code/completions", "complete_code", completion(stream=True)),
    "v2 generation": ("/v2/code/generations", "generate_code", completion(prompt_version=2, prompt="sort")),
    "v3 completion": ("/v3/code/completions", "complete_code", components(component("completion"))),
    "v3 stream": ("/v3/code/completions", "complete_code", components(component("completion", stream=True))),
    "v4 stream": ("/v4/code/suggestions", "complete_code", components(component("completion", stream=True))),
}
FAULTS = {
    "500": Reply(status=500),
    "503": Reply(status=503),
    "400": Reply(status=400),
    "401": Reply(status=401),
    "a web page": Reply.html(502),
    "a web page that claims success": Reply.html(200),
    "half a JSON": Reply(truncate_json=True),
    "no answer": Reply(cut_before_head=True, cut="reset"),
}
TOO_MANY = {"detail": "Too many requests. Please try again later."}
FAILED = {"detail": "Inference failed"}


@pytest.mark.parametrize("way", WAYS)
def test_case_118_too_many_requests_upstream_are_told_with_the_time_to_wait(
    connected_gateway: RunningGateway, upstream: MockUpstream, way: str
) -> None:
    path, scope, body = WAYS[way]
    upstream.always(Reply(status=429, headers={"retry-after": "7"}))

    answer = call(connected_gateway, path, body=body, headers=gitlab_headers(scope))

    assert (answer.status_code, answer.json()) == (429, TOO_MANY)
    assert answer.headers["retry-after"] == "7"
    assert "x-streaming-format" not in answer.headers


def test_case_118_no_time_to_wait_is_made_up(connected_gateway: RunningGateway, upstream: MockUpstream) -> None:
    said = ("retry-after", "retry-after-ms", "x-ratelimit-remaining-requests")
    upstream.always(Reply(status=429, headers=dict.fromkeys(said)))

    answer = call(connected_gateway, "/v2/completions", body=completion(), headers=gitlab_headers("complete_code"))

    assert (answer.status_code, answer.json()) == (429, TOO_MANY)
    assert "retry-after" not in answer.headers


@pytest.mark.parametrize("way", WAYS)
def test_case_119_a_model_that_fails_is_told_as_a_failed_inference(
    connected_gateway: RunningGateway, upstream: MockUpstream, way: str
) -> None:
    path, scope, body = WAYS[way]
    upstream.always(Reply(status=500))

    answer = call(connected_gateway, path, body=body, headers=gitlab_headers(scope))

    assert (answer.status_code, answer.json()) == (503, FAILED)
    assert "x-streaming-format" not in answer.headers


@pytest.mark.parametrize("fault", FAULTS)
def test_case_119_each_kind_of_failure_is_told_the_same(
    connected_gateway: RunningGateway, upstream: MockUpstream, fault: str
) -> None:
    upstream.always(FAULTS[fault])

    answer = call(connected_gateway, "/v2/completions", body=completion(), headers=gitlab_headers("complete_code"))

    assert (answer.status_code, answer.json()) == (503, FAILED)


def test_the_access_line_tells_why_the_model_failed(connected_gateway: RunningGateway, upstream: MockUpstream) -> None:
    upstream.always(Reply(status=500))
    request_id = uuid.uuid4().hex
    headers = {**gitlab_headers("complete_code"), "X-Request-ID": request_id}

    call(connected_gateway, "/v2/completions", body=completion(), headers=headers)

    line = connected_gateway.access_line(request_id)
    assert line["status_code"] == 503
    assert line["model_exception_status_code"] == 500
    assert isinstance(line["model_exception_message"], str)
    assert "sk-test-0123456789" not in connected_gateway.log_text()


def test_a_failure_after_the_stream_began_keeps_its_status_and_is_logged(
    connected_gateway: RunningGateway, upstream: MockUpstream
) -> None:
    upstream.always(Reply(chunks=("first line\n", "second line\n"), hold_after=1, error_after=1))
    request_id = uuid.uuid4().hex
    headers = {**gitlab_headers("complete_code"), "X-Request-ID": request_id}

    with streaming(connected_gateway, "/v2/completions", body=completion(stream=True), headers=headers) as answer:
        # Held by a name: a reader that is dropped closes its connection, and then it is the client who left.
        parts = answer.iter_raw()
        first = next(parts)
        upstream.release()
        line = connected_gateway.access_line(request_id)

    assert (answer.status_code, first) == (200, b"first line\n")
    assert line["status_code"] == 200
    assert line["exception_message"]
    assert line["exception_class"]
