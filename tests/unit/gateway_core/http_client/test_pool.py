"""Which connection serves a request, and when one is given up."""

from __future__ import annotations

import asyncio
import socket

import pytest

from fakes.raw_server import Peer, always, reply, serve, until
from gateway_core.http_client import Deadlines, HttpClient, HttpCut, HttpUnreachable
from gateway_core.kernel.units import Seconds

PATIENT = Deadlines(connect=Seconds(10), first_byte=Seconds(10), idle=Seconds(10), total=Seconds(60))


async def ask(client: HttpClient, url: str, *, body: bytes = b"") -> bytes:
    response = await client.send("POST", url, headers=[], body=body, deadlines=PATIENT)
    return await response.read(limit=1_000_000)


async def test_requests_one_after_another_share_a_connection(client: HttpClient) -> None:
    async with serve(always(reply(b"hello"))) as server:
        answers = [await ask(client, server.url) for _ in range(200)]

        assert answers == [b"hello"] * 200
        assert (server.connections, client.open_connections, client.idle_connections) == (1, 1, 1)


async def test_requests_at_once_get_a_connection_each_and_leave_them_for_the_next(client: HttpClient) -> None:
    async with serve(always(reply(b"hello"))) as server:
        for _ in range(3):
            assert await asyncio.gather(*[ask(client, server.url) for _ in range(50)]) == [b"hello"] * 50

        assert (server.connections, client.open_connections, client.idle_connections) == (50, 50, 50)


async def test_the_connection_that_rested_least_serves_next(client: HttpClient) -> None:
    release = asyncio.Event()

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            if peer.number == 1:
                await release.wait()
            peer.send(reply(str(peer.number).encode()))

    async with serve(script) as server:
        first = asyncio.create_task(ask(client, server.url))
        await until(lambda: len(server.requests) == 1)
        second = await ask(client, server.url)
        release.set()

        assert (await first, second) == (b"1", b"2")
        assert await ask(client, server.url) == b"1"


async def test_origins_do_not_share_connections(client: HttpClient) -> None:
    async with serve(always(reply(b"a"))) as one, serve(always(reply(b"b"))) as other:
        assert [await ask(client, one.url), await ask(client, other.url), await ask(client, one.url)] == [
            b"a",
            b"b",
            b"a",
        ]
        assert (one.connections, other.connections, client.idle_connections) == (1, 1, 2)


async def test_a_pool_keeps_no_more_idle_connections_than_it_may() -> None:
    client = HttpClient(max_idle_per_origin=2)
    async with serve(always(reply())) as server:
        await asyncio.gather(*[ask(client, server.url) for _ in range(5)])

        assert (client.open_connections, client.idle_connections) == (2, 2)
        await client.close()


async def test_an_idle_connection_is_given_up_after_its_time() -> None:
    client = HttpClient(keep_alive=Seconds(0.02))
    closed = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        peer.send(reply())
        await peer.gone()
        closed.set()

    async with serve(script) as server:
        await ask(client, server.url)
        assert client.idle_connections == 1
        await closed.wait()

        assert client.open_connections == 0
        await client.close()


async def test_a_connection_that_the_server_closes_leaves_the_pool(client: HttpClient) -> None:
    close = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        peer.send(reply())
        await close.wait()

    async with serve(script) as server:
        await ask(client, server.url)
        assert client.idle_connections == 1
        close.set()
        await until(lambda: client.open_connections == 0)

        assert client.idle_connections == 0


async def test_bytes_that_nobody_asked_for_close_an_idle_connection(client: HttpClient) -> None:
    speak = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        peer.send(reply())
        await speak.wait()
        peer.send(reply(b"a forged answer to the next request"))
        await peer.gone()

    async with serve(script) as server:
        await ask(client, server.url)
        speak.set()
        await until(lambda: client.open_connections == 0)

        assert client.idle_connections == 0


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        pytest.param("GET", reply(b"hello") + reply(b"forged"), id="a second answer"),
        pytest.param("GET", reply(b"hello") + b"HTT", id="the beginning of one"),
        pytest.param("GET", reply(b"hello") + b"no answer at all", id="rubbish"),
        pytest.param("HEAD", reply(b"hello"), id="a body for HEAD"),
        pytest.param("HEAD", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx", id="rubbish for HEAD"),
        pytest.param("GET", reply(b"hello", headers=("connection: close",)), id="the wish to close"),
        pytest.param(
            "GET", reply(b"hello", headers=("connection: close",)) + b"more", id="the wish to close, and more"
        ),
        pytest.param("GET", reply(b"hello").replace(b"1.1", b"1.0"), id="HTTP/1.0"),
    ],
)
async def test_a_connection_is_not_used_again_after(client: HttpClient, method: str, answer: bytes) -> None:
    async with serve(always(answer)) as server:
        for _ in range(2):
            response = await client.send(method, server.url, headers=[], deadlines=PATIENT)
            assert await response.read(limit=5) == (b"" if method == "HEAD" else b"hello")

        assert (server.connections, client.open_connections) == (2, 0)


async def test_a_request_is_sent_again_when_the_idle_connection_had_been_closed(client: HttpClient) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        peer.send(reply(b"hello"))
        await peer.request()

    async with serve(script) as server:
        assert await ask(client, server.url, body=b"1") == b"hello"
        # The server reads this on its first connection and drops it unanswered.
        assert await ask(client, server.url, body=b"2") == b"hello"

        assert [request.body for request in server.requests] == [b"1", b"2", b"2"]
        assert server.connections == 2


async def test_a_request_is_repeated_only_once(client: HttpClient) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        if peer.number == 1:
            peer.send(reply(b"hello"))
            await peer.request()

    async with serve(script) as server:
        await ask(client, server.url, body=b"1")
        with pytest.raises(HttpCut):
            await ask(client, server.url, body=b"2")

        assert [request.body for request in server.requests] == [b"1", b"2", b"2"]
        assert (server.connections, client.open_connections) == (2, 0)


async def test_a_request_is_not_repeated_once_the_answer_had_begun(client: HttpClient) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        peer.send(reply(b"hello"))
        await peer.request()
        peer.send(b"H")

    async with serve(script) as server:
        await ask(client, server.url, body=b"1")
        with pytest.raises(HttpCut):
            await ask(client, server.url, body=b"2")

        assert [request.body for request in server.requests] == [b"1", b"2"]


async def test_a_refused_connection_is_unreachable_and_the_message_names_only_the_host(client: HttpClient) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(HttpUnreachable, match=rf"^127\.0\.0\.1:{port}: cannot connect: ") as caught:
            await client.send(
                "POST",
                f"http://127.0.0.1:{port}/p?secret",
                headers=[("x", "secret")],
                body=b"secret",
                deadlines=PATIENT,
            )

    assert "secret" not in str(caught.value)
    assert client.open_connections == 0


async def test_a_host_name_that_cannot_exist_is_unreachable(client: HttpClient) -> None:
    with pytest.raises(HttpUnreachable):
        await ask(client, f"http://{'a' * 64}.test/")


async def test_closing_the_client_breaks_off_what_runs_and_is_final(client: HttpClient) -> None:
    async with serve(always(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhel")) as server:
        response = await client.send("GET", server.url, headers=[], deadlines=PATIENT)
        reading = asyncio.create_task(response.read(limit=9))
        await asyncio.sleep(0)
        await client.close()

        with pytest.raises(HttpCut, match="the client was closed"):
            await reading
        with pytest.raises(HttpUnreachable, match="the client is closed"):
            await ask(client, server.url)
        await client.close()
        assert client.open_connections == 0


async def test_when_the_client_is_closed_its_sockets_are_too(client: HttpClient) -> None:
    async with serve(always(reply())) as server:
        await asyncio.gather(*[ask(client, server.url) for _ in range(3)])
        assert client._transports == 3
        await client.close()

        assert (client._transports, client._idle) == (0, {})


async def test_closing_the_client_while_it_connects_leaves_nothing_open(client: HttpClient) -> None:
    async with serve(always(reply())) as server:
        asking = asyncio.create_task(ask(client, server.url))
        await asyncio.sleep(0)
        await client.close()

        with pytest.raises(HttpCut):
            await asking
        assert client.open_connections == 0
