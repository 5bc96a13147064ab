from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from fakes.raw_server import until
from gateway_core.identity import issuers
from gateway_core.identity.issuers import IssuerKeys
from gateway_core.kernel.units import Seconds
from unit.gateway_core.identity.issuer_keys import (
    GITLAB,
    HOUR,
    TWO,
    Followed,
    Log,
    events,
    fetch_due,
    jwk,
    kids,
)


@pytest.fixture
async def opened(followed: Followed) -> AsyncGenerator[IssuerKeys]:
    followed.issuers.answers = TWO
    async with followed.build() as keys:
        yield keys


async def test_keys_are_fetched_without_being_asked_for(opened: IssuerKeys) -> None:
    await until(lambda: kids(opened) == ["Gitlab/g1", "CustomersDot/p1"])


async def test_the_start_waits_for_no_issuer(followed: Followed) -> None:
    followed.issuers.silent = {"gitlab", "portal"}

    async with followed.build() as keys:
        assert kids(keys) == []
        await until(lambda: len(followed.issuers.asked) == 2)
    # And the end does not either.
    assert len(asyncio.all_tasks()) == 1


async def test_what_falls_due_is_fetched(followed: Followed, opened: IssuerKeys) -> None:
    await until(lambda: len(kids(opened)) == 2)
    followed.issuers.answers = {**TWO, "gitlab": [jwk("g2")]}
    followed.clock.advance(1.2 * HOUR)
    # The loop sleeps by the real clock; whatever ends makes it look at what is due.
    opened._woken.set()

    await until(lambda: kids(opened) == ["Gitlab/g2", "CustomersDot/p1"])


async def test_a_fault_of_ours_in_a_fetch_is_logged_and_the_issuer_is_asked_again(
    followed: Followed, issuer_log: Log
) -> None:
    followed.sources, followed.issuers.answers = (GITLAB,), {"gitlab": ZeroDivisionError("a fault")}
    keys = followed.build()
    await fetch_due(keys)

    assert "the gateway itself failed (ZeroDivisionError)" in keys.trouble()
    crash, failure = issuer_log()
    assert (crash["level"], crash["message"], crash["provider"]) == ("critical", "key_fetch_crashed", "Gitlab")
    assert "ZeroDivisionError" in str(crash["exception"])
    assert failure["message"] == "JWKS not refreshed"
    followed.issuers.answers = TWO
    assert await followed.after(keys, 1) == 1
    assert kids(keys) == ["Gitlab/g1"]


async def test_a_fault_of_ours_in_the_loop_is_logged_and_the_loop_begins_anew(
    followed: Followed, issuer_log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuers, "_RESTART", Seconds(0))
    followed.issuers.answers = TWO
    async with followed.build() as keys:
        await until(lambda: len(kids(keys)) == 2)
        broken = keys._states
        # No list: the loop's next turn fails.
        keys._states = None  # type: ignore[assignment]
        keys._woken.set()
        await until(lambda: "key_refresh_crashed" in events(issuer_log()))
        keys._states = broken
        followed.clock.advance(1.2 * HOUR)

        await until(lambda: followed.issuers.count("gitlab") == 2)


async def test_after_the_end_nothing_is_fetched(followed: Followed) -> None:
    followed.issuers.answers = TWO
    async with followed.build() as keys:
        await until(lambda: len(kids(keys)) == 2)
    asked = len(followed.issuers.asked)

    assert await keys.look_again() is False
    assert len(followed.issuers.asked) == asked
