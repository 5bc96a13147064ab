"""No request hides in another: what is odd is refused, and what stands behind it is never served."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from fakes.framing import CANARY, CHUNKED, ONE_READING, POST, REFUSED
from unit.ai_gateway.edge.local_server import MOST_HEADER_BYTES, PATIENT, LocalServer, Wire, serving

GET = b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n"
LATE = b"GET /late HTTP/1.1\r\nhost: x\r\n\r\n"
BAD = b"GET /bad HTTP/1.1\r\nhost: u@x\r\n\r\n"


@pytest_asyncio.fixture
async def server() -> AsyncGenerator[LocalServer]:
    """Run a server for one test."""
    async with serving(header_timeout=PATIENT) as running:
        yield running


@pytest_asyncio.fixture
async def wire(server: LocalServer) -> AsyncGenerator[Wire]:
    """Open a connection to it."""
    async with server.connected() as opened:
        yield opened


async def say(wire: Wire, said: bytes, *, apart: bool) -> None:
    for piece in [said[at : at + 1] for at in range(len(said))] if apart else [said]:
        await wire.send(piece)
        # The server shares our loop: it reads each piece by itself.
        await asyncio.sleep(0)


async def until_gone(server: LocalServer) -> int:
    """Ask again and again how many connections there are, and give the last answer."""
    for _ in range(500):
        if not server.connections:
            break
        await asyncio.sleep(0.01)
    return len(server.connections)


@pytest.mark.parametrize("apart", [False, True], ids=["at once", "byte by byte"])
@pytest.mark.parametrize("kind", dict.fromkeys(sample.kind for sample in REFUSED))
async def test_what_can_be_read_in_two_ways_is_refused_and_nothing_behind_it_served(
    server: LocalServer, kind: str, *, apart: bool
) -> None:
    for sample in REFUSED:
        if sample.kind != kind:
            continue
        async with server.connected() as wire:
            await say(wire, sample.text + CANARY, apart=apart)
            status, body = await wire.answer()

            assert (status, await wire.rest(), server.echo.served) == (sample.status, b"", []), sample
            assert set(json.loads(body)) == {"detail"}


@pytest.mark.parametrize("apart", [False, True], ids=["at once", "byte by byte"])
async def test_what_can_be_read_in_one_way_is_read_so_and_the_next_request_is_the_next(
    server: LocalServer, *, apart: bool
) -> None:
    for sample in ONE_READING:
        server.echo.served.clear()
        async with server.connected() as wire:
            await say(wire, sample.text + CANARY, apart=apart)
            answers = [(await wire.answer())[0] for _ in range(2)]

        assert answers == [200, 200], sample
        found = [(each.path, each.body) for each in server.echo.served]
        assert found == [(sample.path, sample.body), ("/canary", b"")], sample


@pytest.mark.parametrize("apart", [False, True])
async def test_headers_behind_a_body_are_no_headers(server: LocalServer, wire: Wire, *, apart: bool) -> None:
    body = b"5\r\nhello\r\n0\r\nauthorization: Bearer x\r\nhost: y\r\n\r\n"
    if apart:
        await wire.send(POST + CHUNKED)
        await wire.send(body)
    else:
        await wire.send(POST + CHUNKED + body)
    assert await wire.answer() == (200, b"/a 5")
    await wire.send(CANARY)
    assert await wire.answer() == (200, b"/canary 0")

    assert [len(each.headers) for each in server.echo.served] == [2, 1]
    assert all(each.headers[0] == (b"host", b"x") for each in server.echo.served)


@pytest.mark.parametrize(
    "noise",
    [
        b"5;%b\r\nhello\r\n0\r\n\r\n" % (b"e" * 5_000),
        b"%b5\r\nhello\r\n0\r\n\r\n" % (b"0" * 5_000),
        b"5\r\nhello\r\n0\r\n" + b"a: b\r\n" * 1_000,
        b"5\r\nhello\r\n0\r\nx: " + b"b" * 5_000,
    ],
    ids=["extension", "zeros", "trailers", "one trailer"],
)
async def test_a_body_with_too_much_around_its_chunks_is_refused(server: LocalServer, wire: Wire, noise: bytes) -> None:
    await wire.send(POST + CHUNKED)
    for at in range(0, len(noise), 500):
        await wire.send(noise[at : at + 500])
        # The server reads each piece by itself, as it would come from afar.
        await asyncio.sleep(0)

    assert (await wire.answer())[0] == 400
    assert await wire.rest() == b""
    assert server.echo.served == []
    assert server.echo.left == 1


async def test_chunks_of_one_byte_are_not_too_much(server: LocalServer, wire: Wire) -> None:
    size = 10 * MOST_HEADER_BYTES
    await wire.send(POST + CHUNKED + b"1;a=b\r\nx\r\n" * size + b"0\r\n\r\n")

    assert await wire.answer() == (200, b"/a %d" % size)
    await wire.send(GET)
    assert await wire.answer() == (200, b"/a 0")


@pytest.mark.parametrize(("count", "status"), [(256, 200), (257, 431), (10_000, 431)])
async def test_no_more_than_256_headers_are_read(count: int, status: int) -> None:
    # So short, and with so much room, that their number is what counts.
    async with serving(header_timeout=PATIENT, max_header_bytes=65_536) as server, server.connected() as wire:
        await wire.send(b"GET /a HTTP/1.1\r\nhost: x\r\n" + b"a:\r\n" * (count - 1) + b"\r\n" + CANARY)

        assert (await wire.answer())[0] == status
        assert server.echo.paths == (["/a", "/canary"] if status == 200 else [])


@pytest.mark.parametrize(("target", "status"), [(b"/a", 400), (b"/v2/completions", 401)])
async def test_a_path_in_the_host_ends_the_connection(
    target: bytes, status: int, *, server: LocalServer, wire: Wire
) -> None:
    await wire.send(b"POST " + target + b" HTTP/1.1\r\nhost: x/y\r\ncontent-length: 0\r\n\r\n" + CANARY)

    assert (await wire.answer())[0] == status
    assert await wire.rest() == b""
    assert server.echo.served == []


@pytest.mark.parametrize("bad", [BAD, b"\x00", b"GET /b HTTP/1.1\r\nhost: x\r\ny: " + b"y" * 2 * MOST_HEADER_BYTES])
@pytest.mark.parametrize("first", [LATE, LATE + GET], ids=["one before", "two before"])
async def test_a_refusal_waits_for_the_answers_before_it(
    server: LocalServer, wire: Wire, bad: bytes, first: bytes
) -> None:
    await wire.send(first + bad + CANARY)
    async with server.connected() as other:
        await other.send(GET)
        assert await other.answer() == (200, b"/a 0")
    server.echo.leave.set()

    assert await wire.answer() == (200, b"/late 0")
    if first != LATE:
        assert await wire.answer() == (200, b"/a 0")
    assert (await wire.answer())[0] in {400, 431}
    assert await wire.rest() == b""
    assert "/canary" not in server.echo.paths


async def test_a_head_that_is_late_behind_an_answer_that_is_due_does_not_cut_it() -> None:
    async with serving() as server, server.connected() as wire:
        await wire.send(LATE + GET[:-2])
        async with server.connected() as younger:
            # It says nothing and is closed, so the older one's head is late too by now.
            assert await younger.rest() == b""
        server.echo.leave.set()

        assert await wire.answer() == (200, b"/late 0")
        assert (await wire.answer())[0] == 408
        assert await wire.rest() == b""


async def test_a_head_is_not_late_while_the_server_does_not_read() -> None:
    async with serving() as server, server.connected() as wire:
        await wire.send(LATE)
        async with server.connected() as other:
            await other.send(GET)
            assert await other.answer() == (200, b"/a 0")
        # With a second request in the queue the server reads no further.
        await wire.send(GET + GET[:-2])
        async with server.connected() as younger:
            assert await younger.rest() == b""
        await wire.send(GET[-2:])
        server.echo.leave.set()

        assert [await wire.answer() for _ in range(3)] == [(200, b"/late 0"), (200, b"/a 0"), (200, b"/a 0")]


async def test_a_broken_body_behind_an_answer_that_is_due_is_refused_in_its_turn(
    server: LocalServer, wire: Wire
) -> None:
    await wire.send(LATE + POST + CHUNKED + b"zz\r\n" + CANARY)
    async with server.connected() as other:
        await other.send(GET)
        assert await other.answer() == (200, b"/a 0")
    server.echo.leave.set()

    assert await wire.answer() == (200, b"/late 0")
    assert (await wire.answer())[0] == 400
    assert await wire.rest() == b""
    assert server.echo.paths == ["/late", "/a"]


async def test_a_broken_body_that_was_answered_already_gets_no_second_answer(server: LocalServer, wire: Wire) -> None:
    await wire.send(b"POST /early HTTP/1.1\r\nhost: x\r\n" + CHUNKED)
    assert await wire.answer() == (200, b"early")

    await wire.send(b"zz\r\n" + CANARY)

    assert await wire.rest() == b""
    assert server.echo.paths == ["/early"]


async def test_many_wishes_for_another_protocol_at_once_are_many_requests(server: LocalServer, wire: Wire) -> None:
    wish = b"GET /a HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"
    count = 1_500

    sending = asyncio.create_task(wire.send(wish * count))
    answers = [await wire.answer() for _ in range(count)]
    await sending

    assert answers == [(200, b"/a 0")] * count


async def test_a_client_of_http_1_0_is_not_told_to_go_on(wire: Wire) -> None:
    await wire.send(b"POST /a HTTP/1.0\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\nhello")

    assert await wire.answer() == (200, b"/a 5")


async def test_a_client_that_still_sends_reads_why_it_was_refused(wire: Wire) -> None:
    await wire.send(BAD + b"x" * 3_000_000)

    assert (await wire.answer())[0] == 400
    assert await wire.rest() == b""


async def test_a_refused_connection_is_closed_even_if_the_client_keeps_it_open(server: LocalServer, wire: Wire) -> None:
    await wire.send(BAD)
    assert (await wire.answer())[0] == 400

    # The server's side is shut at once; its last handle on the connection goes a little later.
    assert await wire.rest() == b""
    assert await until_gone(server) == 0
