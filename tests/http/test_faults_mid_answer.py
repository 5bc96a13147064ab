"""Upstreams that fail when the answer has begun, or take too long: the client can tell, and the log says why."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from fakes.gateway import RunningGateway
from fakes.raw_client import Answer
from fakes.suggestions import (
    ANTHROPIC,
    DIALECTS,
    SELF_HOSTED,
    STREAMS,
    WAYS,
    Dialect,
    Door,
    Way,
    events_in,
    failure_line,
    new_id,
    open_door,
    text_in,
    wait_until_idle,
)
from fakes.upstream import MockUpstream, Reply

StartGateway = Callable[..., RunningGateway]

# Small enough to wait for; the gateways of the other tests have the defaults.
IMPATIENT = {"AIGW_UPSTREAM__FIRST_BYTE_TIMEOUT": "0.4", "AIGW_UPSTREAM__IDLE_TIMEOUT": "0.4"}


@pytest.fixture(params=DIALECTS, ids=lambda dialect: dialect.name)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    chosen: Dialect = request.param
    return chosen


@pytest.fixture(params=STREAMS)
def way(request: pytest.FixtureRequest) -> Way:
    chosen: Way = request.param
    return chosen


@pytest.fixture
def door(start_gateway: StartGateway, upstream: MockUpstream, dialect: Dialect, way: Way) -> Door:
    return open_door(start_gateway, dialect, way=way, upstream=upstream.url)


@pytest.fixture
def impatient(start_gateway: StartGateway, upstream: MockUpstream, dialect: Dialect, way: Way) -> Door:
    return open_door(start_gateway, dialect, way=way, upstream=upstream.url, **IMPATIENT)


def assert_told(gateway: RunningGateway, dialect: Dialect, *, request_id: str, cause: str) -> dict[str, object]:
    line = failure_line(gateway, request_id)
    assert (line["message"], line["provider"], line["cause"]) == ("upstream_failed", dialect.provider, cause)
    access = gateway.access_line(request_id)
    assert dialect.provider in str(access["model_exception_message"])
    assert dialect.key not in gateway.log_text()
    assert gateway.key not in gateway.log_text()
    wait_until_idle(gateway)
    # A provider's failure is no crash of ours: one warning, and no trace.
    assert "exception_backtrace" not in access
    assert "Exception in ASGI application" not in gateway.log_text()
    return access


def assert_cut(door: Door, answer: Answer, *, after: str) -> None:
    """Check that the client got the head and the text so far, and can tell that there was more."""
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert not answer.whole
    assert text_in(door.way, answer) == after
    if door.way == "v4 stream":
        assert events_in(answer)[0][0] == "stream_start"
        assert "stream_end" not in answer.body.decode()


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_stream_that_the_upstream_cuts_is_cut_for_the_client_too(
    how: str, door: Door, dialect: Dialect, upstream: MockUpstream
) -> None:
    upstream.always(Reply(hold_after=2, cut_after=2, cut="reset" if how == "reset" else "close"))
    request_id = new_id()

    with door.asking(request_id) as call:
        call.wait_for_text(" a")
        upstream.release()
        answer = call.answer()

    assert_cut(door, answer, after="return a")
    access = assert_told(door.gateway, dialect, request_id=request_id, cause="upstream_cut")
    assert access["status_code"] == 200


def test_what_came_before_a_cut_is_handed_on_although_all_comes_at_once(
    door: Door, dialect: Dialect, upstream: MockUpstream
) -> None:
    upstream.always(Reply(cut_after=2))
    request_id = new_id()

    answer = door.ask(request_id)

    assert_cut(door, answer, after="return a")
    assert_told(door.gateway, dialect, request_id=request_id, cause="upstream_cut")


@pytest.mark.parametrize("reply", [Reply(error_after=0), Reply(cut_after=0)], ids=["an error event", "the end"])
def test_a_stream_that_fails_before_its_first_text_is_never_taken_for_an_empty_one(
    reply: Reply, door: Door, dialect: Dialect, upstream: MockUpstream
) -> None:
    upstream.always(reply)
    request_id = new_id()

    answer = door.ask(request_id)

    # The head may have left with the model's first sign of life; then the cut tells.
    assert answer.status == 503 or (answer.status == 200 and not answer.whole)
    assert "stream_end" not in answer.body.decode()
    line = failure_line(door.gateway, request_id)
    assert line["provider"] == dialect.provider
    wait_until_idle(door.gateway)


@pytest.mark.parametrize("dialect", DIALECTS[:2], indirect=True, ids=lambda dialect: dialect.name)
def test_an_error_event_in_a_stream_cuts_it(door: Door, dialect: Dialect, upstream: MockUpstream) -> None:
    upstream.always(Reply(error_after=1))
    request_id = new_id()

    answer = door.ask(request_id)

    assert_cut(door, answer, after="return")
    cause = "upstream_overloaded" if dialect is ANTHROPIC else "upstream_broken"
    assert_told(door.gateway, dialect, request_id=request_id, cause=cause)


@pytest.mark.parametrize("dialect", [SELF_HOSTED], indirect=True, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize(
    ("rest", "cause"),
    [
        (b'data: {"choices":[{"te\n\n', "upstream_garbled"),
        (b"data: <html>\n\n", "upstream_garbled"),
        (b'data: {"error":{"message":"out of memory","code":500}}\n\n', "upstream_broken"),
        (b'data: {"choices":[{"index":0,"text":" b","finish_', "upstream_cut"),
        (b"", "upstream_cut"),
    ],
)
def test_nonsense_in_a_stream_cuts_it(
    rest: bytes, cause: str, *, door: Door, dialect: Dialect, upstream: MockUpstream
) -> None:
    event = {"id": "c", "object": "text_completion", "choices": [{"index": 0, "text": "good", "finish_reason": None}]}
    body = b"data: " + json.dumps(event).encode() + b"\n\n" + rest
    upstream.always(Reply(body=body, content_type="text/event-stream"))
    request_id = new_id()

    answer = door.ask(request_id)

    assert_cut(door, answer, after="good")
    assert_told(door.gateway, dialect, request_id=request_id, cause=cause)


@pytest.mark.parametrize("way", WAYS, indirect=True)
def test_an_upstream_that_never_answers_is_given_up(impatient: Door, dialect: Dialect, upstream: MockUpstream) -> None:
    upstream.always(Reply(hang=True))
    request_id = new_id()

    answer = impatient.ask(request_id)

    assert (answer.status, answer.json) == (503, {"detail": "Inference failed"})
    assert_told(impatient.gateway, dialect, request_id=request_id, cause="upstream_timed_out")
    upstream.wait_until(lambda: upstream.requests[-1].aborted)


def test_a_stream_that_stalls_is_cut(impatient: Door, dialect: Dialect, upstream: MockUpstream) -> None:
    upstream.always(Reply(hold_after=2))
    request_id = new_id()

    answer = impatient.ask(request_id)

    assert_cut(impatient, answer, after="return a")
    assert_told(impatient.gateway, dialect, request_id=request_id, cause="upstream_timed_out")
    upstream.wait_until(lambda: upstream.requests[-1].aborted)


@pytest.mark.parametrize("way", ["v2 whole"], indirect=True)
def test_a_whole_answer_that_stalls_is_a_failed_inference(
    impatient: Door, dialect: Dialect, upstream: MockUpstream
) -> None:
    upstream.always(Reply(hold_after=0))
    request_id = new_id()

    answer = impatient.ask(request_id)

    assert (answer.status, answer.json) == (503, {"detail": "Inference failed"})
    assert_told(impatient.gateway, dialect, request_id=request_id, cause="upstream_timed_out")
    upstream.wait_until(lambda: upstream.requests[-1].aborted)


HALF_HEADS = {
    "half a status line": b"HTTP/1.1 20",
    "half a header": b"HTTP/1.1 200 OK\r\ncontent-ty",
    "no empty line": b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n",
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
}


@pytest.fixture
def half_head_upstream(request: pytest.FixtureRequest) -> Iterator[str]:
    """Answer each connection with the bytes of this parameter once a request came, and close."""
    said: bytes = request.param
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(said)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(timeout=10)
        assert not thread.is_alive()


@pytest.mark.parametrize("way", WAYS, indirect=True)
@pytest.mark.parametrize("half_head_upstream", HALF_HEADS.values(), indirect=True, ids=HALF_HEADS.keys())
def test_an_answer_that_ends_in_its_head_is_a_failed_inference(
    half_head_upstream: str, way: Way, start_gateway: StartGateway
) -> None:
    door = open_door(start_gateway, SELF_HOSTED, way=way, upstream=half_head_upstream)
    request_id = new_id()

    answer = door.ask(request_id)

    assert (answer.status, answer.json) == (503, {"detail": "Inference failed"})
    line = failure_line(door.gateway, request_id)
    assert line["provider"] == SELF_HOSTED.provider
    assert half_head_upstream in str(line["base_url"])
    assert line["cause"] in {"upstream_cut", "upstream_garbled"}
    wait_until_idle(door.gateway)
