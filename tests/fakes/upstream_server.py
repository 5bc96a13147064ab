"""The fake upstream's event loop: connections, requests, and the steps of each answer."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from concurrent.futures import Future
from functools import partial
from typing import assert_never

from fakes.upstream_answer import build_answer, find_endpoint
from fakes.upstream_http import HttpPeer, HttpRequest
from fakes.upstream_state import Outcome, SeenRequest, UpstreamState
from fakes.upstream_steps import Cut, Hold, Pause, Send, Step, plan_steps

# Linger on, for zero seconds: closing sends RST instead of FIN.
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class UpstreamServer:
    """Serve one state until told to stop; lives wholly in one loop."""

    def __init__(self, state: UpstreamState) -> None:
        self._state = state
        self._connections: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """End serving; call it in the loop."""
        self._stopping.set()

    async def run(self, listening: Future[int]) -> None:
        """Listen on a free loopback port, report it, and serve until stopped; then drop every connection."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=1024)
        listening.set_result(server.sockets[0].getsockname()[1])
        await self._stopping.wait()
        # Not `server.close()` yet: CPython 3.11 leaks a connection that was accepted but is not attached when its
        # server closes. So stop accepting, let what is on its way arrive (three turns of the loop), and drop it.
        asyncio.get_running_loop().remove_reader(server.sockets[0].fileno())
        for _ in range(10):
            for task in self._connections:
                task.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)
            await asyncio.sleep(0)
        server.close()
        await server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = self._state.connection_made()
        task = asyncio.create_task(self._serve(HttpPeer(reader, writer), writer, number=number))
        self._connections.add(task)
        task.add_done_callback(partial(self._forget, writer))

    def _forget(self, writer: asyncio.StreamWriter, task: asyncio.Task[None]) -> None:
        # A task that is cancelled before its first step never reaches its own clean-up.
        writer.transport.abort()
        self._connections.discard(task)
        self._state.connection_lost(None if task.cancelled() else task.exception())

    async def _serve(self, peer: HttpPeer, writer: asyncio.StreamWriter, *, number: int) -> None:
        # Drained means handed to the kernel: what precedes a reset must not be dropped with our own buffer.
        writer.transport.set_write_buffer_limits(high=0)
        try:
            while request := await peer.next_request():
                if not await self._answer(request, peer=peer, writer=writer, number=number):
                    break
            writer.close()
            await _closed(writer)
        finally:
            writer.transport.abort()
            await _closed(writer)

    async def _answer(self, request: HttpRequest, *, peer: HttpPeer, writer: asyncio.StreamWriter, number: int) -> bool:
        """Answer one request; False when the connection is done for."""
        path, _, query = request.target.partition("?")
        seen = SeenRequest(request.method, path, query, list(request.headers), request.body, number)
        endpoint = find_endpoint(request.method, path)
        reply, gate = self._state.admit(seen, endpoint)
        answer = build_answer(endpoint, headers=dict(request.headers), body=request.body, reply=reply)
        steps = plan_steps(answer, reply, closing=request.asks_to_close())
        outcome = await self._race(steps, peer=peer, writer=writer, gate=gate, seen=seen)
        return outcome == "answered" and not isinstance(steps[-1], Cut)

    async def _race(
        self,
        steps: tuple[Step, ...],
        *,
        peer: HttpPeer,
        writer: asyncio.StreamWriter,
        gate: asyncio.Event,
        seen: SeenRequest,
    ) -> Outcome:
        """Write the answer while the client stays."""
        # Neither, when the test ends first.
        outcome: Outcome = "stopped"
        writing = asyncio.create_task(self._take(steps, writer, gate))
        leaving = asyncio.create_task(peer.left())
        try:
            await asyncio.wait({writing, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if writing.done():
                await writing
                outcome = "answered"
            else:
                await leaving
                outcome = "aborted"
        except ConnectionError:
            outcome = "aborted"
        finally:
            writing.cancel()
            leaving.cancel()
            await asyncio.gather(writing, leaving, return_exceptions=True)
            self._state.settle(seen, outcome)
        return outcome

    async def _take(self, steps: tuple[Step, ...], writer: asyncio.StreamWriter, gate: asyncio.Event) -> None:
        for step in steps:
            match step:
                case Send():
                    writer.write(step.data)
                    await writer.drain()
                case Pause():
                    await asyncio.sleep(step.seconds)
                case Hold():
                    await self._hold(gate)
                case Cut():
                    _cut(writer, step)
                case _:
                    assert_never(step)

    async def _hold(self, gate: asyncio.Event) -> None:
        self._state.hold(1)
        try:
            await gate.wait()
        finally:
            self._state.hold(-1)


def _cut(writer: asyncio.StreamWriter, step: Cut) -> None:
    if step.how == "close":
        writer.close()
        return
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    writer.transport.abort()


async def _closed(writer: asyncio.StreamWriter) -> None:
    # The client may have reset the connection; it is gone either way, which is all we wait for.
    with contextlib.suppress(OSError):
        await writer.wait_closed()
