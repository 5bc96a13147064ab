"""A model provider without a wire: it plays the script that a test gave it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field

from gateway_core.inference.events import Finished, Started, StreamEvent, TextDelta, Usage, UsageReported
from gateway_core.inference.ports import Lease
from gateway_core.inference.request import InferenceRequest

HELLO: tuple[StreamEvent, ...] = (
    Started("call-1", "fake-1"),
    TextDelta("hel"),
    TextDelta("lo"),
    UsageReported(Usage(3, 2)),
    Finished("stop", "stop"),
)
"""The answer of a provider that was told nothing."""


@dataclass(slots=True, eq=False)
class Hold:
    """A place in a script where the provider waits until the test releases it."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def pause(self) -> None:
        """Say that the place is reached, and wait."""
        self.reached.set()
        await self.released.wait()


Step = StreamEvent | Exception | Hold | Callable[[], None]
"""Report an event, raise a failure, wait, or do something of the test's (let time pass, look around)."""


@dataclass(slots=True, eq=False)
class FakeProvider:
    """Play `script` at each call; `answering` makes a script from the request instead."""

    script: Sequence[Step] = HELLO
    name: str = "fake"
    answering: Callable[[InferenceRequest], Sequence[Step]] | None = None
    calls: list[tuple[InferenceRequest, Lease]] = field(default_factory=list)
    """What was asked for, oldest first."""
    running: int = 0
    """Calls that began and did not end yet."""

    async def stream(self, request: InferenceRequest, lease: Lease) -> AsyncGenerator[StreamEvent]:
        """Play the script."""
        self.calls.append((request, lease))
        self.running += 1
        try:
            for step in self.answering(request) if self.answering else self.script:
                if isinstance(step, Exception):
                    raise step
                if isinstance(step, Hold):
                    await step.pause()
                elif isinstance(step, StreamEvent):
                    yield step
                else:
                    step()
        finally:
            self.running -= 1
