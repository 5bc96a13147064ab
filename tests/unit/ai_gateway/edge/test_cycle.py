"""Those who know our own server answer by plain bytes; the client sees what messages would have told it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT

from ai_gateway.edge.cycle import Cycle, cycle_of
from unit.ai_gateway.edge import virtual_time
from unit.ai_gateway.edge.memory_line import MemoryLine, settle

POST = b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n"
KEPT = POST % 0
CLOSED = b"POST /a HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
CHUNKED = b"POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
EXPECTING = b"POST /a HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n"
FIELDS = [(b"content-type", b"text/plain"), (b"x-b", b""), (b"x-a", b"1"), (b"x-a", b"2")]
GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"

Sending = Callable[[Cycle], object]
BEGINNINGS: list[Sending] = [lambda cycle: cycle.respond(200, [], b"x"), lambda cycle: cycle.begin(200, [])]


@dataclass
class Held:
    """An application that does nothing by itself: the test has its cycle."""

    cycle: Cycle | None = None
    receive: Receive | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Keep the cycle until the test is over."""
        self.cycle, self.receive = cycle_of(send), receive
        await self.over.wait()


@asynccontextmanager
async def held(head: bytes = KEPT) -> AsyncGenerator[tuple[Cycle, MemoryLine]]:
    """Give the cycle of a request with this head."""
    app = Held()
    line = MemoryLine(app)
    await line.say(head)
    assert app.cycle is not None
    yield app.cycle, line
    app.over.set()
    await settle()
    await line.close()


def read_on_the_wire(written: bytes) -> tuple[bytes, list[bytes], bytes]:
    """Take an answer apart: its first line, its headers in an order of ours, and what is behind them."""
    head, _, behind = written.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    return first, sorted(lines), behind


async def send_messages(cycle: Cycle, *messages: Message) -> None:
    for message in messages:
        # The server's own type of a message is narrower than the one of the standard.
        await cycle.send(message)  # type: ignore[arg-type]


def start(status: int, *more: tuple[bytes, bytes]) -> Message:
    return {"type": "http.response.start", "status": status, "headers": [*FIELDS, *more]}


def is_full(cycle: Cycle) -> bool:
    """Look anew: it changes between two looks."""
    return cycle.is_full


def part(body: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


@pytest.mark.parametrize("head", [KEPT, CLOSED], ids=["kept", "closed"])
@pytest.mark.parametrize("size", [0, 1, 64 * 1024, 64 * 1024 + 1, 200_000])
@pytest.mark.parametrize("status", [200, 404, 529])
async def test_a_whole_answer_is_the_same_as_by_messages(head: bytes, size: int, status: int) -> None:
    body = b"b" * size
    async with held(head) as (cycle, line):
        cycle.respond(status, FIELDS, body)
        short, short_closing = line.take(), line.transport.is_closing()
    async with held(head) as (cycle, line):
        length = (b"content-length", str(size).encode())
        await send_messages(cycle, start(status, length), part(body, more=False))
        long, long_closing = line.take(), line.transport.is_closing()

    assert read_on_the_wire(short) == read_on_the_wire(long)
    assert short_closing is long_closing is (head is CLOSED)
    assert short.endswith(b"\r\n\r\n" + body)


@pytest.mark.parametrize("head", [KEPT, CLOSED], ids=["kept", "closed"])
@pytest.mark.parametrize("pieces", [[], [b"p"], [b"\r\n", b"p" * 15, b"p" * 16, b"p" * 70_000]], ids=len)
@pytest.mark.parametrize("passed_on", [False, True])
async def test_an_answer_in_pieces_is_the_same_as_by_messages(
    head: bytes, pieces: Sequence[bytes], *, passed_on: bool
) -> None:
    async with held(head) as (cycle, line):
        cycle.begin(200, FIELDS)
        for piece in pieces:
            if passed_on:
                assert cycle.pass_on(piece)
            else:
                cycle.write(piece)
        assert not line.transport.is_closing()
        cycle.end()
        short, short_closing = line.take(), line.transport.is_closing()
    async with held(head) as (cycle, line):
        await send_messages(cycle, start(200), *(part(each, more=True) for each in pieces), part(b"", more=False))
        long, long_closing = line.take(), line.transport.is_closing()

    assert read_on_the_wire(short) == read_on_the_wire(long)
    assert short_closing is long_closing is (head is CLOSED)


async def test_each_piece_leaves_at_once() -> None:
    async with held() as (cycle, line):
        cycle.begin(200, FIELDS)
        assert line.take().endswith(b"\r\n\r\n")
        cycle.write(b"one")
        assert line.take() == b"3\r\none\r\n"
        cycle.pass_on(b"t" * 16)
        assert line.take() == b"10\r\n%b\r\n" % (b"t" * 16)
        cycle.end()
        assert line.take() == b"0\r\n\r\n"


@pytest.mark.parametrize("whole", [False, True])
async def test_an_answer_lets_the_next_request_be_served(*, whole: bool) -> None:
    async with held(KEPT + KEPT) as (cycle, line):
        if whole:
            cycle.respond(200, [], b"x")
        else:
            cycle.begin(200, [])
            cycle.write(b"x")
            assert len(line.state.tasks) == 1
            cycle.end()
        assert len(line.state.tasks) == 2
        assert line.state.total_requests == 1


async def test_a_server_that_shuts_down_says_so_in_the_answer_in_hand() -> None:
    async with held() as (cycle, line):
        line.protocol.shutdown()
        assert not line.transport.is_closing()
        cycle.respond(200, [], b"x")

        assert b"connection: close" in line.take().split(b"\r\n")
        assert line.transport.is_closing()


async def test_pieces_wait_for_a_client_that_reads_slowly() -> None:
    async with held() as (cycle, line):
        cycle.begin(200, [])
        assert not is_full(cycle)
        nothing_to_wait_for = asyncio.create_task(cycle.drained())
        await settle()
        assert nothing_to_wait_for.done()
        assert cycle.pass_on(b"a")
        line.protocol.pause_writing()

        assert is_full(cycle)
        assert not cycle.pass_on(b"b")
        waiting = asyncio.create_task(cycle.drained())
        await settle()
        assert not waiting.done()
        line.protocol.resume_writing()
        await settle()

        assert waiting.done()
        assert not is_full(cycle)
        assert cycle.pass_on(b"c")
        # What was passed on while it was full is not lost.
        assert line.take().endswith(b"1\r\na\r\n1\r\nb\r\n1\r\nc\r\n")


@pytest.mark.parametrize("refused", [False, True])
async def test_nobody_waits_for_a_client_that_has_left_or_that_is_not_served(*, refused: bool) -> None:
    async with held(CHUNKED) as (cycle, line):
        line.protocol.pause_writing()
        waiting = asyncio.create_task(cycle.drained())
        await settle()
        if refused:
            await line.say(b"no chunk\r\n")
            assert line.take().startswith(b"HTTP/1.1 400")
        else:
            line.leave()
            await settle()
            assert waiting.done()

        assert not cycle.is_full
        assert cycle.pass_on(b"x")
        assert line.take() == b""
        waiting.cancel()


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize(
    "send",
    [*BEGINNINGS, lambda cycle: cycle.write(b"x"), lambda cycle: cycle.pass_on(b"x"), lambda cycle: cycle.end()],
    ids=["respond", "begin", "write", "pass_on", "end"],
)
async def test_what_is_sent_after_the_client_has_left_goes_nowhere(send: Sending, *, begun: bool) -> None:
    async with held() as (cycle, line):
        if begun:
            cycle.begin(200, [])
        line.leave()
        line.take()
        # A transport may still take what nobody will read: then the cycle itself has to know.
        line.transport.take_again()
        send(cycle)

        assert line.take() == b""
        assert line.state.total_requests == 0


@pytest.mark.parametrize(
    "bad",
    [
        (b"x-a", b"1\r\nset-cookie: a"),
        (b"x-a", b"1\nset-cookie: a"),
        (b"x-a", b"1\r"),
        (b"x-a", b"\0"),
        (b"x-a\r\nset-cookie", b"a"),
        (b"x-a\0", b"1"),
        (b"x-a", b"1\r\n\r\nbody"),
    ],
)
@pytest.mark.parametrize("whole", [False, True])
async def test_a_header_that_does_not_stay_in_its_line_is_not_sent(bad: tuple[bytes, bytes], *, whole: bool) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        cycle = cycle_of(send)
        assert cycle is not None
        with pytest.raises(RuntimeError, match="does not stay in its line"):
            cycle.respond(200, [*FIELDS, bad], b"x") if whole else cycle.begin(200, [*FIELDS, bad])

    line = MemoryLine(app)
    await line.say(KEPT)

    # Without an answer there is nothing that a next one could stand behind.
    assert line.take() == b""
    assert line.transport.is_closing()
    await line.close()


@pytest.mark.parametrize("first", BEGINNINGS, ids=["respond", "begin"])
@pytest.mark.parametrize("second", BEGINNINGS, ids=["respond", "begin"])
async def test_a_request_is_answered_once(first: Sending, second: Sending) -> None:
    async with held() as (cycle, line):
        first(cycle)
        line.take()
        with pytest.raises(RuntimeError, match="answered already"):
            second(cycle)
        assert line.take() == b""


async def test_a_request_is_answered_by_messages_or_by_bytes_and_not_by_both() -> None:
    async with held() as (cycle, line):
        await send_messages(cycle, start(200))
        line.take()
        with pytest.raises(RuntimeError, match="answered already"):
            cycle.respond(200, [], b"x")
        assert line.take() == b""
    async with held() as (cycle, line):
        cycle.respond(200, [], b"x")
        line.take()
        with pytest.raises(RuntimeError, match="already completed"):
            await send_messages(cycle, start(200))
        assert line.take() == b""


async def read_all(cycle: Cycle, into: list[bytes]) -> None:
    """Read a whole body: each piece as it comes."""
    more = True
    while more:
        message = await cycle.receive()
        assert message["type"] == "http.request"
        into.append(message["body"])
        more = message["more_body"]


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8), st.lists(st.booleans(), min_size=8, max_size=8))
def test_a_body_is_received_whole_however_it_comes_and_is_asked_for(pieces: list[bytes], asked: list[bool]) -> None:
    async def receive_all() -> list[bytes]:
        got: list[bytes] = []
        async with held(POST % len(b"".join(pieces))) as (cycle, line):
            reading: asyncio.Task[None] | None = None
            for piece, ask in zip(pieces, asked, strict=False):
                if ask and reading is None:
                    reading = asyncio.create_task(read_all(cycle, got))
                await line.say(piece)
            await (reading or read_all(cycle, got))
        return got

    assert b"".join(virtual_time.run(receive_all())) == b"".join(pieces)


async def test_what_came_at_several_times_is_received_at_once() -> None:
    async with held(POST % 9) as (cycle, line):
        await line.say(b"abc", b"def")
        assert await cycle.receive() == {"type": "http.request", "body": b"abcdef", "more_body": True}
        await line.say(b"ghi")
        assert await cycle.receive() == {"type": "http.request", "body": b"ghi", "more_body": False}


async def test_no_more_than_a_little_is_read_while_nobody_asks_for_it() -> None:
    size = 3 * HIGH_WATER_LIMIT
    async with held(POST % size) as (cycle, line):
        await line.say(b"b" * (HIGH_WATER_LIMIT - 1), b"b")
        assert line.transport.is_reading()
        await line.say(b"b")
        assert not line.transport.is_reading()
        message = await cycle.receive()
        assert message["type"] == "http.request"
        assert len(message["body"]) == HIGH_WATER_LIMIT + 1
        # What is asked for is read on, and the count begins anew.
        got: list[bytes] = []
        reading = asyncio.create_task(read_all(cycle, got))
        await settle()
        line.protocol.data_received(b"b")
        assert line.transport.is_reading()
        await line.say(b"b" * (2 * HIGH_WATER_LIMIT - 2))
        await reading

        assert len(b"".join(got)) == 2 * HIGH_WATER_LIMIT - 1


async def test_the_rest_of_a_body_that_nobody_wants_any_more_is_not_kept() -> None:
    async with held(POST % 1_000_000) as (cycle, line):
        cycle.respond(413, [], b"x")
        await line.say(b"b" * 500_000, b"b" * 499_999)

        assert line.transport.is_reading()
        assert await cycle.receive() == {"type": "http.disconnect"}


async def test_whoever_waits_for_more_is_told_that_the_client_has_left() -> None:
    async with held(POST % 9) as (cycle, line):
        await line.say(b"abc")
        await cycle.receive()
        waiting = asyncio.create_task(cycle.receive())
        await settle()
        assert not waiting.done()
        line.leave()

        assert await waiting == {"type": "http.disconnect"}


async def test_a_client_that_waits_for_it_is_told_once_to_go_on_when_its_body_is_asked_for() -> None:
    async with held(EXPECTING) as (cycle, line):
        assert line.take() == b""
        got: list[bytes] = []
        reading = asyncio.create_task(read_all(cycle, got))
        await settle()
        assert line.take() == GO_ON
        await line.say(b"he", b"llo")
        await reading

        assert (b"".join(got), line.take()) == (b"hello", b"")


@pytest.mark.parametrize("whole", [False, True])
async def test_a_client_that_is_answered_at_once_is_not_told_to_go_on(*, whole: bool) -> None:
    async with held(EXPECTING) as (cycle, line):
        if whole:
            cycle.respond(413, [], b"x")
        else:
            cycle.begin(413, [])
            reading = asyncio.create_task(cycle.receive())
            await settle()
            reading.cancel()
        await settle()

        assert GO_ON not in line.take()


async def test_only_the_send_of_our_own_server_leads_to_a_cycle() -> None:
    async with held() as (cycle, _):

        async def wrapped(message: Message) -> None:
            await send_messages(cycle, message)

        # As above: the server's own type of a message is narrower.
        assert cycle_of(cycle.send) is cycle  # type: ignore[arg-type]
        assert cycle_of(wrapped) is None
        # As above.
        assert cycle_of(Held().__call__) is None  # type: ignore[arg-type]
