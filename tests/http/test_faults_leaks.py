"""Clients that leave, and faults in a row: the upstream is let go, and nothing stays open, in flight or unlogged."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from fakes.gateway import RunningGateway, wait_for
from fakes.raw_client import connected, render_post
from fakes.suggestions import (
    ANTHROPIC,
    DIALECTS,
    OPENAI,
    SELF_HOSTED,
    STREAMS,
    WAYS,
    Dialect,
    Door,
    Way,
    new_id,
    open_door,
    v2_body,
    wait_until_idle,
)
from fakes.upstream import MockUpstream, Reply

StartGateway = Callable[..., RunningGateway]

CROWD = 100
FAULTS = (
    Reply(status=500),
    Reply(status=429),
    Reply.html(502),
    Reply.html(200),
    Reply(truncate_json=True),
    Reply(body=b""),
    Reply(cut_before_head=True),
    Reply(cut_before_head=True, cut="reset"),
    Reply(cut_after_bytes=30),
    Reply(cut_after_bytes=30, cut="reset"),
    Reply(length_surplus=9),
    Reply(transfer="close"),
    Reply(text=""),
)


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


def open_files(gateway: RunningGateway) -> int:
    return len(list(Path(f"/proc/{gateway.process.pid}/fd").iterdir()))


def assert_no_more_files(gateway: RunningGateway, *, than: int) -> None:
    wait_for(
        lambda: True if open_files(gateway) <= than else None, what=f"no more than {than} open files of the process"
    )


def assert_let_go(door: Door, upstream: MockUpstream, *, request_id: str) -> dict[str, object]:
    upstream.wait_until(lambda: all(seen.aborted for seen in upstream.requests))
    assert upstream.requests
    wait_until_idle(door.gateway)
    return door.gateway.access_line(request_id)


@pytest.mark.parametrize("reset", [False, True], ids=["closes", "resets"])
@pytest.mark.parametrize("way", STREAMS, indirect=True)
def test_a_client_that_leaves_in_a_stream_frees_the_upstream(
    reset: bool,  # noqa: FBT001 - a parameter of the test comes by name
    door: Door,
    upstream: MockUpstream,
) -> None:
    upstream.always(Reply(hold_after=1))
    request_id = new_id()

    with door.asking(request_id) as call:
        call.wait_for_text("return")
        call.leave(reset=reset)

    access = assert_let_go(door, upstream, request_id=request_id)
    assert access["status_code"] == 200
    assert "exception_class" not in access


@pytest.mark.parametrize("reply", [Reply(hang=True), Reply(hold_after=0)], ids=["before the head", "after the head"])
def test_a_client_that_leaves_while_it_waits_frees_the_upstream(
    reply: Reply, door: Door, upstream: MockUpstream
) -> None:
    upstream.always(reply)
    request_id = new_id()

    with door.asking(request_id) as call:
        upstream.wait_until(lambda: upstream.held == 1)
        call.leave()

    access = assert_let_go(door, upstream, request_id=request_id)
    assert "exception_class" not in access


def test_a_client_that_does_not_read_and_leaves_frees_the_upstream(
    start_gateway: StartGateway, upstream: MockUpstream
) -> None:
    door = open_door(start_gateway, OPENAI, way="v2 stream", upstream=upstream.url)
    upstream.always(Reply(chunks=("x" * 200_000,) * 200))
    request_id = new_id()

    with door.asking(request_id) as call:
        assert call.status() == 200
        call.leave()

    assert_let_go(door, upstream, request_id=request_id)


@pytest.mark.parametrize(
    ("way", "reply"),
    [("v2 stream", Reply(hold_after=1)), ("v4 stream", Reply(hold_after=1)), ("v2 whole", Reply(hang=True))],
)
def test_a_crowd_that_leaves_at_once_leaves_nothing_behind(
    way: Way, reply: Reply, *, start_gateway: StartGateway, upstream: MockUpstream
) -> None:
    door = open_door(start_gateway, OPENAI, way=way, upstream=upstream.url)
    assert door.ask().status == 200
    before, connections = open_files(door.gateway), upstream.open_connections
    upstream.reset()
    upstream.always(reply)
    ids = [new_id() for _ in range(CROWD)]

    with ExitStack() as crowd:
        calls = [crowd.enter_context(door.asking(request_id)) for request_id in ids]
        upstream.wait_until(lambda: upstream.held == CROWD, timeout=20)
        assert open_files(door.gateway) >= before + CROWD
        for call in calls:
            call.leave()

    upstream.wait_until(lambda: all(seen.aborted for seen in upstream.requests), timeout=20)
    wait_until_idle(door.gateway)
    assert_no_more_files(door.gateway, than=before)
    upstream.wait_until(lambda: upstream.open_connections <= connections)
    for request_id in ids:
        door.gateway.access_line(request_id)


def test_faults_in_a_row_leave_nothing_behind(dialect: Dialect, start_gateway: StartGateway) -> None:
    with MockUpstream() as upstream:
        # An upstream of its own: nobody else's connections are counted.
        doors = [open_door(start_gateway, dialect, way=way, upstream=upstream.url) for way in WAYS]
        gateway = doors[0].gateway
        assert doors[0].ask().status == 200
        before = open_files(gateway)
        for reply in FAULTS:
            upstream.always(reply)
            for door in doors:
                door.ask()
            # At most the one that rests in the pool.
            upstream.wait_until(lambda: upstream.open_connections <= 1)
        upstream.always(Reply())
        assert [door.ask().status for door in doors] == [200, 200, 200]
        wait_until_idle(gateway)
        assert_no_more_files(gateway, than=before)


@pytest.mark.parametrize("dialect", [ANTHROPIC, SELF_HOSTED], indirect=True, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("way", ["v2 whole"], indirect=True)
def test_a_client_that_leaves_in_its_own_body_is_logged(door: Door) -> None:
    gateway, request_id = door.gateway, new_id()
    headers = {"authorization": f"Bearer {gateway.key}", "x-request-id": request_id}
    whole = render_post("/v2/code/completions", v2_body(), headers=headers)

    with connected(gateway.port) as call:
        call.send(whole[:-20])
        call.leave()

    assert gateway.access_line(request_id)["path"] == "/v2/code/completions"
    assert door.ask().status == 200
