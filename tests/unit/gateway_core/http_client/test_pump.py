"""A body that is handed on as it arrives: every byte once and in order, and no faster than it is taken."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fakes.raw_server import Peer, serve, until
from gateway_core.http_client import HttpClient
from gateway_core.http_client.exchange import PAUSE_ABOVE
from unit.gateway_core.http_client.pump_bench import BEGUN, OK, PATIENT, Cup, Framing, Pumping, begun, frame, turn


@given(
    body=st.binary(max_size=120),
    how=st.sampled_from(["length", "chunked", "close"]),
    cuts=st.lists(st.integers(0, 260), max_size=12),
    room=st.integers(0, 3),
    turns=st.booleans(),
)
@example(body=b"hello, world", how="length", cuts=list(range(260)), room=0, turns=True)
@example(body=b"hello, world", how="chunked", cuts=list(range(260)), room=1, turns=True)
@example(body=b"hello, world", how="chunked", cuts=list(range(260)), room=0, turns=False)
@example(body=b"hello, world", how="close", cuts=list(range(260)), room=2, turns=False)
async def test_every_byte_is_handed_on_once_and_in_order_wherever_the_network_cuts(
    *, body: bytes, how: Framing, cuts: list[int], room: int, turns: bool
) -> None:
    pumping = Pumping(Cup(room=room))
    answer = frame(body, how)

    for begin, end in pairwise(sorted({0, len(answer), *(cut for cut in cuts if cut < len(answer))})):
        await pumping.hear(answer[begin:end])
        if turns:
            await turn()
    if how == "close":
        await until(lambda: pumping.wire.transport.reading)
        pumping.wire.connection.eof_received()
    await pumping.end()

    assert b"".join(pumping.cup.taken) == body
    assert pumping.wire.home.rests == (0 if how == "close" else 1)


@pytest.mark.parametrize("how", ["length", "chunked", "close"])
async def test_every_byte_is_handed_on_at_every_single_cut(how: Framing) -> None:
    body = bytes(range(40))
    answer = frame(body, how)
    for cut in range(1, len(answer)):
        pumping = await begun(Cup(room=1), answer[:cut], answer[cut:])
        if how == "close":
            pumping.wire.connection.eof_received()
        await pumping.end()

        assert b"".join(pumping.cup.taken) == body


async def test_what_arrives_is_handed_on_at_once_and_what_came_before_is_too() -> None:
    pumping = await begun(Cup(), BEGUN + b"before")
    assert pumping.cup.taken == [b"before"]

    # No turn of the loop in between.
    pumping.wire.hear(b"one")
    assert pumping.cup.taken == [b"before", b"one"]
    pumping.wire.hear(b"two")
    assert pumping.cup.taken == [b"before", b"one", b"two"]
    pumping.exchange.close()


async def test_a_full_sink_keeps_the_server_waiting_until_it_is_ready() -> None:
    pumping = await begun(Cup(room=1, held=True))
    transport, cup = pumping.wire.transport, pumping.cup

    for number, piece in enumerate((b"one", b"two", b"three"), start=1):
        pumping.wire.hear(piece)
        assert not transport.reading
        await turn()
        assert (transport.reading, cup.waits, len(cup.taken)) == (False, number, number)
        cup.empty()
        await turn()
        assert transport.reading

    assert cup.taken == [b"one", b"two", b"three"]
    pumping.exchange.close()


async def test_a_sink_that_what_came_before_fills_is_handed_nothing_more_and_what_piles_up_is_bounded() -> None:
    pumping = await begun(Cup(room=1, held=True), BEGUN + b"before")
    transport, cup = pumping.wire.transport, pumping.cup

    read_on: list[bool] = []
    for piece in (b"one", bytes(PAUSE_ABOVE)):
        pumping.wire.hear(piece)
        read_on.append(transport.reading)
    await turn()
    assert (read_on, cup.taken) == ([True, False], [b"before"])
    for _ in range(3):
        cup.empty()
        await turn()

    assert b"".join(cup.taken) == b"beforeone" + bytes(PAUSE_ABOVE)
    assert transport.reading
    pumping.exchange.close()


async def test_a_server_that_had_to_wait_before_the_pump_reads_on_with_it() -> None:
    pumping = await begun(Cup(), BEGUN + bytes(PAUSE_ABOVE + 1))

    assert len(b"".join(pumping.cup.taken)) == PAUSE_ABOVE + 1
    await until(lambda: pumping.wire.transport.reading)
    await turn()
    pumping.wire.hear(b"one")
    assert pumping.cup.taken[-1] == b"one"
    pumping.exchange.close()


@pytest.mark.parametrize("how", ["length", "chunked", "close"])
@pytest.mark.parametrize("room", [0, 1, 3])
async def test_a_large_answer_comes_whole_over_a_socket_and_its_connection_serves_again(
    client: HttpClient, how: Framing, room: int
) -> None:
    body = bytes(range(251)) * 4_000

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send_all(frame(body, how))
            if how == "close":
                return

    async with serve(script) as server:
        for _ in range(2):
            cup = Cup(room=room)
            response = await client.send("GET", server.url, headers=[], deadlines=PATIENT)
            await response.pump(cup.sink, ready=cup.ready)
            # Told apart here: to show how they differ would take minutes.
            same = b"".join(cup.taken) == body
            assert same

        assert server.connections == (2 if how == "close" else 1)


async def test_a_server_is_kept_waiting_over_a_socket_too(client: HttpClient) -> None:
    size = 64_000_000
    sent = 0

    async def script(peer: Peer) -> None:
        nonlocal sent
        await peer.request()
        peer.send(OK + b"content-length: %d\r\n\r\n" % size)
        for _ in range(size // 64_000):
            await peer.send_all(bytes(64_000))
            sent += 64_000

    async with serve(script) as server:
        cup = Cup(room=1, held=True)
        response = await client.send("GET", server.url, headers=[], deadlines=PATIENT)
        pumping = asyncio.create_task(response.pump(cup.sink, ready=cup.ready))
        await until(lambda: cup.waits == 1)
        for _ in range(3_000):
            await asyncio.sleep(0)
        # What the system's own buffers hold has left the server; the rest waits for us.
        assert sent < size // 2
        pumping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pumping
        response.close()
