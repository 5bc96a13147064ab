"""A body that is handed on as it arrives, and does not arrive whole: cuts, deadlines, and readers who leave."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from fakes.http_wire import Wire
from gateway_core.http_client import HttpCut, HttpFailure, HttpMalformed, HttpResponse, HttpTimedOut
from unit.gateway_core.http_client.pump_bench import CHUNKED, OK, Cup, Pumping, begun, turn


def lose(wire: Wire) -> None:
    wire.connection.connection_lost(None)


def say_goodbye(wire: Wire) -> None:
    wire.connection.eof_received()


def talk_nonsense(wire: Wire) -> None:
    wire.connection.data_received(b"no size\r\n")


def fall_silent(wire: Wire) -> None:
    wire.loop.advance(5.01)


def take_too_long(wire: Wire) -> None:
    for _ in range(40):
        wire.loop.advance(2.6)
        wire.hear(b"1;x\r\n.\r\n")


ENDS = [
    (lose, HttpCut),
    (say_goodbye, HttpCut),
    (talk_nonsense, HttpMalformed),
    (fall_silent, HttpTimedOut),
    (take_too_long, HttpTimedOut),
]


async def failure_by_next(end: Callable[[Wire], None]) -> tuple[bytes, HttpFailure]:
    """Read an answer that ends badly piece by piece, and tell what came and what was raised."""
    reading = Pumping(Cup())
    reading.wire.hear(CHUNKED + b"5\r\nhello\r\n")
    response = HttpResponse(reading.exchange, decoder=None)
    got = await response.next()
    end(reading.wire)
    try:
        while piece := await response.next():
            got += piece
    except HttpFailure as failure:
        return got, failure
    raise AssertionError("it ended well")


@pytest.mark.parametrize(("end", "kind"), ENDS)
async def test_an_answer_that_breaks_off_raises_what_next_raises_behind_all_that_came(
    end: Callable[[Wire], None], kind: type[HttpFailure]
) -> None:
    came, expected = await failure_by_next(end)
    pumping = await begun(Cup(), CHUNKED, b"5\r\nhello\r\n")

    end(pumping.wire)
    with pytest.raises(kind) as caught:
        await pumping.end()

    assert (b"".join(pumping.cup.taken), str(caught.value)) == (came, str(expected))
    assert (pumping.wire.transport.aborted, pumping.wire.loop.pending()) == (True, [])


async def test_an_answer_that_breaks_off_in_the_piece_that_it_brings_hands_that_on_first() -> None:
    pumping = await begun(Cup(), CHUNKED)

    pumping.wire.hear(b"5\r\nhello\r\nno size\r\n")
    with pytest.raises(HttpMalformed):
        await pumping.end()

    assert pumping.cup.taken == [b"hello"]


async def test_an_answer_that_breaks_off_while_the_sink_is_full_raises_once_it_is_ready() -> None:
    pumping = await begun(Cup(room=1, held=True))
    pumping.wire.hear(b"hello")
    await turn()

    pumping.wire.connection.connection_lost(None)
    await turn()
    assert pumping.task is not None
    assert not pumping.task.done()
    pumping.cup.empty()
    with pytest.raises(HttpCut):
        await pumping.end()

    assert pumping.cup.taken == [b"hello"]


async def test_a_whole_answer_behind_a_full_sink_is_whole() -> None:
    pumping = await begun(Cup(room=1, held=True), OK + b"content-length: 6\r\n\r\none")
    pumping.wire.hear(b"two")
    await turn()
    assert (pumping.cup.taken, pumping.wire.home.rests) == ([b"one"], 1)

    for _ in range(2):
        pumping.cup.empty()
        await turn()
    await pumping.end()

    assert pumping.cup.taken == [b"one", b"two"]


async def test_cancelling_the_reader_closes_the_connection_and_nothing_is_handed_on_any_more() -> None:
    pumping = await begun(Cup())
    pumping.wire.hear(b"one")
    assert pumping.task is not None

    pumping.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pumping.task

    assert (pumping.wire.transport.aborted, pumping.wire.home.open) == (True, 0)
    pumping.wire.connection.data_received(b"two")
    assert pumping.cup.taken == [b"one"]


async def test_a_reader_that_is_cancelled_while_the_sink_is_full_can_close_the_connection() -> None:
    pumping = await begun(Cup(room=1, held=True))
    pumping.wire.hear(b"one")
    await turn()
    assert pumping.task is not None

    pumping.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pumping.task
    assert pumping.exchange.sink is None
    HttpResponse(pumping.exchange, decoder=None).close()

    assert (pumping.wire.transport.aborted, pumping.wire.home.open) == (True, 0)


async def test_each_piece_puts_the_idle_deadline_off_and_silence_brings_it_on() -> None:
    pumping = await begun(Cup())
    for _ in range(10):
        pumping.wire.loop.advance(4.9)
        pumping.wire.hear(b".")
    assert pumping.exchange.failure is None

    pumping.wire.loop.advance(5.01)
    with pytest.raises(HttpTimedOut) as caught:
        await pumping.end()

    assert (caught.value.phase, pumping.cup.taken) == ("idle", [b"."] * 10)


async def test_a_full_sink_is_not_held_against_the_server_which_has_its_time_anew_behind_it() -> None:
    pumping = await begun(Cup(room=1, held=True))
    pumping.wire.hear(b"one")
    await turn()

    pumping.wire.loop.advance(50)
    assert pumping.exchange.failure is None
    pumping.cup.empty()
    await turn()
    pumping.wire.loop.advance(4.9)
    assert pumping.exchange.failure is None
    pumping.wire.loop.advance(0.11)

    with pytest.raises(HttpTimedOut) as caught:
        await pumping.end()
    assert caught.value.phase == "idle"


async def test_the_total_deadline_counts_while_the_sink_is_full() -> None:
    pumping = await begun(Cup(room=1, held=True))
    pumping.wire.hear(b"one")
    await turn()

    pumping.wire.loop.advance(100.01)
    pumping.cup.empty()

    with pytest.raises(HttpTimedOut) as caught:
        await pumping.end()
    assert caught.value.phase == "total"
