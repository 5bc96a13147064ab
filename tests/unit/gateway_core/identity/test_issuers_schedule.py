from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.issuer import OCT_JWK, UNKNOWN_JWK, weak_jwk
from gateway_core.identity.issuers import Outcome, next_wait
from gateway_core.kernel.units import Seconds
from unit.gateway_core.identity.issuer_keys import (
    GITLAB,
    HOUR,
    TWO,
    WEEK,
    Followed,
    fetch_due,
    jwk,
    kids,
)


async def test_all_issuers_are_asked_at_once_and_then_once_an_hour(followed: Followed) -> None:
    followed.issuers.answers = TWO
    keys = followed.build()

    assert await fetch_due(keys) == 2
    assert await followed.after(keys, 0.89 * HOUR) == 0
    assert await followed.after(keys, 0.22 * HOUR) == 2


async def test_the_hour_is_a_little_different_each_time(followed: Followed) -> None:
    followed.sources = tuple(replace(GITLAB, url=f"https://g.example.com/{number}") for number in range(20))
    followed.issuers.answers = {"g": [jwk("g1")]}
    keys = followed.build()
    await fetch_due(keys)

    assert 0 < await followed.after(keys, HOUR) < 20


async def test_an_issuer_that_fails_is_asked_again_after_ever_longer_pauses(followed: Followed) -> None:
    followed.issuers.answers = {"portal": [jwk("p1")]}
    keys = followed.build()
    await fetch_due(keys)

    pauses = [1, 2, 4, 8, 16, 32, 60, 60, 60]
    asked = [(await followed.after(keys, pause - 0.1), await followed.after(keys, 0.1)) for pause in pauses]

    assert asked == [(0, 1)] * len(pauses)
    assert followed.issuers.count("portal") == 1


@pytest.mark.parametrize(
    "answer",
    [[], b"nonsense", b'{"keys": 7}', [weak_jwk()], [OCT_JWK]],
    ids=["empty", "nonsense", "no list", "weak", "no key of a pair"],
)
async def test_a_set_without_a_usable_key_is_a_failure_that_keeps_the_keys_before(
    followed: Followed, answer: list[dict[str, object]] | bytes
) -> None:
    followed.sources, followed.issuers.answers = (GITLAB,), TWO
    keys = followed.build()
    await fetch_due(keys)
    followed.issuers.answers = {**TWO, "gitlab": answer}

    assert await followed.after(keys, 1.2 * HOUR) == 1
    assert await followed.after(keys, 1) == 1

    assert kids(keys) == ["Gitlab/g1"]
    assert keys.trouble().startswith("Gitlab: AIGW_GITLAB_URL: ")


async def test_a_set_that_is_partly_usable_is_asked_for_again_soon_but_ever_less_often(followed: Followed) -> None:
    followed.sources, followed.issuers.answers = (GITLAB,), {"gitlab": [jwk("g1"), UNKNOWN_JWK]}
    keys = followed.build()
    await fetch_due(keys)
    assert kids(keys) == ["Gitlab/g1"]

    pauses = [*(2.0**number for number in range(12)), HOUR, HOUR]
    asked = [(await followed.after(keys, pause - 0.1), await followed.after(keys, 0.1)) for pause in pauses]

    assert asked == [(0, 1)] * len(pauses)


async def test_after_a_good_answer_the_pauses_begin_anew(followed: Followed) -> None:
    followed.sources, followed.issuers.answers = (GITLAB,), {}
    keys = followed.build()
    for pause in (0, 1, 2, 4):
        await followed.after(keys, pause)
    followed.issuers.answers = TWO
    await followed.after(keys, 8)
    followed.issuers.answers = {}
    await followed.after(keys, 1.2 * HOUR)

    assert await followed.after(keys, 1) == 1


@given(
    outcome=st.sampled_from(["whole", "partial", "failed"]),
    misses=st.integers(1, 10**9),
    refresh=st.floats(1, WEEK),
    jitter=st.floats(0.9, 1.1),
)
def test_every_pause_is_of_a_second_or_more_and_bounded(
    outcome: Outcome, misses: int, refresh: float, jitter: float
) -> None:
    pause = next_wait(outcome, misses=misses, refresh=Seconds(refresh), jitter=jitter)

    assert 0.9 <= pause <= max(60, 1.1 * refresh)


async def test_what_was_discovered_is_known_for_a_day(followed: Followed) -> None:
    followed.sources, followed.issuers.answers = (GITLAB,), TWO
    keys = followed.build()
    for _ in range(23):
        await followed.after(keys, 1.2 * HOUR)

    knew = [known is not None for _, known in followed.issuers.asked]

    # The first fetch, then one each 1.2 h: that of the 21st pause is a day after the first discovery.
    assert knew == [False, *[True] * 19, False, *[True] * 2]


async def test_what_was_discovered_is_forgotten_when_its_keys_cannot_be_read(followed: Followed) -> None:
    followed.sources, followed.issuers.answers = (GITLAB,), TWO
    keys = followed.build()
    await fetch_due(keys)
    followed.issuers.answers = {**TWO, "gitlab": b"{}"}
    await followed.after(keys, 1.2 * HOUR)
    await followed.after(keys, 1)

    assert [known is not None for _, known in followed.issuers.asked] == [False, True, False]
