"""An event loop whose clock jumps to the next thing that is due, so that silence costs no time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import TypeVar

from typing_extensions import override

T = TypeVar("T")


class _Skipper(selectors.DefaultSelector):
    """Never wait: move the clock instead."""

    def __init__(self) -> None:
        super().__init__()
        self.skipped = 0.0

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise AssertionError("every task waits for something that never happens")
        if not ready and timeout is not None:
            self.skipped += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop that tells how much time its tasks would have waited."""

    def __init__(self) -> None:
        self._skipper = _Skipper()
        super().__init__(self._skipper)

    @override
    def time(self) -> float:
        return self._skipper.skipped


def run(main: Coroutine[None, None, T]) -> T:
    """Run to the end in virtual time; no task may be left over."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(_and_check(main))


async def _and_check(main: Coroutine[None, None, T]) -> T:
    result = await main
    # One round for tasks that were cancelled at the very end.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, f"tasks left over: {left}"
    return result
