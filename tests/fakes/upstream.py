"""A model provider of our own: real HTTP on loopback, the vendors' wire formats, and faults on request."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Self

from fakes.upstream_reply import FRAMINGS, Reply, ReplyUsage, SseFraming, ToolUse
from fakes.upstream_server import UpstreamServer
from fakes.upstream_state import Answerer, SeenRequest, UpstreamState

__all__ = ["FRAMINGS", "Answerer", "MockUpstream", "Reply", "ReplyUsage", "SeenRequest", "SseFraming", "ToolUse"]


class MockUpstream:
    """Serve OpenAI's and Anthropic's endpoints under any prefix, from a thread of its own, while the block is open.

    Each POST takes the next scripted reply, or the standing one when the script is used up. Replies may be functions
    of the request. A fault of the fake, or of a reply that cannot be, is raised when the block is left.
    """

    def __init__(self) -> None:
        self._state = UpstreamState()
        self._listening: Future[int] = Future()
        self._server: UpstreamServer | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="fake upstream", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._listening.result(timeout=10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._in_loop(self._server.stop)
        self._thread.join(timeout=5)
        if self._thread.is_alive():
            raise RuntimeError("the fake upstream did not stop within five seconds")
        faults = self._state.faults()
        if faults and error is None:
            raise faults[0]

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._listening.result(timeout=0)

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def requests(self) -> list[SeenRequest]:
        """The requests seen so far, oldest first; a request is there once its body was read whole."""
        return self._state.requests()

    @property
    def open_connections(self) -> int:
        """Connections that are open now."""
        return self._state.counts()[0]

    @property
    def connections_made(self) -> int:
        """Connections ever accepted."""
        return self._state.counts()[1]

    @property
    def held(self) -> int:
        """Answers that wait for `release` now."""
        return self._state.counts()[2]

    def script(self, *replies: Reply | Answerer) -> None:
        """Queue replies, one for each POST to come."""
        self._state.script(replies)

    def always(self, reply: Reply | Answerer) -> None:
        """Answer so whenever the queue is empty."""
        self._state.always(reply)

    def answer_models(self, reply: Reply | Answerer) -> None:
        """Answer GET /models so; neither the queue nor `always` reaches it."""
        self._state.answer_models(reply)

    def release(self) -> None:
        """Let go every request seen so far, whether it is on hold already or will be."""
        for gate in self._state.gates():
            self._in_loop(gate.set)

    def reset(self) -> None:
        """Forget requests and replies, and let go what is on hold; connections stay open."""
        self.release()
        self._state.reset()

    def wait_until(self, predicate: Callable[[], object], timeout: float = 5.0) -> None:
        """Wait for a condition; raises TimeoutError with what was seen. In a coroutine, call it in a thread."""
        if not self._state.wait_until(predicate, timeout):
            seen = "; ".join(map(repr, self.requests)) or "no requests"
            raise TimeoutError(f"not true after {timeout} s; {self.open_connections} connections open; {seen}")

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._server = UpstreamServer(self._state)
        await self._server.run(self._listening)

    def _in_loop(self, action: Callable[[], None]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(action)
