"""One connection, driven byte by byte and second by second."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway_core.http_client import Deadlines, HttpFailure, HttpMalformed, HttpTimedOut
from gateway_core.http_client.connection import Connection
from gateway_core.http_client.exchange import PAUSE_ABOVE, Exchange
from gateway_core.http_client.target import Origin
from gateway_core.kernel.units import Seconds

DEADLINES = Deadlines(connect=Seconds(1), first_byte=Seconds(10), idle=Seconds(5), total=Seconds(100))
THIRTY = Seconds(30)
OK = b"HTTP/1.1 200 OK\r\n"
BEGUN = OK + b"content-length: 1000000\r\n\r\n"


@dataclass
class Timer:
    """A timer that was set; `cancel` takes it back."""

    due: float
    act: Callable[[], object]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


class FakeLoop:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.timers: list[Timer] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], object]) -> Timer:
        self.timers.append(Timer(when, callback))
        return self.timers[-1]

    def pending(self) -> list[Timer]:
        return [timer for timer in self.timers if not timer.cancelled]

    def advance(self, seconds: float) -> None:
        until = self.now + seconds
        while due := [timer for timer in self.pending() if timer.due <= until]:
            timer = min(due, key=lambda each: each.due)
            timer.cancelled = True
            self.now = max(self.now, timer.due)
            timer.act()
        self.now = until


class FakeTransport:
    """What is written, and whether the connection reads or is closed."""

    def __init__(self) -> None:
        self.written = b""
        self.unsent = 0
        self.reading = True
        self.aborted = False

    def write(self, data: bytes) -> None:
        self.written += bytes(data)

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def get_extra_info(self, name: str) -> None:
        return None

    def is_closing(self) -> bool:
        return self.aborted

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def abort(self) -> None:
        self.aborted = True


@dataclass
class FakeHome:
    """A pool that only counts."""

    keep_alive: Seconds = THIRTY
    max_header_bytes: int = 65536
    open: int = 0
    rests: int = 0
    losses: int = 0

    def opened(self, connection: Connection) -> None:
        self.open += 1

    def rested(self, connection: Connection) -> None:
        self.rests += 1

    def gone(self, connection: Connection) -> None:
        self.open -= 1

    def lost(self) -> None:
        self.losses += 1


class Wire:
    """A connection with everything around it faked."""

    def __init__(self) -> None:
        self.loop = FakeLoop()
        self.transport = FakeTransport()
        self.home = FakeHome()
        # cast: the fakes have only the methods that a connection uses.
        self._as_loop = cast("asyncio.AbstractEventLoop", self.loop)
        self.connection = Connection(self.home, Origin("http", "a.test", 80), loop=self._as_loop)
        # cast: as above.
        self.connection.connection_made(cast("asyncio.BaseTransport", self.transport))

    def ask(self, *, body: bytes = b"", without_body: bool = False) -> Exchange:
        total = DEADLINES.total or 0.0
        exchange = Exchange(
            self._as_loop,
            DEADLINES,
            where="a.test:80",
            total_due=self.loop.now + total,
            without_body=without_body,
        )
        self.connection.start(exchange, head=b"HEAD\r\n\r\n", body=body)
        return exchange

    def went_wrong(self, exchange: Exchange) -> HttpFailure | None:
        """Tell the failure so far."""
        return exchange.failure

    def hear(self, data: bytes) -> None:
        self.connection.data_received(data)


def chunked(body: bytes, size: int) -> bytes:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\nx-sum: 1\r\n\r\n"


def frame(body: bytes, *, how: str, interim: int) -> bytes:
    early = b"HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n" * interim
    match how:
        case "length":
            return early + OK + b"X-A: b\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
        case "chunked":
            return early + OK + b"X-A: b\r\ntransfer-encoding: chunked\r\n\r\n" + chunked(body, 7)
        case _:
            return early + OK + b"X-A: b\r\n\r\n" + body


@given(
    body=st.binary(max_size=60),
    how=st.sampled_from(["length", "chunked", "close"]),
    interim=st.integers(0, 2),
    cuts=st.lists(st.integers(0, 400), max_size=12),
)
@example(body=b"hello", how="length", interim=1, cuts=list(range(400)))
@example(body=b"hello, world", how="chunked", interim=1, cuts=list(range(400)))
@example(body=gzip.compress(b"hello"), how="close", interim=0, cuts=list(range(400)))
def test_an_answer_is_the_same_wherever_the_network_cuts_it(
    body: bytes, how: str, interim: int, cuts: list[int]
) -> None:
    wire = Wire()
    exchange = wire.ask()
    answer = frame(body, how=how, interim=interim)
    edges = sorted({0, len(answer), *(cut for cut in cuts if cut < len(answer))})

    for begin, end in pairwise(edges):
        wire.hear(answer[begin:end])
    if how == "close":
        assert not exchange.ended
        wire.connection.eof_received()

    assert (exchange.status, exchange.take(), exchange.ended, exchange.failure) == (200, body, True, None)
    assert exchange.fields[0] == (b"x-a", b"b")
    assert (wire.home.rests, wire.transport.aborted) == ((0, True) if how == "close" else (1, False))


@given(st.lists(st.binary(max_size=80) | st.sampled_from([OK, b"\r\n", b"content-length: 3\r\n", b"\0"]), max_size=8))
def test_no_bytes_whatever_make_a_connection_fall_over(pieces: list[bytes]) -> None:
    wire = Wire()
    exchange = wire.ask()

    for piece in pieces:
        if not wire.transport.aborted:
            wire.hear(piece)
    wire.connection.connection_lost(None)

    assert exchange.ended or exchange.failure is not None
    assert (wire.home.open, wire.home.losses, wire.loop.pending()) == (0, 1, [])


def test_a_busy_connection_hardly_ever_sets_a_timer() -> None:
    wire = Wire()

    for _ in range(1000):
        wire.ask()
        wire.hear(OK + b"content-length: 2\r\n\r\n")
        wire.loop.advance(0.001)
        wire.hear(b"ok")

    assert wire.home.rests == 1000
    assert len(wire.loop.timers) <= 3
    assert len(wire.loop.pending()) == 1


@pytest.mark.parametrize(
    ("heard", "phase", "after"),
    [([], "first_byte", 10), ([OK], "first_byte", 10), ([BEGUN], "idle", 5), ([BEGUN, b"a"], "idle", 5)],
)
def test_a_deadline_strikes_on_time_and_not_before(heard: list[bytes], phase: str, after: float) -> None:
    wire = Wire()
    exchange = wire.ask()
    for piece in heard:
        wire.hear(piece)

    wire.loop.advance(after - 0.01)
    assert wire.went_wrong(exchange) is None
    wire.loop.advance(0.02)

    assert isinstance(exchange.failure, HttpTimedOut)
    assert (exchange.failure.phase, exchange.failure.after) == (phase, after)
    assert (wire.transport.aborted, wire.loop.pending()) == (True, [])
    failure = exchange.failure
    exchange.close()
    assert exchange.failure is failure


def test_the_total_deadline_strikes_although_the_body_never_pauses() -> None:
    wire = Wire()
    exchange = wire.ask()
    wire.hear(BEGUN)

    for _ in range(99):
        wire.loop.advance(1)
        wire.hear(b"a")
    assert wire.went_wrong(exchange) is None
    wire.loop.advance(1.01)

    assert isinstance(exchange.failure, HttpTimedOut)
    assert exchange.failure.phase == "total"


def test_chunk_framing_without_any_body_does_not_put_off_the_idle_deadline() -> None:
    wire = Wire()
    exchange = wire.ask()
    wire.hear(OK + b"transfer-encoding: chunked\r\n\r\n")

    for digit in (b"1", b";x", b"y"):
        wire.loop.advance(1.9)
        if exchange.failure is None:
            wire.hear(digit)

    assert isinstance(exchange.failure, HttpTimedOut)
    assert exchange.failure.phase == "idle"


def test_a_slow_reader_pauses_the_server_and_is_not_held_against_it() -> None:
    wire = Wire()
    exchange = wire.ask()
    wire.hear(BEGUN + bytes(PAUSE_ABOVE))
    read_on = [wire.transport.reading]
    wire.hear(b"a")
    read_on.append(wire.transport.reading)

    wire.loop.advance(50)
    assert wire.went_wrong(exchange) is None
    assert len(exchange.take()) == PAUSE_ABOVE + 1
    read_on.append(wire.transport.reading)
    wire.hear(b"a")
    assert [*read_on, wire.transport.reading] == [True, False, True, True]
    wire.loop.advance(5.01)

    assert isinstance(exchange.failure, HttpTimedOut)
    assert exchange.failure.phase == "idle"


def test_the_total_deadline_counts_even_while_nobody_reads() -> None:
    wire = Wire()
    exchange = wire.ask()
    wire.hear(BEGUN + bytes(PAUSE_ABOVE + 1))

    wire.loop.advance(100.01)

    assert isinstance(exchange.failure, HttpTimedOut)
    assert exchange.failure.phase == "total"


def test_a_resting_connection_is_closed_after_its_time_and_sets_no_more_timers() -> None:
    wire = Wire()
    wire.home.keep_alive = Seconds(3)
    wire.ask()
    wire.hear(OK + b"content-length: 0\r\n\r\n")

    wire.loop.advance(2.9)
    assert not wire.transport.aborted
    wire.loop.advance(0.2)

    assert (wire.transport.aborted, wire.home.open, wire.loop.pending()) == (True, 0, [])


def test_trailers_of_one_answer_do_not_count_as_headers_of_the_next() -> None:
    wire = Wire()
    wire.home.max_header_bytes = 150
    for _ in range(5):
        exchange = wire.ask()
        wire.hear(OK + b"transfer-encoding: chunked\r\n\r\n")
        wire.hear(b"0\r\nx-sum: " + b"1" * 100 + b"\r\n\r\n")
        assert exchange.failure is None
    exchange = wire.ask()
    wire.hear(OK + b"x-a: " + b"b" * 60)

    assert wire.went_wrong(exchange) is None


def test_a_large_body_waits_while_the_socket_is_full() -> None:
    wire = Wire()
    body = bytes(range(250)) * 4000
    wire.connection.pause_writing()
    wire.ask(body=body)
    assert wire.transport.written == b"HEAD\r\n\r\n"

    wire.connection.resume_writing()

    assert wire.transport.written == b"HEAD\r\n\r\n" + body


@pytest.mark.parametrize("full", [True, False])
def test_a_connection_whose_request_is_not_written_to_its_end_is_not_used_again(*, full: bool) -> None:
    wire = Wire()
    if full:
        wire.connection.pause_writing()
    else:
        wire.transport.unsent = 1
    exchange = wire.ask(body=bytes(100_000) if full else b"")
    wire.hear(OK + b"content-length: 2\r\n\r\nno")

    assert (exchange.ended, exchange.take()) == (True, b"no")
    assert (wire.home.rests, wire.transport.aborted) == (0, True)
    wire.connection.resume_writing()
    assert len(wire.transport.written) < 100


def test_an_answer_that_fails_in_the_middle_of_a_buffer_stays_failed() -> None:
    wire = Wire()
    exchange = wire.ask()

    wire.hear(OK + b"transfer-encoding: br\r\n\r\n" + OK + b"content-length: 2\r\n\r\nok")

    assert isinstance(exchange.failure, HttpMalformed)
    assert (exchange.status, exchange.ended, wire.transport.aborted) == (0, False, True)


def test_a_connection_that_was_given_up_before_it_was_made_closes_at_once() -> None:
    wire = Wire()
    late = FakeTransport()
    wire.connection.abort()
    # cast: the fake has only the methods that a connection uses.
    wire.connection.connection_made(cast("asyncio.BaseTransport", late))

    assert (late.aborted, wire.home.open) == (True, 0)
