"""The fake upstream on the socket: cuts, half answers, waits, clients that leave, and its own end."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fakes.upstream import MockUpstream, Reply, SeenRequest

END = b"0\r\n\r\n"
STREAM = b'{"model":"m","stream":true,"messages":[]}'
WHOLE = b'{"model":"m","messages":[]}'


def request_of(body: bytes, *, headers: str = "", path: str = "/v1/chat/completions") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\n{headers}content-length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Caller:
    """A client with no manners: it sends bytes and reads bytes."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.received = b""

    def ask(self, body: bytes, *, headers: str = "", path: str = "/v1/chat/completions") -> None:
        self.send(request_of(body, headers=headers, path=path))

    def send(self, data: bytes) -> None:
        self._connection.sendall(data)

    def read_until(self, mark: bytes) -> bytes:
        """Take what comes up to the mark, which must come."""
        while mark not in self.received:
            data = self._connection.recv(65536)
            assert data, f"the connection ended before {mark!r}; it gave {self.received!r}"
            self.received += data
        found, _, self.received = self.received.partition(mark)
        return found + mark

    def read_to_end(self) -> bytes:
        """Take what comes until the server closes."""
        while data := self._connection.recv(65536):
            self.received += data
        return self.received


@contextmanager
def calling(upstream: MockUpstream) -> Iterator[Caller]:
    with socket.create_connection(("127.0.0.1", upstream.port), timeout=5) as connection:
        yield Caller(connection)


def body_of(response: bytes) -> bytes:
    return response.partition(b"\r\n\r\n")[2]


def test_a_stream_is_cut_after_the_chunks_asked_for(upstream: MockUpstream) -> None:
    upstream.script(Reply(cut_after=2))
    with calling(upstream) as caller:
        caller.ask(STREAM)
        received = caller.read_to_end()

    assert b'"content":" a"' in received
    assert b'"content":" +"' not in received
    assert not received.endswith(END)
    upstream.wait_until(lambda: upstream.requests[0].answered)
    assert not upstream.requests[0].aborted


def test_a_stream_cut_after_no_chunk_still_has_its_head(upstream: MockUpstream) -> None:
    upstream.script(Reply(cut_after=0))
    with calling(upstream) as caller:
        caller.ask(STREAM)
        received = caller.read_to_end()

    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b'"role":"assistant"' in received
    assert b"return" not in received


def test_an_answer_is_cut_after_the_bytes_asked_for(upstream: MockUpstream) -> None:
    upstream.script(Reply(cut_after_bytes=10))
    with calling(upstream) as caller:
        caller.ask(WHOLE)
        received = caller.read_to_end()

    assert body_of(received) == b'{\n  "id": '


def test_a_reset_follows_what_was_sent(upstream: MockUpstream) -> None:
    upstream.script(Reply(cut_after=1, cut="reset"))
    with calling(upstream) as caller:
        caller.ask(STREAM)
        with pytest.raises(ConnectionResetError):
            caller.read_to_end()

    assert b'"content":"return"' in caller.received


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_connection_may_end_right_after_the_request(how: str, upstream: MockUpstream) -> None:
    upstream.script(Reply(cut_before_head=True, cut="reset" if how == "reset" else "close"))
    with calling(upstream) as caller:
        caller.ask(STREAM)
        if how == "close":
            assert caller.read_to_end() == b""
        else:
            with pytest.raises(ConnectionResetError):
                caller.read_to_end()


def test_half_json_comes_with_the_length_of_the_half(upstream: MockUpstream) -> None:
    upstream.script(Reply(truncate_json=True))
    with calling(upstream) as caller:
        caller.ask(WHOLE, headers="connection: close\r\n")
        received = caller.read_to_end()

    body = body_of(received)
    assert f"content-length: {len(body)}\r\n".encode() in received
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)


def test_a_length_may_promise_more_than_comes(upstream: MockUpstream) -> None:
    upstream.script(Reply(length_surplus=7))
    with calling(upstream) as caller:
        caller.ask(WHOLE)
        received = caller.read_to_end()

    body = body_of(received)
    assert f"content-length: {len(body) + 7}\r\n".encode() in received
    assert json.loads(body)["object"] == "chat.completion"


@pytest.mark.parametrize("status", [200, 502])
def test_a_web_page_may_come_in_place_of_json(status: int, upstream: MockUpstream) -> None:
    upstream.script(Reply.html(status))
    with calling(upstream) as caller:
        caller.ask(WHOLE, headers="connection: close\r\n")
        received = caller.read_to_end()

    assert received.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"content-type: text/html; charset=utf-8\r\n" in received
    assert body_of(received).startswith(b"<html>")


def test_a_status_outside_the_registry_has_a_reason_too(upstream: MockUpstream) -> None:
    upstream.script(Reply(status=529), Reply(status=599))
    with calling(upstream) as caller:
        caller.ask(WHOLE, path="/v1/messages")
        assert caller.read_until(b"\r\n") == b"HTTP/1.1 529 Overloaded\r\n"
        caller.read_until(b"\r\n\r\n")
        caller.received = b""
        caller.ask(WHOLE, headers="connection: close\r\n")
        assert b"HTTP/1.1 599 Unknown\r\n" in caller.read_to_end()


def test_a_hanging_answer_comes_when_it_is_released(upstream: MockUpstream) -> None:
    upstream.script(Reply(hang=True))
    with calling(upstream) as caller:
        caller.ask(STREAM)
        upstream.wait_until(lambda: upstream.held == 1)
        assert upstream.requests[0].json["model"] == "m"
        assert not upstream.requests[0].answered
        upstream.release()
        assert caller.read_until(END).startswith(b"HTTP/1.1 200 OK\r\n")

    assert upstream.held == 0


def test_a_held_stream_gives_its_first_chunks_and_the_rest_when_released(upstream: MockUpstream) -> None:
    upstream.always(Reply(hold_after=1))
    with calling(upstream) as caller:
        for _ in range(2):
            caller.ask(STREAM)
            caller.read_until(b'"content":"return"')
            upstream.wait_until(lambda: upstream.held == 1)
            assert b'" b"' not in caller.received
            upstream.release()
            assert b'" b"' in caller.read_until(END)


def test_a_release_before_the_hold_is_reached_counts(upstream: MockUpstream) -> None:
    upstream.script(Reply(delay_head=0.05, hold_after=0))
    with calling(upstream) as caller:
        caller.ask(STREAM)
        upstream.wait_until(lambda: upstream.requests)
        upstream.release()
        assert b"[DONE]" in caller.read_until(END)


@pytest.mark.parametrize("reply", [Reply(hang=True), Reply(hold_after=2), Reply(delay_head=60), Reply(delay_chunk=60)])
def test_a_client_that_leaves_is_noticed(reply: Reply, upstream: MockUpstream) -> None:
    upstream.script(reply)
    with calling(upstream) as caller:
        caller.ask(STREAM)
        upstream.wait_until(lambda: upstream.requests)
        assert not upstream.requests[0].aborted

    upstream.wait_until(lambda: upstream.requests[0].aborted)
    upstream.wait_until(lambda: upstream.open_connections == 0)
    assert not upstream.requests[0].answered


def test_a_client_that_stops_reading_and_leaves_is_noticed(upstream: MockUpstream) -> None:
    upstream.script(Reply(text="x" * 20_000_000))
    with calling(upstream) as caller:
        caller.ask(STREAM)
        caller.read_until(b"\r\n\r\n")

    upstream.wait_until(lambda: upstream.requests[0].aborted)


def test_a_client_that_got_everything_has_not_left(upstream: MockUpstream) -> None:
    with calling(upstream) as caller:
        caller.ask(STREAM)
        caller.read_until(END)

    upstream.wait_until(lambda: upstream.open_connections == 0)
    assert upstream.requests[0].answered
    assert not upstream.requests[0].aborted


def test_a_kept_connection_serves_requests_sent_ahead_in_order(upstream: MockUpstream) -> None:
    upstream.script(Reply(text="one"), Reply(text="two", keep_alive=False))
    with calling(upstream) as caller:
        # At one go: a request that arrives at a closed socket is answered by a reset, which may overtake the answers.
        caller.send(request_of(WHOLE) * 3)
        received = caller.read_to_end()

    # The third came on a connection that the second answer had closed.
    assert received.index(b'"one"') < received.index(b'"two"')
    assert received.count(b"connection: keep-alive\r\n") == received.count(b"connection: close\r\n") == 1
    assert [seen.connection for seen in upstream.requests] == [0, 0]
    assert upstream.connections_made == 1


def test_a_chunked_request_is_read_and_its_sender_told_to_go_on(upstream: MockUpstream) -> None:
    with calling(upstream) as caller:
        head = "POST /v1/chat/completions?v=1 HTTP/1.1\r\nX-Twice: a\r\nx-twice: b\r\nexpect: 100-continue\r\n"
        caller.send(head.encode() + b"transfer-encoding: chunked\r\n\r\n")
        assert caller.read_until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        caller.send(b"5\r\n%b\r\n%x;ext=1\r\n%b\r\n0\r\n\r\n" % (WHOLE[:5], len(WHOLE[5:]), WHOLE[5:]))
        caller.read_until(b"\r\n\r\n")

    [seen] = upstream.requests
    assert seen.body == WHOLE
    assert (seen.path, seen.query) == ("/v1/chat/completions", "v=1")
    assert [value for name, value in seen.headers if name == "x-twice"] == ["a", "b"]


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"POST /v1/responses HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}", 404),
        (b"POST /v1/completions HTTP/1.1\r\ncontent-length: 2\r\n\r\n[]", 400),
        (b"POST /v1/messages HTTP/1.1\r\ncontent-length: 1\r\n\r\n{", 400),
        (b"HEAD / HTTP/1.1\r\n\r\n", 200),
    ],
)
def test_what_no_vendor_serves_gets_a_plain_status(request_bytes: bytes, status: int, upstream: MockUpstream) -> None:
    with calling(upstream) as caller:
        caller.send(request_bytes)
        assert caller.read_until(b"\r\n").startswith(f"HTTP/1.1 {status} ".encode())


def test_the_list_of_models_has_a_reply_of_its_own(upstream: MockUpstream) -> None:
    upstream.script(Reply(text="for the post"))
    upstream.answer_models(Reply(status=401))
    with calling(upstream) as caller:
        caller.send(b"GET /v1/models HTTP/1.1\r\n\r\n")
        assert caller.read_until(b"\r\n") == b"HTTP/1.1 401 Unauthorized\r\n"
        caller.read_until(b"\n}")
        caller.ask(WHOLE, headers="connection: close\r\n")
        assert b"for the post" in caller.read_to_end()


def test_a_reset_fake_forgets_and_lets_go(upstream: MockUpstream) -> None:
    upstream.script(Reply(hang=True), Reply(status=500))
    upstream.always(Reply(status=500))
    with calling(upstream) as caller:
        caller.ask(STREAM)
        upstream.wait_until(lambda: upstream.held == 1)
        upstream.reset()
        caller.read_until(END)
        assert upstream.requests == []
        caller.ask(STREAM)
        assert caller.read_until(b"\r\n") == b"HTTP/1.1 200 OK\r\n"


def test_waiting_for_what_does_not_come_says_what_was_seen(upstream: MockUpstream) -> None:
    with calling(upstream) as caller:
        caller.ask(WHOLE, path="/seen/chat/completions")
        caller.read_until(b"\r\n\r\n")
        with pytest.raises(TimeoutError, match="/seen/chat/completions"):
            upstream.wait_until(lambda: len(upstream.requests) == 2, timeout=0.0)


def test_leaving_the_block_ends_the_thread_and_every_connection() -> None:
    before = set(threading.enumerate())
    with MockUpstream() as upstream, calling(upstream) as idle, calling(upstream) as held:
        upstream.always(Reply(hang=True))
        held.ask(STREAM)
        upstream.wait_until(lambda: upstream.held == 1 and upstream.open_connections == 2)
        upstream.__exit__(None, None, None)

        assert idle.read_to_end() == held.read_to_end() == b""
        assert upstream.open_connections == 0
        # The fake left, not the client.
        assert not upstream.requests[0].aborted
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize(
    "reply", [Reply(cut_after=9), Reply(hold_after=9), Reply(error_after=9), Reply(cut_after_bytes=1_000_000)]
)
def test_a_reply_that_cannot_be_is_a_fault_of_the_test(reply: Reply) -> None:
    upstream = MockUpstream().__enter__()
    upstream.script(reply)
    with calling(upstream) as caller:
        caller.ask(STREAM)
        assert caller.read_to_end() == b""

    with pytest.raises(ValueError, match="but the"):
        upstream.__exit__(None, None, None)


def test_a_reply_that_raises_is_a_fault_of_the_test() -> None:
    def refuse(seen: SeenRequest) -> Reply:
        raise LookupError(seen.path)

    upstream = MockUpstream().__enter__()
    upstream.always(refuse)
    with calling(upstream) as caller:
        caller.ask(STREAM)
        assert caller.read_to_end() == b""

    with pytest.raises(LookupError, match="/chat/completions"):
        upstream.__exit__(None, None, None)


def test_many_clients_at_once_each_get_their_own_answer(upstream: MockUpstream) -> None:
    upstream.always(Reply(echo=True, hold_after=0))
    bodies = [b'{"model":"m%d","stream":true,"messages":[]}' % number for number in range(20)]
    sockets = [socket.create_connection(("127.0.0.1", upstream.port), timeout=5) for _ in bodies]
    callers = [Caller(connection) for connection in sockets]
    try:
        for caller, body in zip(callers, bodies, strict=True):
            caller.ask(body)
        upstream.wait_until(lambda: upstream.held == len(bodies))
        upstream.release()
        answers = [caller.read_until(END) for caller in callers]
    finally:
        for connection in sockets:
            connection.close()

    assert all(b'"model":"m%d"' % number in answer for number, answer in enumerate(answers))
