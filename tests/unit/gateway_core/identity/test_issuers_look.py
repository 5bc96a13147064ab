from __future__ import annotations

import asyncio
import contextlib

import pytest

from fakes.raw_server import until
from gateway_core.identity import issuers
from gateway_core.identity.discovery import Discovered, Fetched
from gateway_core.identity.disk import KeptKeys, KeyFolder
from gateway_core.kernel.units import Seconds
from gateway_core.telemetry.context import RequestFacts, current_facts, use_facts
from unit.gateway_core.identity.issuer_keys import (
    TWO,
    Followed,
    fetch_due,
    jwk,
    kids,
)


async def test_a_look_finds_a_key_that_was_published_since(followed: Followed) -> None:
    followed.issuers.answers = TWO
    keys = followed.build()
    await fetch_due(keys)
    followed.issuers.answers = {**TWO, "portal": [jwk("p2"), jwk("p1")]}

    assert await keys.look_again()
    assert kids(keys) == ["Gitlab/g1", "CustomersDot/p2", "CustomersDot/p1"]


async def test_there_is_one_look_in_thirty_seconds(followed: Followed) -> None:
    followed.issuers.answers = TWO
    keys = followed.build()
    await fetch_due(keys)

    looks = [await keys.look_again() for _ in range(100)]
    asked = [followed.issuers.count("gitlab")]
    for pause in (29.9, 0.1, 29.9):
        followed.clock.advance(pause)
        looks.append(await keys.look_again())
        asked.append(followed.issuers.count("gitlab"))

    assert not any(looks)
    assert asked == [2, 2, 3, 3]


async def test_requests_at_once_share_one_look(followed: Followed) -> None:
    followed.issuers.answers = TWO
    keys = followed.build()

    assert await asyncio.gather(*(keys.look_again() for _ in range(50))) == [True] * 50
    assert followed.issuers.asked == [("gitlab", None), ("portal", None)]


async def test_a_look_ends_with_the_first_change_whoever_else_is_silent(followed: Followed) -> None:
    followed.issuers.answers = TWO
    keys = followed.build()
    await fetch_due(keys)
    followed.issuers.answers, followed.issuers.silent = {**TWO, "gitlab": [jwk("g2")]}, {"portal"}

    async with asyncio.timeout(issuers.LOOK_PATIENCE / 2):
        assert await keys.look_again()
    assert kids(keys) == ["Gitlab/g2", "CustomersDot/p1"]
    followed.issuers.released.set()


async def test_a_look_waits_for_the_fetch_that_is_under_way(followed: Followed) -> None:
    followed.issuers.answers, followed.issuers.silent = TWO, {"gitlab", "portal"}
    keys = followed.build()
    keys.start_due()
    looks = [asyncio.create_task(keys.look_again()) for _ in range(5)]
    await until(lambda: len(followed.issuers.asked) == 2)
    followed.issuers.released.set()

    assert await asyncio.gather(*looks) == [True] * 5
    assert len(followed.issuers.asked) == 2
    # It took nobody's look away.
    assert await keys.look_again() is False
    assert len(followed.issuers.asked) == 4


async def test_keys_that_are_being_written_to_disk_are_not_under_way(
    followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = asyncio.Event()

    async def write(self: KeyFolder, kept: KeptKeys) -> None:
        await written.wait()

    monkeypatch.setattr(KeyFolder, "write", write)
    followed.issuers.answers = TWO
    async with followed.build() as keys:
        await until(lambda: len(kids(keys)) == 2)
        followed.issuers.answers = {**TWO, "gitlab": [jwk("g2")]}

        assert await keys.look_again()
        written.set()


async def test_a_look_at_silent_issuers_ends_after_its_patience_and_goes_on(
    followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuers, "LOOK_PATIENCE", Seconds(0.05))
    followed.issuers.answers, followed.issuers.silent = TWO, {"portal"}
    keys = followed.build()

    assert await keys.look_again()
    assert kids(keys) == ["Gitlab/g1"]
    assert await keys.look_again() is False
    followed.issuers.released.set()
    await until(lambda: len(kids(keys)) == 2)

    assert followed.issuers.count("portal") == 1


async def test_a_request_that_is_given_up_does_not_end_the_look(followed: Followed) -> None:
    followed.issuers.answers, followed.issuers.silent = TWO, {"gitlab"}
    keys = followed.build()
    asking = asyncio.create_task(keys.look_again())
    await until(lambda: len(followed.issuers.asked) == 2)
    asking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asking
    followed.issuers.released.set()

    await until(lambda: len(kids(keys)) == 2)


async def test_a_look_is_no_part_of_the_request_that_began_it(followed: Followed) -> None:
    seen: list[RequestFacts | None] = []
    fetch = followed.issuers.fetch

    async def watched(url: str, *, setting: str, known: Discovered | None) -> Fetched:
        seen.append(current_facts())
        return await fetch(url, setting=setting, known=known)

    # The fake's own method, wrapped for this test alone.
    followed.issuers.fetch = watched  # type: ignore[method-assign]
    keys = followed.build()
    use_facts(RequestFacts())

    await keys.look_again()

    assert current_facts() is not None
    assert seen == [None, None]
