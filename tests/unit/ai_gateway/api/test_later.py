"""An application that is built later: once, for all who wait, and never in the way of others."""

from __future__ import annotations

import asyncio
import threading

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from ai_gateway.api.later import BuiltLater
from unit.ai_gateway.asgi_client import bare_scope, call


async def teapot(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b""})


class Builder:
    """Builds when it is let, and counts how often it was asked."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.may_end = threading.Event()
        self.times = 0

    def __call__(self) -> ASGIApp:
        self.times += 1
        self.begun.set()
        assert self.may_end.wait(30)
        return teapot


async def status_of(app: ASGIApp) -> int:
    return (await call(app, bare_scope("/anything", method="GET"))).status


async def test_nothing_is_built_before_somebody_asks() -> None:
    builder = Builder()
    await BuiltLater(builder).stop()

    assert builder.times == 0


async def test_requests_that_come_while_it_is_built_wait_for_the_one_building() -> None:
    builder = Builder()
    app = BuiltLater(builder)
    asked = [asyncio.create_task(status_of(app)) for _ in range(3)]
    assert await asyncio.to_thread(builder.begun.wait, 30)
    # The loop goes on meanwhile, or this line would never come.
    builder.may_end.set()

    assert await asyncio.gather(*asked) == [418, 418, 418]
    assert await status_of(app) == 418
    assert builder.times == 1


async def test_one_who_leaves_ends_the_building_for_nobody_else() -> None:
    builder = Builder()
    app = BuiltLater(builder)
    first, second = (asyncio.create_task(status_of(app)) for _ in range(2))
    assert await asyncio.to_thread(builder.begun.wait, 30)
    first.cancel()
    await asyncio.wait([first])
    builder.may_end.set()

    assert await second == 418
    assert builder.times == 1


async def test_what_is_wrong_with_the_building_is_raised_to_each_who_asks() -> None:
    def build() -> ASGIApp:
        raise RuntimeError("no bricks")

    app = BuiltLater(build)

    for _ in range(2):
        with pytest.raises(RuntimeError, match="no bricks"):
            await status_of(app)
    await app.stop()


async def test_a_stop_waits_for_a_building_that_has_begun() -> None:
    builder = Builder()
    app = BuiltLater(builder)
    asked = asyncio.create_task(app.built())
    assert await asyncio.to_thread(builder.begun.wait, 30)
    stopping = asyncio.create_task(app.stop())
    await asyncio.sleep(0)
    assert not stopping.done()
    builder.may_end.set()

    await stopping
    assert asked.done() or await asked is teapot
