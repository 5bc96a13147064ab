"""No request hides in another, seen from outside: what is odd is refused, and its connection serves nothing more."""

from __future__ import annotations

import gzip
import json
import selectors
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from fakes.framing import CANARY, CHUNKED, REFUSED
from fakes.gateway import RunningGateway
from fakes.raw_client import Answer, connected, post

StartGateway = Callable[..., RunningGateway]

HEADER_TIMEOUT_S = 1.0
SLOW_HEADS = 300
DOORS = [b"/v1/chat/completions", b"/v1/messages", b"/v2/code/completions", b"/v1/models", b"/"]
HEALTH = b"GET /monitoring/healthz HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.fixture
def gateway(start_gateway: StartGateway) -> Iterator[RunningGateway]:
    """Give a gateway; each test must leave it answering and without an error in its log."""
    running = start_gateway(AIGW_LIMITS__HEADER_TIMEOUT=str(HEADER_TIMEOUT_S))
    already = len(running.log_lines())
    yield running
    assert is_healthy(running)
    later = running.log_lines()[already:]
    assert [line for line in later if line["level"] in {"error", "critical"}] == []


def is_healthy(gateway: RunningGateway) -> bool:
    with connected(gateway.port) as call:
        call.send(HEALTH)
        return call.answer().status == 200


def answers_to(gateway: RunningGateway, said: bytes) -> list[int]:
    """Say something, wait until the gateway closes the connection, and give the status of each answer."""
    with connected(gateway.port) as call:
        call.send(said)
        raw = call.wait_for_end()
    return [int(line.split(b" ")[1]) for line in raw.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]


@pytest.mark.parametrize("kind", dict.fromkeys(sample.kind for sample in REFUSED))
def test_what_can_be_read_in_two_ways_gets_one_refusal_and_the_connection_ends(
    gateway: RunningGateway, kind: str
) -> None:
    for sample in REFUSED:
        if sample.kind == kind:
            assert answers_to(gateway, sample.text + CANARY) == [sample.status], sample


@pytest.mark.parametrize("door", DOORS)
def test_each_door_refuses_what_the_server_refuses(gateway: RunningGateway, door: bytes) -> None:
    for odd in (
        b"content-length: 5\r\n" + CHUNKED,
        CHUNKED + b"5\nhello\r\n0\r\n\r\n",
        b"host: y\r\ncontent-length: 0\r\n\r\n",
        b"x: " + b"y" * 70_000 + b"\r\n\r\n",
        b"a:\r\n" * 10_000 + b"\r\n",
    ):
        for prefix in (b"", b"/ai"):
            said = b"POST " + prefix + door + b" HTTP/1.1\r\nhost: x\r\n" + odd + CANARY
            [status] = answers_to(gateway, said)
            assert status in {400, 431}


def test_a_refusal_says_what_was_wrong_and_nothing_that_was_sent(gateway: RunningGateway) -> None:
    with connected(gateway.port) as call:
        call.send(b"POST /secret HTTP/1.1\r\nhost: user:secret@x\r\ncontent-length: 0\r\n\r\n")
        answer = call.answer()

    assert (answer.status, answer.headers["connection"]) == (400, "close")
    assert answer.json == {"detail": "The Host header is not a host with or without a port."}
    assert "secret" not in gateway.log_text().partition("head_refused")[2]


@pytest.mark.parametrize("host", [b"x/monitoring/healthz?", b"x#", b"x?y", b"monitoring/healthz", b"u@x", b"x:99999"])
@pytest.mark.parametrize("door", [*DOORS, b"/v2/completions", b"/ai/v2/completions", b"/monitoring/healthz"])
def test_a_decorated_host_is_refused_at_once_whoever_sends_it_and_the_connection_ends(
    gateway: RunningGateway, door: bytes, host: bytes
) -> None:
    promised = door.endswith(b"/v2/completions") and b":" not in host and b"@" not in host
    known = b"authorization: Bearer " + gateway.key.encode() + b"\r\ncontent-type: application/json\r\n"
    took = []
    # The best of three: the machine may be busy with something else.
    for _ in range(3):
        began = time.monotonic()
        said = b"POST " + door + b" HTTP/1.1\r\nhost: " + host + b"\r\n" + known + b"content-length: 2\r\n\r\n{}"
        assert answers_to(gateway, said + CANARY) == [401 if promised else 400]
        took.append(time.monotonic() - began)

    assert min(took) < 0.1


def test_a_bomb_is_refused_as_too_large(gateway: RunningGateway) -> None:
    # 100 kB that are 100 MiB inside, which is as much as gzip can do.
    bomb = gzip.compress(bytes(100 << 20))
    assert len(bomb) < 110_000

    assert ask(gateway, bomb, encoding="gzip").status == 413


def test_a_bomb_of_many_pieces_is_refused_at_the_end_of_the_first(gateway: RunningGateway) -> None:
    assert ask(gateway, gzip.compress(bytes(1 << 20)) * 1024, encoding="gzip").status == 400


def ask(gateway: RunningGateway, body: bytes, *, encoding: str) -> Answer:
    headers = {"authorization": f"Bearer {gateway.key}", "content-encoding": encoding}
    return post(gateway.port, "/v1/chat/completions", body, headers=headers)


def test_hundreds_of_heads_that_never_end_are_dropped_and_keep_nobody_waiting(gateway: RunningGateway) -> None:
    with ExitStack() as stack:
        waiting = selectors.DefaultSelector()
        stack.callback(waiting.close)
        for _ in range(SLOW_HEADS):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", gateway.port)))
            connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-slow: ")
            waiting.register(connection, selectors.EVENT_READ)
        due = time.monotonic() + 15
        statuses: list[bytes] = []
        while waiting.get_map() and time.monotonic() < due:
            for key, _ in waiting.select(0.05):
                statuses.append(socket_of(key).recv(65_536).split(b" ")[1])
                waiting.unregister(key.fileobj)
            for key in waiting.get_map().values():
                socket_of(key).send(b"a")
            assert is_healthy(gateway)

    assert statuses == [b"408"] * SLOW_HEADS


def socket_of(key: selectors.SelectorKey) -> socket.socket:
    assert isinstance(key.fileobj, socket.socket)
    return key.fileobj


@pytest.mark.parametrize("encoding", ["gzip, gzip", "gzip;q=1", "br", "zstd", "gzip, identity"])
def test_a_body_packed_in_another_way_is_not_read(gateway: RunningGateway, encoding: str) -> None:
    body = gzip.compress(gzip.compress(json.dumps({"model": "x"}).encode()))

    assert ask(gateway, body, encoding=encoding).status == 415
