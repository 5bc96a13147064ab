"""An application that is built when the service already answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send


class BuiltLater:
    """Build an application in a thread; a request that needs it sooner waits for it.

    What is wrong with the building is raised to each of them.
    """

    def __init__(self, build: Callable[[], ASGIApp]) -> None:
        self._build = build
        self._app: ASGIApp | None = None
        self._building: asyncio.Task[ASGIApp] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        app = self._app if self._app is not None else await self.built()
        await app(scope, receive, send)

    async def built(self) -> ASGIApp:
        """Give the application, and build it now if nobody has begun yet."""
        if self._building is None:
            self._building = asyncio.create_task(asyncio.to_thread(self._build), name="routes")
        # One who leaves must not end it for the others.
        self._app = await asyncio.shield(self._building)
        return self._app

    async def stop(self) -> None:
        """Wait for a building that has begun: a thread cannot be told to end."""
        if self._building is not None:
            await asyncio.wait([self._building])
