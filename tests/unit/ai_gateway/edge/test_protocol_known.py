"""A request whose head was read before is served as if it were read again, whatever stands around it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_gateway.edge.known_heads import HEADERS, KnownHeads
from ai_gateway.edge.presence import LINE
from unit.ai_gateway.edge import virtual_time
from unit.ai_gateway.edge.local_server import PATIENT, serving
from unit.ai_gateway.edge.memory_line import KEEP_ALIVE, Forgetful, MemoryLine, Recorder, answers_in, meaning, settle

SIZES = [0, 1, 70_000]
CANARY = b"GET /canary HTTP/1.1\r\nhost: x\r\n\r\n"
CHUNKED = b"POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
A_LITTLE = 0.1


def head(path: bytes, size: int) -> bytes:
    return b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nX-A: b\r\n\r\n" % (path, size)


def post(size: int, path: bytes = b"/a") -> bytes:
    """Write a request, with a body in which each byte differs from its neighbours."""
    return head(path, size) + (bytes(range(256)) * (size // 256 + 1))[:size]


def answer(request: bytes) -> tuple[int, bytes]:
    """Tell how a request with a length is answered."""
    said, _, body = request.partition(b"\r\n\r\n")
    path = said.split(b" ")[1]
    body = b"" if path == b"/early" else body
    return 200, b"POST %b %d %d" % (path, len(body), crc32(body))


@asynccontextmanager
async def opened(*learnt: bytes, path: bytes = b"/a") -> AsyncGenerator[tuple[Recorder, MemoryLine]]:
    """Open a connection on which heads with this path have been read; nothing of it is left in what was recorded."""
    heads, app = KnownHeads(), Recorder()
    app.leave.set()
    line = MemoryLine(app, heads)
    for request in learnt or (post(3, path),):
        await line.say(request)
        assert answers_in(line.take())[0][0] == 200
        assert heads.find(request) is not None
    app.scopes.clear()
    app.bodies.clear()
    app.leave.clear()
    yield app, line
    await line.close()


def known(app: Recorder) -> list[bool]:
    """Tell of each request whether its head was looked up."""
    return [HEADERS in scope for scope in app.scopes]


@pytest.mark.parametrize("size", SIZES)
async def test_the_second_of_a_kind_is_known_and_has_the_same_answer_and_scope(size: int) -> None:
    app, request = Recorder(), post(size)
    line = MemoryLine(app)
    await line.say(request)
    first = line.take()
    await line.say(request)
    second = line.take()
    await line.close()

    assert second == first
    assert answers_in(first) == [answer(request)]
    assert app.bodies == [request.partition(b"\r\n\r\n")[2]] * 2
    assert known(app) == [False, True]
    assert meaning(app.scopes[1]) == meaning(app.scopes[0])
    assert [scope[LINE] for scope in app.scopes] == [line.protocol] * 2
    assert app.scopes[0]["state"] is not app.scopes[1]["state"]


@pytest.mark.parametrize("size", SIZES)
async def test_a_known_request_may_be_cut_anywhere(size: int) -> None:
    request = post(size)
    ends = len(request) - size
    async with opened() as (app, line):
        for at in [*range(1, min(ends + 3, len(request))), *range(ends + 1, len(request), 9_999), len(request) - 1]:
            await line.say(request[:at], request[at:])

            assert answers_in(line.take()) == [answer(request)], at
            assert known(app) == [at >= ends], at
            assert app.bodies == [request[ends:]], at
            app.scopes.clear()
            app.bodies.clear()


@pytest.mark.parametrize("size", [0, 1, 700])
async def test_a_known_request_may_come_byte_by_byte(size: int) -> None:
    request = post(size)
    ends = len(request) - size
    async with opened() as (app, line):
        for start in (1, ends):
            await line.say(request[:start], *(request[at : at + 1] for at in range(start, len(request))))
            assert answers_in(line.take()) == [answer(request)]
        assert known(app) == [False, True]
        assert app.bodies == [request[ends:]] * 2


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("count", [2, 7])
async def test_known_requests_in_one_piece_are_answered_one_after_the_other(size: int, count: int) -> None:
    async with opened() as (app, line):
        await line.say(post(size) * count)
        # What is behind the first is served in its turn, and then the next is the first of its piece again.
        await line.say(post(size))

        assert answers_in(line.take()) == [answer(post(size))] * (count + 1)
        assert known(app) == [True] + [False] * (count - 1) + [True]


async def test_a_request_behind_one_that_is_not_answered_waits_for_it() -> None:
    async with opened(post(0), post(0, b"/late")) as (app, line):
        await line.say(post(3, b"/late"), post(0), post(2))
        assert (line.take(), len(app.scopes)) == (b"", 1)
        app.leave.set()
        await settle()

        assert answers_in(line.take()) == [answer(each) for each in (post(3, b"/late"), post(0), post(2))]


POOL = [post(0), post(1), post(300), post(2, b"/b"), CANARY, CHUNKED, post(40, b"/early"), post(0, b"/early")]
BROKEN = [
    b"POST /a HTTP/1.1\nhost: x\r\n\r\n",
    b"\r\n",
    b"\x16\x03\x01",
    head(b"/a", 5) + b"abc",
    b"P",
    head(b"/a", 5)[:-2],
]


@given(
    st.lists(st.sampled_from(POOL), min_size=1, max_size=6),
    st.sampled_from([b"", *BROKEN]),
    st.lists(st.floats(0, 1), max_size=8),
)
def test_whoever_knows_heads_answers_as_one_who_parses_them_all(
    requests: list[bytes], last: bytes, cuts: Sequence[float]
) -> None:
    said = b"".join(requests) + last + b"".join(requests)
    ends = [0, *sorted({int(cut * len(said)) for cut in cuts} - {0}), len(said)]
    pieces = [said[at:upto] for at, upto in pairwise(ends) if at < upto]

    async def answered(heads: KnownHeads) -> tuple[bytes, bool, list[bytes]]:
        app = Recorder()
        line = MemoryLine(app, heads)
        await line.say(*pieces)
        end = line.take(), line.transport.ended, app.bodies
        await line.close()
        return end

    heads = KnownHeads()
    first, second = (virtual_time.run(answered(heads)) for _ in range(2))

    assert first == second == virtual_time.run(answered(Forgetful()))


@pytest.mark.parametrize("path", [b"/a", b"/early"])
@pytest.mark.parametrize("inside", [CANARY, post(0), head(b"/early", 9), post(2) + CANARY])
@pytest.mark.parametrize("apart", ["at once", "behind the head", "byte by byte"])
@pytest.mark.parametrize("is_known", [False, True])
async def test_a_request_in_a_body_is_no_request(path: bytes, inside: bytes, apart: str, *, is_known: bool) -> None:
    said = head(path, len(inside))
    if not is_known:
        # In another spelling: it is parsed, and what is in it is known all the same.
        said = said.replace(b"X-A", b"X-a")
    async with opened(post(0), post(0, b"/early")) as (app, line):
        if apart == "at once":
            await line.say(said + inside)
        elif apart == "behind the head":
            await line.say(said, inside)
        else:
            await line.say(said, *(inside[at : at + 1] for at in range(len(inside))))
        assert answers_in(line.take()) == [answer(said + inside)]
        await line.say(post(1))

        assert answers_in(line.take()) == [answer(post(1))]
        assert [scope["path"] for scope in app.scopes] == [path.decode(), "/a"]
        assert known(app)[0] == is_known
        assert app.bodies == [b"" if path == b"/early" else inside, post(1)[-1:]]


@pytest.mark.parametrize("begun", [b"P", b"POST ", head(b"/a", 0)[:-9], head(b"/a", 0)[:-2]])
@pytest.mark.parametrize("behind", [post(3), CANARY, CHUNKED])
async def test_a_known_head_within_another_is_none(begun: bytes, behind: bytes) -> None:
    async with opened() as (app, line):
        await line.say(behind + begun, post(0), CANARY)

        assert [each[0] for each in answers_in(line.take())] == [200, 400]
        assert len(app.scopes) == 1
        assert line.transport.ended


async def test_a_body_that_is_longer_than_told_is_the_next_request() -> None:
    async with opened() as (app, line):
        await line.say(head(b"/a", 5) + b"hello" + CANARY)
        assert [each[1].split(b" ")[1] for each in answers_in(line.take())] == [b"/a", b"/canary"]
        await line.say(head(b"/a", 5) + b"hellox")
        await line.say(CANARY)

        # The letter stands before the method of the next, which is none then.
        assert [each[0] for each in answers_in(line.take())] == [200, 400]
        assert [scope["path"] for scope in app.scopes] == ["/a", "/canary", "/a"]
        assert line.transport.ended


@pytest.mark.parametrize(
    "bad",
    [
        b"GET /a HTTP/1.1\nhost: x\r\n\r\n",
        b"GET /a HTTP/1.1\r\nhost: x\n\n",
        b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\nhello",
        b"\x16\x03\x01 garbage",
        head(b"/a", 5).replace(b"X-A: b", b"X-A: b\r\nContent-Length: 6"),
        head(b"/a", 5).replace(b"Length: 5", b"Length: +5"),
        head(b"/a", 5).replace(b"X-A: b", b"X-A: b\nX-B: c"),
        head(b"/a", 5).replace(b"X-A: b", b"Transfer-Encoding: chunked"),
        head(b"/a", 5).replace(b"Host", b" Host"),
        head(b"/a", 5).replace(b"X-A: b", b"Host: y"),
        head(b"/a", 5).replace(b"HTTP/1.1", b"HTTP/1.2"),
    ],
)
@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("size", [0, 3])
async def test_what_is_refused_is_refused_behind_a_known_request_too(bad: bytes, *, apart: bool, size: int) -> None:
    async with opened() as (app, line):
        pieces = [post(size), bad + CANARY] if apart else [post(size) + bad + CANARY]
        await line.say(*pieces, CANARY)

        assert [each[0] for each in answers_in(line.take())] in ([200, 400], [200, 505])
        assert len(app.scopes) == 1
        assert line.transport.ended


@pytest.mark.parametrize("said", [head(b"/late", 5), head(b"/late", 5) + b"he", post(5, b"/late")])
@pytest.mark.parametrize("pieces", [1, 2])
async def test_a_client_that_leaves_is_told_to_whoever_serves_it(said: bytes, pieces: int) -> None:
    async with opened(path=b"/late") as (app, line):
        at = len(said) - 2 if pieces == 2 and len(said) > len(head(b"/late", 5)) else len(said)
        await line.say(*(piece for piece in (said[:at], said[at:]) if piece))
        told: list[str] = []
        line.protocol.on_lost = lambda: told.append("lost")
        assert known(app) == [True]
        line.leave()
        await settle()

        assert told == ["lost"]
        assert app.left == (said != post(5, b"/late"))
        app.leave.set()
        await settle()
        assert line.take() == b""


async def test_nothing_more_is_read_of_a_long_body_than_is_asked_for() -> None:
    async with opened(path=b"/early") as (_, line):
        # Nobody reads it, and nobody will: it may all come.
        await line.say(head(b"/early", 200_000), b"b" * 100_000, b"b" * 100_000)
        assert line.transport.is_reading()
        assert answers_in(line.take()) == [answer(head(b"/early", 200_000))]

        # The task that would read it has not run yet.
        line.protocol.data_received(head(b"/early", 100_000) + b"b" * 70_000)
        assert not line.transport.is_reading()
        await settle()
        assert line.transport.is_reading()
        await line.say(b"b" * 30_000, post(1, b"/early"))
        assert [each[0] for each in answers_in(line.take())] == [200, 200]


def resting(*said: bytes) -> None:
    """Say these, a moment before a connection that rests is closed, and look at when it is."""

    async def rest() -> None:
        async with opened() as (_, line):
            for request in said:
                await asyncio.sleep(KEEP_ALIVE - A_LITTLE)
                assert not line.transport.is_closing()
                await line.say(request)
                assert answers_in(line.take()) == [answer(request)]
            await asyncio.sleep(KEEP_ALIVE - A_LITTLE)
            assert not line.transport.is_closing()
            await asyncio.sleep(2 * A_LITTLE)
            assert line.transport.is_closing()
            assert line.take() == b""

    virtual_time.run(rest())


@pytest.mark.parametrize("said", [[], [post(0)], [post(3)], [post(3), post(0), post(3)]], ids=len)
def test_a_connection_that_rests_behind_a_known_request_is_closed_in_time(said: list[bytes]) -> None:
    resting(*said)


@pytest.mark.parametrize("pause", [0, KEEP_ALIVE - A_LITTLE])
@pytest.mark.parametrize("whole", [False, True])
def test_a_connection_in_use_is_not_closed(pause: float, *, whole: bool) -> None:
    request = post(3, b"/late")

    async def use() -> None:
        async with opened(path=b"/late") as (app, line):
            await asyncio.sleep(pause)
            await line.say(request if whole else request[:-1])
            await asyncio.sleep(4 * KEEP_ALIVE)
            assert not line.transport.is_closing()
            app.leave.set()
            await line.say(b"" if whole else request[-1:])
            assert answers_in(line.take()) == [answer(request)]
            await asyncio.sleep(KEEP_ALIVE - A_LITTLE)
            assert not line.transport.is_closing()
            await asyncio.sleep(2 * A_LITTLE)
            assert line.transport.is_closing()

    virtual_time.run(use())


@pytest.mark.parametrize(("behind", "status"), [(b"", []), (head(b"/a", 3)[:-1], [408]), (b"P", [408])])
def test_a_known_first_request_of_a_connection_has_all_its_time(behind: bytes, status: list[int]) -> None:
    heads = KnownHeads()

    async def wait() -> None:
        app, request = Recorder(), post(3, b"/late")
        app.leave.set()
        before = MemoryLine(app, heads)
        await before.say(request)
        await before.close()
        app.leave.clear()
        line = MemoryLine(app, heads)
        await line.say(request + behind)
        await asyncio.sleep(3 * line.protocol.header_timeout)
        assert known(app) == [False, True]
        assert not line.transport.is_closing()
        app.leave.set()
        await settle()
        first, *others = answers_in(line.take())
        assert first == answer(request)
        assert [each[0] for each in others] == status
        await line.close()

    virtual_time.run(wait())


@pytest.mark.parametrize("cut", [0, 2, 3])
async def test_a_server_that_shuts_down_closes_what_rests_and_ends_what_is_in_hand(cut: int) -> None:
    request = post(2, b"/late")
    async with opened(path=b"/late") as (app, line):
        app.leave.set()
        if cut < 3:
            await line.say(request[: len(request) - cut])
        if cut:
            line.protocol.shutdown()
        assert line.transport.is_closing() == (cut == 3)
        if cut == 2:
            await line.say(request[-2:])
            written = line.take()
            assert answers_in(written) == [answer(request)]
            assert b"\r\nconnection: close\r\n" in written
        elif not cut:
            line.protocol.shutdown()
        assert line.transport.is_closing()


async def test_a_real_connection_serves_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ai_gateway.edge.protocol.GatewayProtocol.known_heads", KnownHeads())
    async with serving(header_timeout=PATIENT) as server:
        for _ in range(2):
            async with server.connected() as wire:
                for size in SIZES:
                    await wire.send(post(size))
                    assert await wire.answer() == (200, b"/a %d" % size)
        assert [each.body for each in server.echo.served] == [
            post(size)[len(head(b"/a", size)) :] for size in SIZES
        ] * 2
