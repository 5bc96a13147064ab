"""Deadlines, cancellation, slow readers and slow writers, over real sockets: whatever happens, nothing leaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager

import pytest

from fakes.raw_server import Peer, RawServer, Script, always, reply, serve, until
from gateway_core.http_client import Deadlines, HttpClient, HttpCut, HttpResponse, HttpTimedOut
from gateway_core.kernel.units import Seconds

SOON = Seconds(0.05)
LATE = Seconds(20)
PATIENT = Deadlines(connect=LATE, first_byte=LATE, idle=LATE, total=None)
BEGUN = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello"
LARGE = 32_000_000


def get(client: HttpClient, server: RawServer, *, deadlines: Deadlines = PATIENT) -> Awaitable[HttpResponse]:
    return client.send("GET", server.url, headers=[], deadlines=deadlines)


@asynccontextmanager
async def a_tidy_server(client: HttpClient, script: Script) -> AsyncGenerator[RawServer]:
    """Serve, and check afterwards that the client holds no connection and no task, and the server saw it close."""
    tasks = asyncio.all_tasks()
    async with serve(script) as server:
        yield server
        assert client.open_connections == 0
        await asyncio.gather(*server.tasks)
        await until(lambda: asyncio.all_tasks() - server.tasks == tasks)


def then_wait(*pieces: bytes) -> Script:
    """Script: read one request, say these pieces, and wait until the client closes."""

    async def script(peer: Peer) -> None:
        await peer.request()
        for piece in pieces:
            peer.send(piece)
        await peer.gone()

    return script


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 O", b"HTTP/1.1 100 Continue\r\n\r\n"])
async def test_a_head_that_does_not_come_times_out(client: HttpClient, said: bytes) -> None:
    deadlines = Deadlines(connect=LATE, first_byte=SOON, idle=LATE, total=LATE)
    async with a_tidy_server(client, then_wait(said)) as server:
        with pytest.raises(HttpTimedOut) as caught:
            await get(client, server, deadlines=deadlines)

    assert (caught.value.phase, caught.value.after) == ("first_byte", SOON)
    assert str(caught.value) == f"127.0.0.1:{server.port}: the first_byte deadline of 0.05 s has passed"


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 O", BEGUN])
async def test_an_answer_that_is_not_whole_in_time_is_given_up(client: HttpClient, said: bytes) -> None:
    deadlines = Deadlines(connect=LATE, first_byte=LATE, idle=LATE, total=SOON)
    async with a_tidy_server(client, then_wait(said)) as server:
        with pytest.raises(HttpTimedOut) as caught:
            await (await get(client, server, deadlines=deadlines)).read(limit=9)

    assert (caught.value.phase, caught.value.after) == ("total", SOON)


async def test_a_body_that_pauses_too_long_gives_what_came_and_then_times_out(client: HttpClient) -> None:
    deadlines = Deadlines(connect=LATE, first_byte=LATE, idle=SOON, total=LATE)
    async with a_tidy_server(client, then_wait(BEGUN)) as server:
        chunks = (await get(client, server, deadlines=deadlines)).chunks()

        assert await anext(chunks) == b"hello"
        with pytest.raises(HttpTimedOut) as caught:
            await anext(chunks)

    assert (caught.value.phase, caught.value.after) == ("idle", SOON)


async def test_a_body_that_pauses_while_nobody_looks_times_out_as_well(client: HttpClient) -> None:
    deadlines = Deadlines(connect=LATE, first_byte=LATE, idle=SOON, total=None)
    async with a_tidy_server(client, then_wait(BEGUN)) as server:
        response = await get(client, server, deadlines=deadlines)
        await asyncio.gather(*server.tasks)

        with pytest.raises(HttpTimedOut):
            await response.read(limit=9)


async def test_a_request_that_the_server_does_not_read_counts_against_the_first_byte(client: HttpClient) -> None:
    deadlines = Deadlines(connect=LATE, first_byte=SOON, idle=LATE, total=None)

    async def script(peer: Peer) -> None:
        await peer.request_head()
        await given_up.wait()

    given_up = asyncio.Event()
    async with a_tidy_server(client, script) as server:
        with pytest.raises(HttpTimedOut) as caught:
            await client.send("POST", server.url, headers=[], body=bytes(LARGE), deadlines=deadlines)
        given_up.set()

    assert caught.value.phase == "first_byte"


async def test_a_large_request_arrives_whole_at_a_server_that_reads_slowly(client: HttpClient) -> None:
    body = bytes(range(256)) * 40_000
    async with serve(always(reply(b"thanks"))) as server:
        for _ in range(2):
            response = await client.send("POST", server.url, headers=[], body=body, deadlines=PATIENT)
            assert await response.read(limit=6) == b"thanks"

        assert [request.body == body for request in server.requests] == [True, True]
        assert server.connections == 1


async def test_an_answer_that_comes_before_the_body_is_read_is_readable_and_ends_the_connection(
    client: HttpClient,
) -> None:
    async def script(peer: Peer) -> None:
        await peer.request_head()
        peer.send(reply(b"too large", status="413 Content Too Large"))
        await peer.gone()

    async with a_tidy_server(client, script) as server:
        response = await client.send("POST", server.url, headers=[], body=bytes(LARGE), deadlines=PATIENT)

        assert (response.status, await response.read(limit=9)) == (413, b"too large")


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 O"])
async def test_cancelling_a_request_closes_its_connection(client: HttpClient, said: bytes) -> None:
    async with a_tidy_server(client, then_wait(said)) as server:
        sending = asyncio.ensure_future(get(client, server))
        await until(lambda: len(server.requests) == 1)
        sending.cancel()

        with pytest.raises(asyncio.CancelledError):
            await sending


async def test_cancelling_a_request_before_it_is_connected_leaves_nothing(client: HttpClient) -> None:
    async with a_tidy_server(client, then_wait()) as server:
        sending = asyncio.ensure_future(get(client, server))
        await asyncio.sleep(0)
        sending.cancel()

        with pytest.raises(asyncio.CancelledError):
            await sending


async def test_cancelling_a_request_just_when_it_is_connected_leaves_nothing(client: HttpClient) -> None:
    async with serve(then_wait()) as server:
        sending = asyncio.ensure_future(get(client, server))
        await until(lambda: client.open_connections == 1)
        sending.cancel()

        with pytest.raises(asyncio.CancelledError):
            await sending
        assert client.open_connections == 0


async def read_whole(response: HttpResponse) -> None:
    await response.read(limit=100)


async def read_chunks(response: HttpResponse) -> None:
    async for _ in response.chunks():
        pass


@pytest.mark.parametrize("consume", [read_whole, read_chunks])
async def test_cancelling_a_reader_closes_the_connection(
    client: HttpClient, consume: Callable[[HttpResponse], Awaitable[None]]
) -> None:
    async with a_tidy_server(client, then_wait(BEGUN)) as server:
        reading = asyncio.ensure_future(consume(await get(client, server)))
        await asyncio.sleep(0)
        reading.cancel()

        with pytest.raises(asyncio.CancelledError):
            await reading


# Only here the order is sure: the test runs between the last byte and the task that waits for it.
@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_a_cancellation_that_comes_after_the_last_byte_spares_the_connection(client: HttpClient) -> None:
    async with serve(always(reply(b"hello"))) as server:
        sending = asyncio.ensure_future(get(client, server))
        await until(lambda: client.idle_connections == 1)
        assert sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending

        await get(client, server)
        assert (server.connections, client.idle_connections) == (1, 1)


async def test_closing_a_whole_answer_keeps_its_connection_and_what_was_read(client: HttpClient) -> None:
    async with serve(always(reply(b"hello"))) as server:
        response = await get(client, server)
        response.close()
        response.close()

        assert client.idle_connections == 1
        assert await response.read(limit=5) == b"hello"


async def test_closing_a_response_closes_its_connection_at_once_and_ends_its_readers(client: HttpClient) -> None:
    async with a_tidy_server(client, then_wait(BEGUN)) as server:
        response = await get(client, server)
        reading = asyncio.ensure_future(response.read(limit=9))
        await asyncio.sleep(0)
        response.close()
        assert client.open_connections == 0
        response.close()

        with pytest.raises(HttpCut):
            await reading


@pytest.mark.parametrize("steps", [0, 1])
async def test_closing_the_chunks_early_closes_the_connection(client: HttpClient, steps: int) -> None:
    async with a_tidy_server(client, then_wait(BEGUN)) as server:
        response = await get(client, server)
        async with aclosing(response.chunks()) as chunks:
            for _ in range(steps):
                assert await chunks.asend(None) == b"hello"

        assert client.open_connections == 0
        with pytest.raises(StopAsyncIteration):
            await anext(chunks)


async def test_throwing_into_the_chunks_closes_the_connection(client: HttpClient) -> None:
    async with a_tidy_server(client, then_wait(BEGUN)) as server:
        chunks = (await get(client, server)).chunks()

        with pytest.raises(LookupError):
            await chunks.athrow(LookupError())


async def test_one_answer_has_one_reader(client: HttpClient) -> None:
    async with serve(then_wait(BEGUN)) as server:
        response = await get(client, server)
        reading = asyncio.ensure_future(response.read(limit=9))
        await asyncio.sleep(0)

        with pytest.raises(RuntimeError, match="Two tasks"):
            await response.read(limit=9)
        response.close()
        with pytest.raises(HttpCut):
            await reading


async def test_chunks_that_arrive_together_are_given_together(client: HttpClient) -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    async with serve(always(head + b"3\r\nabc\r\n" * 100 + b"0\r\n\r\n")) as server:
        chunks = [chunk async for chunk in (await get(client, server)).chunks()]

    assert chunks == [b"abc" * 100]


async def test_each_chunk_is_given_as_soon_as_it_is_there(client: HttpClient) -> None:
    heard = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for number in range(5):
            peer.send(b"1\r\n%d\r\n" % number)
            await heard.wait()
            heard.clear()
        peer.send(b"0\r\n\r\n")
        await peer.gone()

    async with serve(script) as server:
        chunks = []
        async for chunk in (await get(client, server)).chunks():
            chunks.append(chunk)
            heard.set()

        assert chunks == [b"0", b"1", b"2", b"3", b"4"]
        assert client.idle_connections == 1
        await client.close()


async def test_a_slow_reader_slows_the_server_down_and_misses_nothing(client: HttpClient) -> None:
    said = 0

    async def script(peer: Peer) -> None:
        nonlocal said
        await peer.request()
        peer.send(reply(bytes(LARGE))[:-LARGE])
        while said < LARGE:
            await peer.send_all(bytes(100_000))
            said += 100_000
        await peer.gone()

    async with serve(script) as server:
        response = await get(client, server)
        # The server says on as long as anything moves; then both sides stand still.
        before, still = -1, 0
        while still < 2000:
            still = 0 if said != before else still + 1
            before = said
            await asyncio.sleep(0)
        assert said < LARGE / 2

        sizes = [len(chunk) async for chunk in response.chunks()]

        assert (sum(sizes), said) == (LARGE, LARGE)
        assert max(sizes) < 1_000_000
        assert client.idle_connections == 1
        await client.close()
