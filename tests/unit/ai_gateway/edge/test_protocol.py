"""A client may neither take its time for the head of a request nor send one without end."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from ai_gateway.edge.protocol import GatewayProtocol
from gateway_core.kernel.units import Seconds
from unit.ai_gateway.edge.local_server import MOST_HEADER_BYTES, LocalServer, Wire, serving

GET = b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n"
# What the limit counts of a head: the target, and each name and value with four bytes between and behind them.
_COUNTED = len("/a") + len("host") + len("x") + 4 + len("x-fill") + 4


@pytest_asyncio.fixture
async def server() -> AsyncGenerator[LocalServer]:
    """Run a server for one test."""
    async with serving() as running:
        yield running


@pytest_asyncio.fixture
async def wire(server: LocalServer) -> AsyncGenerator[Wire]:
    """Open a connection to it."""
    async with server.connected() as opened:
        yield opened


def post(size: int, path: bytes = b"/a") -> bytes:
    """Write a request with a body of this size."""
    return b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % (path, size) + b"b" * size


async def refusal(wire: Wire) -> tuple[int, str]:
    """Read a refusal, after which the server must close the connection."""
    status, body = await wire.answer()
    assert await wire.rest() == b""
    return status, json.loads(body)["detail"]


async def test_requests_on_one_connection_are_answered_one_after_the_other(wire: Wire) -> None:
    for path, size in ((b"/a", 0), (b"/b", 10), (b"/c", 300_000)):
        await wire.send(post(size, path))
        assert await wire.answer() == (200, b"%b %d" % (path, size))


async def test_a_head_in_pieces_is_put_together(wire: Wire) -> None:
    for byte in GET:
        await wire.send(bytes([byte]))

    assert await wire.answer() == (200, b"/a 0")


@pytest.mark.parametrize(("more", "status"), [(0, 200), (1, 431)])
async def test_the_limit_of_a_head_is_exact(wire: Wire, more: int, status: int) -> None:
    fill = b"f" * (MOST_HEADER_BYTES - _COUNTED + more)
    await wire.send(b"GET /a HTTP/1.1\r\nhost: x\r\nx-fill: %b\r\n\r\n" % fill)

    assert (await wire.answer())[0] == status


@pytest.mark.parametrize(
    "head",
    [
        b"GET /a HTTP/1.1\r\nx-large: %b\r\n\r\n" % (b"x" * 1_000),
        b"GET /a HTTP/1.1\r\n%b\r\n" % (b"a: b\r\n" * 200),
        b"GET /%b HTTP/1.1\r\n\r\n" % (b"x" * 1_000),
        b"GET /?%b HTTP/1.1\r\n\r\n" % (b"x" * 1_000),
        # These never end.
        b"GET /a HTTP/1.1\r\nx-large: " + b"x" * 1_000,
        b"GET /" + b"x" * 1_000,
        b"GET /a HTTP/1.1\r\n" + b"a: b\r\n" * 200,
    ],
)
async def test_a_head_that_is_too_large_is_refused(server: LocalServer, wire: Wire, head: bytes) -> None:
    await wire.send(head)

    assert await refusal(wire) == (431, "The request headers are too large.")
    assert server.echo.paths == []


async def test_a_body_behind_a_head_that_is_too_large_is_not_read(server: LocalServer, wire: Wire) -> None:
    await wire.send(b"POST /a HTTP/1.1\r\ncontent-length: 5\r\nx: %b\r\n\r\nhello" % (b"x" * 1_000))

    assert (await refusal(wire))[0] == 431
    assert server.echo.paths == []


async def test_a_request_behind_a_head_that_is_too_large_is_not_served(server: LocalServer, wire: Wire) -> None:
    await wire.send(b"GET /a HTTP/1.1\r\nx: %b\r\n\r\n" % (b"x" * 1_000) + GET)

    assert (await refusal(wire))[0] == 431
    assert server.echo.paths == []


async def test_a_large_head_on_a_used_connection_is_refused_too(wire: Wire) -> None:
    await wire.send(GET)
    assert await wire.answer() == (200, b"/a 0")

    await wire.send(b"GET /b HTTP/1.1\r\nx: " + b"x" * 1_000)

    assert (await refusal(wire))[0] == 431


async def test_a_head_that_does_not_arrive_in_time_is_refused(server: LocalServer, wire: Wire) -> None:
    await wire.send(GET[:-2])

    assert await refusal(wire) == (408, "The request headers did not arrive in time.")
    assert server.echo.paths == []


async def test_a_slow_head_on_a_used_connection_is_refused_too(wire: Wire) -> None:
    await wire.send(GET)
    assert await wire.answer() == (200, b"/a 0")

    await wire.send(GET[:-2])

    assert (await refusal(wire))[0] == 408


async def test_a_connection_that_asks_for_nothing_is_closed_without_a_word(wire: Wire) -> None:
    assert await wire.rest() == b""


async def test_a_connection_that_waits_for_its_next_request_is_left_open(server: LocalServer, wire: Wire) -> None:
    await wire.send(GET)
    assert await wire.answer() == (200, b"/a 0")

    # A younger connection runs into the limit, so the older one would have done so by now.
    async with server.connected() as younger:
        assert await younger.rest() == b""
    await wire.send(GET)

    assert await wire.answer() == (200, b"/a 0")


async def test_a_body_may_take_longer_than_a_head(server: LocalServer, wire: Wire) -> None:
    request = post(10)
    await wire.send(request[:-5])

    async with server.connected() as younger:
        assert await younger.rest() == b""
    await wire.send(request[-5:])

    assert await wire.answer() == (200, b"/a 10")


async def test_requests_sent_at_once_are_all_answered(wire: Wire) -> None:
    await wire.send(post(5, b"/a") + post(0, b"/b") + post(7, b"/c"))

    assert [await wire.answer() for _ in range(3)] == [(200, b"/a 5"), (200, b"/b 0"), (200, b"/c 7")]


async def test_a_body_is_not_counted_as_part_of_the_next_head(wire: Wire) -> None:
    await wire.send(post(2_000, b"/a") + GET[:10])
    assert await wire.answer() == (200, b"/a 2000")

    await wire.send(GET[10:])

    assert await wire.answer() == (200, b"/a 0")


async def test_what_is_no_http_is_refused_by_the_server(server: LocalServer, wire: Wire) -> None:
    await wire.send(b"\x16\x03\x01 this is TLS\r\n\r\n")

    status, _ = await wire.answer()
    assert status == 400
    assert await wire.rest() == b""
    assert server.echo.paths == []


def test_limits_stand_on_the_class_that_the_server_makes_protocols_of() -> None:
    class Own(GatewayProtocol):
        """Limits of this test alone."""

    Own.limit(header_timeout=Seconds(3), max_header_bytes=7)

    assert (Own.header_timeout, Own.max_header_bytes) == (Seconds(3), 7)
    assert (GatewayProtocol.header_timeout, GatewayProtocol.max_header_bytes) == (Seconds(10), 65_536)


@pytest.mark.parametrize("protocol", ["h2c", "websocket", "foo"])
@pytest.mark.parametrize("apart", [False, True])
async def test_a_wish_for_another_protocol_is_ignored_and_its_body_is_no_request(
    server: LocalServer, wire: Wire, protocol: str, *, apart: bool
) -> None:
    smuggled = b"GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n"
    head = b"POST /a HTTP/1.1\r\nhost: x\r\nconnection: Upgrade, HTTP2-Settings\r\nupgrade: %b\r\n"
    head = head % protocol.encode() + b"http2-settings: AAMAAABk\r\ncontent-length: %d\r\n\r\n" % len(smuggled)

    if apart:
        await wire.send(head)
        await wire.send(smuggled)
    else:
        await wire.send(head + smuggled)

    assert await wire.answer() == (200, b"/a %d" % len(smuggled))
    await wire.send(GET)
    assert await wire.answer() == (200, b"/a 0")
    assert server.echo.paths == ["/a", "/a"]


async def test_a_wish_for_another_protocol_may_come_in_pieces_and_close_the_connection(wire: Wire) -> None:
    head = b"GET /a HTTP/1.1\r\nhost: x\r\nconnection: upgrade, close\r\nupgrade: h2c\r\n\r\n"
    for at in range(0, len(head), 7):
        await wire.send(head[at : at + 7])

    assert await wire.answer() == (200, b"/a 0")
    assert await wire.rest() == b""


async def test_a_tunnel_is_refused(server: LocalServer, wire: Wire) -> None:
    await wire.send(b"CONNECT example.test:443 HTTP/1.1\r\nhost: example.test:443\r\n\r\n")

    status, _ = await wire.answer()
    assert status == 400
    assert await wire.rest() == b""
    assert server.echo.paths == []
