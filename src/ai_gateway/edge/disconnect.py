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
        self._timer: asyncio.TimerHandle | None = None
        self._beating: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        if task is None:
            message = "WhileConnected runs inside a task"
            raise RuntimeError(message)
        self._task = task
        self._watcher = self._loop.create_task(self._watch())
        if self._beat is not None:
            self._last = self._loop.time()
            self._timer = self._loop.call_later(self._silence, self._listen)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watcher.cancel()
        if self._timer is not None:
            self._timer.cancel()
        if self._beating is not None:
            self._beating.cancel()
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

    def _listen(self) -> None:
        """Beat when it has been silent for long enough, and look again when it may be so next."""
        now = self._loop.time()
        if now - self._last >= self._silence:
            self._last = now
            if self._beat is not None and (self._beating is None or self._beating.done()):
                self._beating = self._loop.create_task(_run(self._beat))
        self._timer = self._loop.call_at(self._last + self._silence, self._listen)


async def _run(beat: Callable[[], Awaitable[None]]) -> None:
    await beat()
