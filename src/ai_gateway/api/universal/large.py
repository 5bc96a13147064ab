"""Read large bodies in small steps, and translate them apart, so that nobody else has to wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

import msgspec

from ai_gateway.api.universal.wanted import Wanted, choose_wanted, names_in
from gateway_core.dialects.json_body import render_json
from gateway_core.dialects.json_pieces import Outline, read_outline
from gateway_core.kernel.apart import do_apart
from gateway_core.kernel.errors import RequestInvalid

T = TypeVar("T", bound=Wanted)
R = TypeVar("R")

LARGE: Final = 1 << 20
"""From this size on, in bytes, a body is read in steps."""

MOST_VALUES: Final = 100_000
"""How many JSON values a body may have that is translated: texts, numbers, lists, objects and the rest."""

MOST_ESCAPES: Final = 2_000_000
"""How many backslashes it may have."""

MOST_BARE: Final = 8 << 20
"""How many bytes it may have outside of texts: numbers, brackets and white space."""

MOST_WIDE: Final = 8 << 20
"""How many bytes its texts with letters beyond ASCII may have in all."""

# What is smaller is translated where it is asked: handing it over would take longer.
_FEW_VALUES = 5_000
_FEW_OBJECTS = 1_000
_FEW_NAMES = 20_000
_SHORT = 1 << 17


@dataclass(frozen=True, slots=True)
class LargeBody(Generic[T]):
    """A large body as far as it was read."""

    body: bytes
    wanted: T
    outline: Outline

    def with_model(self, model: str) -> bytes:
        """Give the body with another model's name in it; every other byte stays. Raises `RequestInvalid`."""
        if model == self.wanted.model:
            return self.body
        if self.outline.model_at is None:
            raise RequestInvalid("model: it is hard to find; write it with less white space around it.")
        start, end = self.outline.model_at
        view = memoryview(self.body)
        return b"".join((view[:start], render_json(model), view[end:]))


@dataclass(frozen=True, slots=True)
class LargeBodies:
    """Reads bodies, one step of one of them at a time: however many come at once, others get their turn."""

    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def read(self, body: bytes, decoder: msgspec.json.Decoder[T]) -> LargeBody[T]:
        """Read what is wanted of a body; raises `RequestInvalid` naming the member and the cure."""
        outline = await self.outline(body, names_in(decoder))
        return LargeBody(body, choose_wanted(outline, decoder), outline)

    async def essence(self, body: bytes, names: Sequence[str]) -> bytes:
        """Give a body itself, or a small one that says the same by these members; raises `RequestInvalid`."""
        return body if len(body) <= LARGE else (await self.outline(body, names)).render()

    async def outline(self, body: bytes, names: Sequence[str]) -> Outline:
        """Read some members of a body; raises `RequestInvalid`."""
        steps = read_outline(body, names)
        while True:
            async with self._turn:
                try:
                    next(steps)
                except StopIteration as read:
                    outline: Outline = read.value
                    return outline
                # Within the turn: else all bodies would take their steps before anybody else's turn.
                await asyncio.sleep(0)

    async def translate(self, body: bytes, work: Callable[[], R], *, outline: Outline | None = None) -> R:
        """Do the work of translating a body, large or not; `outline` is what is known of it.

        Raises `RequestInvalid` for a body that would take too long, and what the work raises.
        """
        if len(body) > LARGE:
            outline = outline or await self.outline(body, ())
            check_outline(outline)
            return await do_apart(work, long=outline.values > _FEW_VALUES)
        if body.count(b"{") > _FEW_OBJECTS or (len(body) > _SHORT and body.count(b":") > _FEW_NAMES):
            return await do_apart(work)
        return work()


def check_outline(outline: Outline) -> None:
    """Refuse a body that would take too long to translate; raises `RequestInvalid`."""
    for number, most, things in (
        (outline.values, MOST_VALUES, "JSON values"),
        (outline.escapes, MOST_ESCAPES, "escaped letters"),
        (outline.bare, MOST_BARE, "bytes of numbers and white space"),
        (outline.wide, MOST_WIDE, "bytes of text beyond ASCII"),
    ):
        if number > most:
            raise RequestInvalid(
                f"The body has over {most} {things}, and this model's provider speaks another dialect: "
                "send fewer, or ask a model whose provider speaks yours and gets any body as it is."
            )
