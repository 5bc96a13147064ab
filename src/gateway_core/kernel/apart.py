"""Do long work beside the event loop, which then has its turn every few milliseconds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

# One thread each: of two that compute, either would wait for the other, and the loop for both. What
# takes a tenth of a second does not wait behind what takes seconds.
_LONG = ThreadPoolExecutor(1, thread_name_prefix="long-work")
_SHORT = ThreadPoolExecutor(1, thread_name_prefix="short-work")


async def do_apart(work: Callable[[], T], *, long: bool = True) -> T:
    """Give the result of work that computes, or raise what it raises.

    Work waits for other work of its kind, and is not begun when nobody waits for it any more.
    """
    return await asyncio.get_running_loop().run_in_executor(_LONG if long else _SHORT, work)
