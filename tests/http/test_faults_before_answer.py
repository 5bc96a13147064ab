"""Upstreams that fail before the answer began: the caller gets a status, the log gets the cause."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest

from fakes.gateway import RunningGateway
from fakes.suggestions import (
    ANTHROPIC,
    DIALECTS,
    OPENAI,
    STREAMS,
    WAYS,
    Dialect,
    Door,
    Way,
    failure_line,
    new_id,
    open_door,
    wait_until_idle,
)
from fakes.upstream import MockUpstream, Reply

StartGateway = Callable[..., RunningGateway]

UNAVAILABLE = {"detail": "Inference failed"}
EVENTS = "text/event-stream"

STATUSES = {
    # What both vendors' recorded 400 says.
    400: "prompt_too_long",
    401: "upstream_key_refused",
    403: "upstream_key_refused",
    404: "upstream_model_unknown",
    500: "upstream_broken",
    503: "upstream_overloaded",
    529: "upstream_overloaded",
}

ANY_WAY = {
    "a web page with 200": (Reply.html(200), "upstream_garbled"),
    "a web page with 502": (Reply.html(502), "upstream_broken"),
    "nothing, then the end": (Reply(cut_before_head=True), "upstream_cut"),
    "nothing, then a reset": (Reply(cut_before_head=True, cut="reset"), "upstream_cut"),
    "a redirect": (Reply(status=302, body=b"", headers={"location": "http://127.0.0.1:9/"}), "upstream_garbled"),
}

WHOLE = {
    "half a JSON": (Reply(truncate_json=True), "upstream_garbled"),
    "no body": (Reply(body=b""), "upstream_garbled"),
    "JSON of another shape": (Reply(body=b'{"hello": ["world"]}'), "upstream_garbled"),
    "JSON that is no object": (Reply(body=b"[1, 2]"), "upstream_garbled"),
    "an end in the middle of the body": (Reply(cut_after_bytes=20), "upstream_cut"),
    "a reset in the middle of the body": (Reply(cut_after_bytes=20, cut="reset"), "upstream_cut"),
    "an end short of the length": (Reply(length_surplus=7), "upstream_cut"),
    "a coding that is not the announced one": (Reply(headers={"content-encoding": "gzip"}), "upstream_garbled"),
}

STREAMED = {
    "half an event, then the end": (Reply(body=b'data: {"choi', content_type=EVENTS), "upstream_cut"),
    "an event that is no JSON": (Reply(body=b"event: x\ndata: {oops\n\n", content_type=EVENTS), "upstream_garbled"),
    "no event at all": (Reply(body=b"", content_type=EVENTS), "upstream_cut"),
    "comments alone": (Reply(body=b": one\n\n: two\n\n", content_type=EVENTS), "upstream_cut"),
    "an error as the first event": (
        Reply(
            body=b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
            content_type=EVENTS,
        ),
        "upstream_overloaded",
    ),
}


@pytest.fixture(params=DIALECTS, ids=lambda dialect: dialect.name)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    chosen: Dialect = request.param
    return chosen


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    chosen: Way = request.param
    return chosen


@pytest.fixture
def door(start_gateway: StartGateway, upstream: MockUpstream, dialect: Dialect, way: Way) -> Door:
    return open_door(start_gateway, dialect, way=way, upstream=upstream.url)


def assert_told(door: Door, dialect: Dialect, *, request_id: str, cause: str) -> dict[str, object]:
    """Check that the log names who failed and why and holds no secret, and that nothing is left in flight."""
    line = failure_line(door.gateway, request_id)
    assert line["provider"] == dialect.provider
    assert line["cause"] == cause
    assert line["message"] == "upstream_failed"
    access = door.gateway.access_line(request_id)
    assert dialect.provider in str(access["model_exception_message"])
    for secret in (dialect.key, door.gateway.key):
        assert secret not in door.gateway.log_text()
    wait_until_idle(door.gateway)
    return line


def assert_unavailable(door: Door, dialect: Dialect, *, cause: str) -> dict[str, object]:
    request_id = new_id()
    answer = door.ask(request_id)

    assert (answer.status, answer.json) == (503, UNAVAILABLE)
    assert answer.headers["x-request-id"] == request_id
    assert answer.whole
    return assert_told(door, dialect, request_id=request_id, cause=cause)


@pytest.mark.parametrize("status", STATUSES)
def test_a_refusal_of_the_upstream_is_a_failed_inference(
    status: int, door: Door, dialect: Dialect, upstream: MockUpstream
) -> None:
    upstream.always(Reply(status=status))

    line = assert_unavailable(door, dialect, cause=STATUSES[status])

    assert line["upstream_status"] == status
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("wait", ["7", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_a_rate_limit_is_handed_on_with_its_wait(
    wait: str, door: Door, dialect: Dialect, upstream: MockUpstream
) -> None:
    upstream.always(Reply(status=429, headers={"retry-after": wait}))
    request_id = new_id()

    answer = door.ask(request_id)

    assert (answer.status, answer.json) == (429, {"detail": "Too many requests. Please try again later."})
    assert answer.headers["retry-after"] == wait
    assert_told(door, dialect, request_id=request_id, cause="upstream_rate_limited")


def test_a_rate_limit_without_a_wait_is_handed_on_without_one(
    door: Door, dialect: Dialect, upstream: MockUpstream
) -> None:
    said = ("retry-after", "retry-after-ms", "x-ratelimit-remaining-requests")
    upstream.always(Reply(status=429, headers=dict.fromkeys(said)))

    answer = door.ask()

    assert answer.status == 429
    assert "retry-after" not in answer.headers


@pytest.mark.parametrize("fault", ANY_WAY)
def test_an_upstream_that_answers_otherwise_is_a_failed_inference(
    fault: str, door: Door, dialect: Dialect, upstream: MockUpstream
) -> None:
    reply, cause = ANY_WAY[fault]
    upstream.always(reply)

    assert_unavailable(door, dialect, cause=cause)


@pytest.mark.parametrize("way", ["v2 whole"], indirect=True)
@pytest.mark.parametrize("fault", WHOLE)
def test_a_whole_answer_that_is_none_is_a_failed_inference(
    fault: str, door: Door, dialect: Dialect, upstream: MockUpstream
) -> None:
    reply, cause = WHOLE[fault]
    upstream.always(reply)

    assert_unavailable(door, dialect, cause=cause)


@pytest.mark.parametrize("way", STREAMS, indirect=True)
@pytest.mark.parametrize("fault", STREAMED)
def test_a_stream_that_never_begins_is_a_failed_inference(
    fault: str, door: Door, dialect: Dialect, upstream: MockUpstream
) -> None:
    reply, cause = STREAMED[fault]
    upstream.always(reply)

    assert_unavailable(door, dialect, cause=cause)


@pytest.fixture(scope="session")
def closed_port() -> Iterator[int]:
    """Hold a port on which nobody listens, so that nobody else can take it."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def test_an_upstream_that_refuses_connections_is_a_failed_inference(
    dialect: Dialect, way: Way, start_gateway: StartGateway, closed_port: int
) -> None:
    door = open_door(start_gateway, dialect, way=way, upstream=f"http://127.0.0.1:{closed_port}")

    assert_unavailable(door, dialect, cause="upstream_unreachable")


@pytest.mark.parametrize("dialect", [OPENAI, ANTHROPIC], indirect=True, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("way", ["v2 whole"], indirect=True)
def test_a_key_that_the_upstream_quotes_is_masked(door: Door, dialect: Dialect, upstream: MockUpstream) -> None:
    upstream.always(Reply(status=401, error={"message": f"Incorrect API key provided: {dialect.key}."}))

    line = assert_unavailable(door, dialect, cause="upstream_key_refused")

    assert "Incorrect API key provided" in str(line["detail"])
