from __future__ import annotations

import asyncio
import threading

import pytest

from gateway_core.kernel.apart import do_apart


async def test_the_loop_goes_on_while_work_is_done() -> None:
    loop, asked, answered = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def work() -> str:
        loop.call_soon_threadsafe(asked.set)
        assert answered.wait(10)
        return threading.current_thread().name

    doing = asyncio.create_task(do_apart(work))
    await asked.wait()
    answered.set()

    assert await doing != threading.current_thread().name


async def test_what_the_work_raises_is_raised() -> None:
    def work() -> None:
        raise KeyError("gone")

    with pytest.raises(KeyError, match="gone"):
        await do_apart(work)


@pytest.mark.parametrize("long", [True, False])
async def test_of_one_kind_of_work_one_is_done_at_a_time(*, long: bool) -> None:
    running = most = 0

    def work() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        sum(range(10_000))
        running -= 1

    await asyncio.gather(*(do_apart(work, long=long) for _ in range(20)))

    assert most == 1


async def test_short_work_does_not_wait_for_long_work() -> None:
    done = threading.Event()
    doing = asyncio.create_task(do_apart(lambda: done.wait(10)))

    await do_apart(done.set, long=False)

    assert await doing


async def test_work_that_nobody_waits_for_is_not_begun() -> None:
    done = threading.Event()
    begun: list[str] = []
    first = asyncio.create_task(do_apart(lambda: done.wait(10)))
    second = asyncio.create_task(do_apart(lambda: begun.append("second")))
    await asyncio.sleep(0)

    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    done.set()
    await first
    await do_apart(lambda: begun.append("third"))

    assert begun == ["third"]
