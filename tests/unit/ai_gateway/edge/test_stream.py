"""An answer that is sent as it comes, and stops when nobody reads it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
from starlette.types import Message

from ai_gateway.edge.scope import exchange_of
from ai_gateway.edge.stream import EVENT_STREAM, PING, StreamAnswer
from gateway_core.kernel.units import Seconds
from unit.ai_gateway.asgi_client import FakeConnection, http_scope
from unit.ai_gateway.edge.virtual_time import run


class Source:
    """Give pieces, each after a while; `hang` waits for ever after the last, `failure` is raised there."""

    def __init__(self, *pieces: bytes, every: float = 1, hang: bool = False, failure: Exception | None = None) -> None:
        self._pieces = pieces
        self._every = every
        self._hang = hang
        self._failure = failure
        self.is_closed = False

    async def pieces(self) -> AsyncGenerator[bytes]:
        """Give them."""
        try:
            for piece in self._pieces:
                await asyncio.sleep(self._every)
                yield piece
            if self._hang:
                await asyncio.Event().wait()
            if self._failure is not None:
                raise self._failure
        finally:
            self.is_closed = True


def test_pieces_are_sent_one_by_one_and_then_the_end() -> None:
    connection, source = FakeConnection(), Source(b"one", b"two")
    run(StreamAnswer(source.pieces())(http_scope(), connection.receive, connection.send))

    assert (connection.status, connection.headers["content-type"]) == (200, EVENT_STREAM)
    assert [message["body"] for message in connection.sent[1:]] == [b"one", b"two", b""]
    assert connection.is_whole
    assert source.is_closed


def test_headers_of_the_endpoint_are_sent_too() -> None:
    connection = FakeConnection()
    answer = StreamAnswer(Source().pieces(), headers=((b"x-streaming-format", b"sse"),))
    run(answer(http_scope(), connection.receive, connection.send))

    assert connection.headers == {"content-type": EVENT_STREAM, "x-streaming-format": "sse"}
    assert connection.is_whole


def test_the_source_is_closed_when_the_client_leaves() -> None:
    async def main() -> None:
        connection, source, scope = FakeConnection(), Source(b"one", hang=True), http_scope()
        asyncio.get_running_loop().call_later(5, connection.leave)

        await StreamAnswer(source.pieces())(scope, connection.receive, connection.send)

        assert source.is_closed
        assert connection.body == b"one"
        assert not connection.is_whole
        assert exchange_of(scope).facts.access["client_left"] is True

    run(main())


def test_the_source_is_closed_when_the_client_leaves_in_the_middle_of_a_piece() -> None:
    async def main() -> None:
        connection, source = FakeConnection(), Source(b"one", b"two", every=0)

        async def blocked(message: Message) -> None:
            if message.get("body"):
                await asyncio.Event().wait()

        asyncio.get_running_loop().call_later(5, connection.leave)
        await StreamAnswer(source.pieces())(http_scope(), connection.receive, blocked)

        assert source.is_closed

    run(main())


def test_a_failure_after_the_first_piece_cuts_the_answer() -> None:
    async def main() -> None:
        connection, source = FakeConnection(), Source(b"one", failure=ValueError("broken"))

        with pytest.raises(ValueError, match="broken"):
            await StreamAnswer(source.pieces())(http_scope(), connection.receive, connection.send)

        assert source.is_closed
        assert connection.body == b"one"
        assert not connection.is_whole

    run(main())


def test_the_source_is_closed_when_the_server_stops() -> None:
    async def main() -> None:
        connection, source = FakeConnection(), Source(b"one", hang=True)
        task = asyncio.create_task(
            StreamAnswer(source.pieces(), heartbeat=Seconds(15))(http_scope(), connection.receive, connection.send)
        )
        await asyncio.sleep(5)
        task.cancel()

        with pytest.raises(asyncio.CancelledError):
            await task
        assert source.is_closed

    run(main())


def test_a_ping_is_sent_after_silence_only() -> None:
    connection = FakeConnection()
    answer = StreamAnswer(Source(b"one", b"two", every=20).pieces(), heartbeat=Seconds(15))
    run(answer(http_scope(), connection.receive, connection.send))

    assert [message["body"] for message in connection.sent[1:]] == [PING, b"one", PING, b"two", b""]


def test_no_ping_is_sent_on_a_lively_stream() -> None:
    connection = FakeConnection()
    answer = StreamAnswer(Source(*[b"x"] * 9, every=14).pieces(), heartbeat=Seconds(15))
    run(answer(http_scope(), connection.receive, connection.send))

    assert connection.body == b"x" * 9


def test_no_ping_is_sent_on_a_stream_of_plain_text() -> None:
    connection = FakeConnection()
    run(StreamAnswer(Source(b"one", every=100).pieces())(http_scope(), connection.receive, connection.send))

    assert connection.body == b"one"


def test_a_ping_is_a_comment_that_clients_skip() -> None:
    assert PING.startswith(b":")
    assert PING.endswith(b"\r\n\r\n")


def test_what_the_pieces_are_made_of_is_closed_even_if_none_was_asked_for() -> None:
    class Closed:
        """Counts."""

        times = 0

        async def aclose(self) -> None:
            self.times += 1

    async def main() -> None:
        connection, made_of = FakeConnection(), Closed()

        async def stuck(_message: Message) -> None:
            await asyncio.Event().wait()

        answer = StreamAnswer(Source(b"one").pieces(), source=made_of)
        task = asyncio.create_task(answer(http_scope(), connection.receive, stuck))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert made_of.times == 1

    run(main())
