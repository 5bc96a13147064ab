"""Notice a client that leaves, and stop working for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from starlette.types import Receive

from gateway_core.kernel.units import Seconds

_SILENCE = Seconds(15)


class ClientLeft(Exception):
    """The client closed the connection before its answer was whole."""


class WhileConnected:
    """Run a block only as long as the client is there; raises ClientLeft out of it otherwise.

    `beat` is awaited after every `silence` seconds in which `active` was not called.
    End the block before the last piece of the answer is sent: the server reports a
    finished answer as a disconnect too.
    """

    def __init__(
        self, receive: Receive, *, beat: Callable[[], Awaitable[None]] | None = None, silence: Seconds = _SILENCE
    ) -> None:
        self._receive = receive
        self._beat = beat
        self._silence = silence
        self._left = False
        self._last = 0.0

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        if task is None:
            message = "WhileConnected runs inside a task"
            raise RuntimeError(message)
        self._task = task
        self._last = self._loop.time()
        self._watcher = self._loop.create_task(self._watch() if self._beat is None else self._watch_and_beat())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watcher.cancel()
        if self._left:
            # Ours to take back: nobody else asked this task to stop, unless the count says so.
            still_wanted = self._task.uncancel() <= 0
            if still_wanted and (kind is None or kind is asyncio.CancelledError):
                raise ClientLeft from error

    def active(self) -> None:
        """Say that something was just sent."""
        self._last = self._loop.time()

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._left = True
        self._task.cancel()

    async def _watch_and_beat(self) -> None:
        watcher = self._loop.create_task(self._watch())
        try:
            while not watcher.done():
                due = self._last + self._silence - self._loop.time()
                if due > 0:
                    await asyncio.wait((watcher,), timeout=due)
                elif self._beat is not None:
                    await self._beat()
                    self.active()
        finally:
            watcher.cancel()
