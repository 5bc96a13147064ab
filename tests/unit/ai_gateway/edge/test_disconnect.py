"""Work goes on only as long as its client is there."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from ai_gateway.edge.disconnect import ClientLeft, WhileConnected
from gateway_core.kernel.units import Seconds
from unit.ai_gateway.asgi_client import FakeConnection
from unit.ai_gateway.edge.virtual_time import run

SILENCE = Seconds(15)


class Beats:
    """Count the beats; the loop's time at each of them."""

    def __init__(self) -> None:
        self.at: list[float] = []

    async def __call__(self) -> None:
        """Beat."""
        self.at.append(asyncio.get_running_loop().time())


class Work:
    """Work that never ends by itself, and knows how it ended."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.cancelled = False

    async def __call__(self) -> None:
        """Work."""
        self.began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


def test_work_that_ends_while_the_client_is_there_is_left_alone() -> None:
    async def main() -> str:
        connection = FakeConnection(b"some", b"body")
        async with WhileConnected(connection.receive):
            await asyncio.sleep(5)
            return "done"

    assert run(main()) == "done"


def test_work_is_cancelled_when_the_client_leaves() -> None:
    async def main() -> None:
        connection, work = FakeConnection(b"body"), Work()
        asyncio.get_running_loop().call_later(3, connection.leave)

        with pytest.raises(ClientLeft):
            async with WhileConnected(connection.receive):
                await work()

        assert work.cancelled
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        # Nothing of the cancellation is left over for the next await.
        await asyncio.sleep(1)

    run(main())


def test_a_client_that_left_before_the_work_began_stops_it_at_its_first_await() -> None:
    async def main() -> None:
        connection, work = FakeConnection(), Work()
        connection.leave()
        with pytest.raises(ClientLeft):
            async with WhileConnected(connection.receive):
                await work()
        assert work.cancelled

    run(main())


def test_a_cancellation_from_outside_is_not_swallowed() -> None:
    async def main() -> None:
        connection, work = FakeConnection(), Work()

        async def serve() -> None:
            async with WhileConnected(connection.receive):
                await work()

        task = asyncio.create_task(serve())
        await work.began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert work.cancelled
        assert task.cancelled()

    run(main())


def test_a_cancellation_from_outside_wins_over_a_client_that_leaves_at_the_same_time() -> None:
    async def main() -> None:
        connection, work = FakeConnection(), Work()

        async def serve() -> None:
            async with WhileConnected(connection.receive):
                await work()

        task = asyncio.create_task(serve())
        await work.began.wait()
        connection.leave()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, ClientLeft):
            await task
        assert task.cancelled()

    run(main())


def test_a_timeout_around_the_block_is_still_a_timeout() -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(4), WhileConnected(FakeConnection().receive):
                await asyncio.Event().wait()

    run(main())


async def break_down() -> None:
    """Fail after a while."""
    await asyncio.sleep(1)
    raise ValueError("broken")


async def break_when_cancelled() -> None:
    """Fail on the way out."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        raise ValueError("half done") from None


def test_a_failure_of_the_work_is_the_failure_of_the_block() -> None:
    async def main() -> None:
        with pytest.raises(ValueError, match="broken"):
            async with WhileConnected(FakeConnection().receive):
                await break_down()

    run(main())


def test_work_that_fails_because_it_was_cancelled_tells_its_own_failure() -> None:
    async def main() -> None:
        connection = FakeConnection()
        asyncio.get_running_loop().call_later(1, connection.leave)
        with pytest.raises(ValueError, match="half done"):
            async with WhileConnected(connection.receive):
                await break_when_cancelled()

    run(main())


def test_no_beat_comes_as_long_as_something_is_sent() -> None:
    async def main() -> list[float]:
        beats = Beats()
        async with WhileConnected(FakeConnection().receive, beat=beats, silence=SILENCE) as connected:
            for _ in range(10):
                await asyncio.sleep(SILENCE - 1)
                connected.active()
        return beats.at

    assert run(main()) == []


def test_a_beat_comes_after_each_silence() -> None:
    async def main() -> list[float]:
        beats = Beats()
        async with WhileConnected(FakeConnection().receive, beat=beats, silence=SILENCE) as connected:
            await asyncio.sleep(10)
            connected.active()
            await asyncio.sleep(50)
        return beats.at

    assert run(main()) == [25, 40, 55]


def test_a_beat_that_is_slow_to_send_is_never_joined_by_another() -> None:
    async def main() -> tuple[int, list[int]]:
        beats, running, together = Beats(), 0, [0]

        async def slowly() -> None:
            nonlocal running
            running += 1
            together.append(running)
            await beats()
            await asyncio.sleep(20)
            running -= 1

        async with WhileConnected(FakeConnection().receive, beat=slowly, silence=SILENCE):
            await asyncio.sleep(100)
        return len(beats.at), together

    times, together = run(main())

    assert max(together) == 1
    assert times >= 2


def test_a_beat_that_is_being_sent_ends_with_the_block() -> None:
    # `run` fails when its task is left over.
    async def main() -> None:
        async def for_ever() -> None:
            await asyncio.Event().wait()

        async with WhileConnected(FakeConnection().receive, beat=for_ever, silence=SILENCE):
            await asyncio.sleep(20)

    run(main())


def test_a_client_that_leaves_is_noticed_between_two_beats() -> None:
    async def main() -> tuple[list[float], float]:
        connection, beats = FakeConnection(), Beats()
        loop = asyncio.get_running_loop()
        loop.call_later(20, connection.leave)
        with pytest.raises(ClientLeft):
            async with WhileConnected(connection.receive, beat=beats, silence=SILENCE):
                await asyncio.Event().wait()
        return beats.at, loop.time()

    assert run(main()) == ([15], 20)


def test_no_beat_comes_after_the_block() -> None:
    async def main() -> list[float]:
        beats = Beats()
        async with WhileConnected(FakeConnection().receive, beat=beats, silence=SILENCE):
            await asyncio.sleep(1)
        await asyncio.sleep(100)
        return beats.at

    assert run(main()) == []


@pytest.mark.parametrize("beating", [True, False])
def test_no_task_is_left_over_however_the_block_ends(*, beating: bool) -> None:
    # `run` fails when there is one.
    async def main() -> None:
        beat = Beats() if beating else None
        async with WhileConnected(FakeConnection().receive, beat=beat):
            pass
        async with WhileConnected(FakeConnection().receive, beat=beat):
            await asyncio.sleep(40)
        connection = FakeConnection()
        connection.leave()
        with pytest.raises(ClientLeft):
            async with WhileConnected(connection.receive, beat=beat):
                await asyncio.Event().wait()
        with pytest.raises(ValueError, match="broken"):
            async with WhileConnected(FakeConnection().receive, beat=beat):
                raise ValueError("broken")

    run(main())
