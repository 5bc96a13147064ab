"""A pump over a connection of which only the reader is real, and a cup under it."""

from __future__ import annotations

import asyncio
from typing import Literal

from fakes.http_wire import DEADLINES, Wire
from fakes.raw_server import until
from gateway_core.http_client import Deadlines, HttpResponse
from gateway_core.http_client.exchange import Exchange
from gateway_core.kernel.units import Seconds

Framing = Literal["length", "chunked", "close"]

LATE = Seconds(20)
PATIENT = Deadlines(connect=LATE, first_byte=LATE, idle=LATE, total=None)
OK = b"HTTP/1.1 200 OK\r\n"
BEGUN = OK + b"content-length: 1000000\r\n\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"


def frame(body: bytes, how: Framing) -> bytes:
    """Write an answer."""
    match how:
        case "length":
            return OK + b"content-length: %d\r\n\r\n%b" % (len(body), body)
        case "chunked":
            parts = [body[at : at + 7] for at in range(0, len(body), 7)]
            chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
            return CHUNKED + chunks + b"0\r\nx-sum: 1\r\n\r\n"
        case "close":
            return OK + b"\r\n" + body


class Cup:
    """Takes what is pumped; full after each `room` pieces until it is emptied, by itself unless it is `held`."""

    def __init__(self, *, room: int = 0, held: bool = False) -> None:
        self.taken: list[bytes] = []
        self.full = False
        self.waits = 0
        self._room = room
        self._held = held
        self._emptied = asyncio.Event()

    def sink(self, piece: bytes) -> bool:
        """Take a piece, and tell whether there is room for more."""
        assert piece
        assert not self.full
        self.taken.append(piece)
        self.full = self._room > 0 and len(self.taken) % self._room == 0
        return not self.full

    async def ready(self) -> None:
        """Wait until there is room."""
        self.waits += 1
        if self._held:
            await self._emptied.wait()
            self._emptied.clear()
        else:
            await turn()
        self.full = False

    def empty(self) -> None:
        """Make room."""
        self._emptied.set()


class Pumping:
    """A connection of which only the reader is real, and a cup under it."""

    def __init__(self, cup: Cup) -> None:
        self.wire = Wire()
        self.cup = cup
        due = self.wire.loop.now + (DEADLINES.total or 0.0)
        loop = asyncio.get_running_loop()
        self.exchange = Exchange(loop, DEADLINES, where="a.test:80", total_due=due, without_body=False)
        self.wire.connection.start(self.exchange, head=b"HEAD\r\n\r\n", body=b"")
        self.task: asyncio.Task[None] | None = None

    async def hear(self, data: bytes) -> None:
        """Let these bytes arrive as soon as the connection reads; the first that end the head begin the pump."""
        await until(lambda: self.wire.transport.reading)
        self.wire.hear(data)
        if self.exchange.status and self.task is None:
            response = HttpResponse(self.exchange, decoder=None)
            self.task = asyncio.create_task(response.pump(self.cup.sink, ready=self.cup.ready))

    async def end(self) -> None:
        """Wait until all is pumped; raises what the pump raises."""
        assert self.task is not None
        await asyncio.wait_for(self.task, 20)


async def turn() -> None:
    """Let everybody do what they have to do now."""
    for _ in range(5):
        await asyncio.sleep(0)


async def begun(cup: Cup, *said: bytes) -> Pumping:
    """Give a pump that has nothing to do for now; what is said after the head comes piece by piece."""
    pumping = Pumping(cup)
    for piece in said or (BEGUN,):
        await pumping.hear(piece)
        await turn()
    return pumping
