"""Where a known request was once served otherwise than a parsed one."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Receive, Scope, Send

from ai_gateway.edge.cycle import cycle_of
from ai_gateway.edge.known_heads import KnownHeads
from unit.ai_gateway.edge import virtual_time
from unit.ai_gateway.edge.memory_line import KEEP_ALIVE, Forgetful, MemoryLine, Recorder, settle

A_LITTLE = 0.1


def post(size: int, path: bytes) -> bytes:
    return b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % (path, size) + b"b" * size


async def learn(heads: KnownHeads, path: bytes) -> None:
    app = Recorder()
    app.leave.set()
    line = MemoryLine(app, heads)
    await line.say(post(3, path))
    await line.close()


@pytest.mark.parametrize("heads", [Forgetful, KnownHeads])
@pytest.mark.parametrize("apart", [False, True])
def test_a_blank_line_behind_the_first_request_does_not_cut_its_answer(heads: type[KnownHeads], *, apart: bool) -> None:
    known = heads()

    async def wait() -> None:
        await learn(known, b"/late")
        app = Recorder()
        line = MemoryLine(app, known)
        await line.say(*([post(3, b"/late"), b"\r\n"] if apart else [post(3, b"/late") + b"\r\n"]))
        await asyncio.sleep(2 * line.protocol.header_timeout)
        assert not line.transport.is_closing()
        app.leave.set()
        await settle()
        assert line.take().startswith(b"HTTP/1.1 200")
        await line.close()

    virtual_time.run(wait())


@pytest.mark.parametrize("heads", [Forgetful, KnownHeads])
def test_a_body_that_still_comes_behind_its_answer_keeps_the_connection(heads: type[KnownHeads]) -> None:
    known = heads()

    async def send() -> None:
        await learn(known, b"/early")
        line = MemoryLine(Recorder(), known)
        await line.say(post(10, b"/early")[:-10])
        for _ in range(10):
            await asyncio.sleep(KEEP_ALIVE - A_LITTLE)
            assert not line.transport.is_closing()
            await line.say(b"b")
        await asyncio.sleep(KEEP_ALIVE - A_LITTLE)
        assert not line.transport.is_closing()
        await asyncio.sleep(2 * A_LITTLE)
        assert line.transport.is_closing()
        await line.close()

    virtual_time.run(send())


async def test_no_scope_shares_anything_with_the_next() -> None:
    app = Recorder()
    line = MemoryLine(app)
    await line.say(post(0, b"/a"), post(0, b"/a"))
    app.scopes[1]["asgi"]["version"] = "changed"
    await line.say(post(0, b"/a"))
    await line.close()

    assert app.scopes[2]["asgi"] == {"version": "3.0", "spec_version": "2.3"}


async def test_a_known_head_does_not_show_what_it_holds() -> None:
    data = b"POST /a HTTP/1.1\r\nhost: x\r\nauthorization: Bearer hidden\r\ncontent-length: 0\r\n\r\n"
    heads = KnownHeads()
    line = MemoryLine(Recorder(), heads)
    await line.say(data)
    await line.close()

    assert heads.find(data) is not None
    assert "hidden" not in repr(heads.find(data))


async def test_an_answer_ends_once() -> None:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        cycle = cycle_of(send)
        assert cycle is not None
        cycle.respond(200, [], b"x")
        with pytest.raises(RuntimeError, match="begun in pieces"):
            cycle.end()

    line = MemoryLine(app)
    await line.say(post(0, b"/a"))

    assert line.take().endswith(b"x")
    await line.close()
