"""A model provider without a wire: it plays the script that a test gave it, in our words or in a vendor's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from gateway_core.inference.events import Finished, Started, StreamEvent, TextDelta, Usage, UsageReported
from gateway_core.inference.losses import Losses
from gateway_core.inference.ports import Lease, RawAnswer, RawCall
from gateway_core.inference.request import InferenceRequest, Operation

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


RawStep = bytes | Exception | Hold
"""A piece of the body, a failure, or a wait."""


@dataclass(slots=True, eq=False)
class FakeRawAnswer:
    """An answer in a vendor's own words; `closed` counts how often it was closed."""

    pieces: Sequence[RawStep] = ()
    status: int = 200
    headers: Sequence[tuple[bytes, bytes]] = ((b"content-type", b"text/event-stream"),)
    closed: int = 0
    _at: int = 0

    async def next(self) -> bytes:
        """Give the next piece."""
        while self._at < len(self.pieces):
            step = self.pieces[self._at]
            self._at += 1
            if isinstance(step, Exception):
                raise step
            if isinstance(step, Hold):
                await step.pause()
            else:
                return step
        return b""

    async def pump(self, sink: Callable[[bytes], bool], *, ready: Callable[[], Awaitable[None]]) -> None:
        """Hand on what is left."""
        while piece := await self.next():
            if not sink(piece):
                await ready()

    async def read(self, *, limit: int) -> bytes:
        """Give all of it."""
        whole = b""
        while piece := await self.next():
            whole += piece
        assert len(whole) <= limit
        return whole

    def close(self) -> None:
        """Note it."""
        self.closed += 1


@dataclass(slots=True, eq=False)
class FakeProvider:
    """Play `script` at each call; `answering` makes a script from the request instead.

    Calls in the words of `dialects` are passed through: each takes the next of `raw`, an answer or a failure.
    """

    script: Sequence[Step] = HELLO
    name: str = "fake"
    answering: Callable[[InferenceRequest], Sequence[Step]] | None = None
    calls: list[tuple[InferenceRequest, Lease]] = field(default_factory=list)
    """What was asked for, oldest first."""
    running: int = 0
    """Calls that began and did not end yet."""
    dialects: frozenset[Operation] = frozenset()
    raw: list[FakeRawAnswer | Exception] = field(default_factory=list)
    passed: list[tuple[RawCall, Lease]] = field(default_factory=list)
    """What was passed through, oldest first."""
    cannot: tuple[str, ...] = ()
    """Features that this provider has no word for."""

    def speaks(self, operation: Operation) -> bool:
        """Tell what the test said."""
        return operation in self.dialects

    async def forward(self, call: RawCall, lease: Lease) -> RawAnswer:
        """Give the next answer."""
        self.passed.append((call, lease))
        answer = self.raw.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def answer(
        self, request: InferenceRequest, lease: Lease, *, losses: Losses | None = None
    ) -> Sequence[StreamEvent]:
        """Play the script to its end."""
        async with aclosing(self.stream(request, lease, losses=losses)) as events:
            return [event async for event in events]

    async def stream(
        self, request: InferenceRequest, lease: Lease, *, losses: Losses | None = None
    ) -> AsyncGenerator[StreamEvent]:
        """Play the script."""
        if losses is not None:
            for feature in self.cannot:
                losses.cannot(feature)
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
