from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fakes.clock import FakeClock
from gateway_core.identity.throttle import FailureThrottle

HERE = "192.0.2.1"


def waits(throttle: FailureThrottle, address: str, *, times: int, prefix: str | None = None) -> list[int | None]:
    return [throttle.note(address, prefix) for _ in range(times)]


def test_only_failures_above_the_limit_are_told_to_wait() -> None:
    throttle = FailureThrottle(3, FakeClock())

    assert [wait is not None for wait in waits(throttle, HERE, times=5)] == [False, False, False, True, True]


def test_whoever_waits_as_told_is_not_told_to_wait_again() -> None:
    clock = FakeClock()
    throttle = FailureThrottle(3, clock)
    *_, wait = waits(throttle, HERE, times=4)
    assert wait is not None

    clock.advance(wait)

    assert throttle.note(HERE, None) is None


def test_whoever_comes_back_a_second_too_early_waits_for_that_second() -> None:
    clock = FakeClock()
    throttle = FailureThrottle(3, clock)
    *_, wait = waits(throttle, HERE, times=4)
    assert wait is not None

    clock.advance(wait - 1)

    assert throttle.note(HERE, None) == 1


def test_the_wait_ends_when_enough_old_failures_are_past_not_all() -> None:
    clock = FakeClock()
    throttle = FailureThrottle(3, clock)
    waits(throttle, HERE, times=2)
    clock.advance(40)
    throttle.note(HERE, None)

    # The first two leave after 65 s, the tick they were in being over then.
    assert throttle.note(HERE, None) == 25


def test_one_address_does_not_slow_down_another() -> None:
    throttle = FailureThrottle(1, FakeClock())
    waits(throttle, HERE, times=5)

    assert throttle.note("192.0.2.2", None) is None


def test_a_key_prefix_that_fails_from_many_addresses_is_slowed_down() -> None:
    throttle = FailureThrottle(3, FakeClock())

    answers = [throttle.note(f"192.0.2.{number}", "gw-abcdef") for number in range(4)]

    assert answers == [None, None, None, 65]
    assert throttle.note("192.0.2.9", "gw-others") is None


@pytest.mark.parametrize("prefix", [None, ""])
def test_without_a_prefix_only_the_address_counts(prefix: str | None) -> None:
    throttle = FailureThrottle(1, FakeClock())

    assert {throttle.note(f"192.0.2.{number}", prefix) for number in range(9)} == {None}


def test_the_longer_of_both_waits_is_given() -> None:
    clock = FakeClock()
    throttle = FailureThrottle(1, clock)
    throttle.note("192.0.2.7", "gw-abcdef")
    clock.advance(30)
    throttle.note(HERE, None)

    assert throttle.note(HERE, "gw-abcdef") == 65


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff"),
        ("2001:db8::1", "2001:0DB8:0:0:1::"),
        ("::ffff:192.0.2.1", HERE),
        ("::ffff:c000:201", HERE),
        ("fe80::1%eth0", "fe80::2%eth1"),
        ("", "unix:"),
        ("testclient", "192.0.2.1:4711"),
        ("192.0.2.01", "not an address"),
    ],
)
def test_addresses_of_one_household_count_together(one: str, other: str) -> None:
    throttle = FailureThrottle(1, FakeClock())
    throttle.note(one, None)

    assert throttle.note(other, None) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:2::1"),
        ("192.0.2.1", "192.0.2.2"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2"),
        ("::192.0.2.1", HERE),
        (HERE, "unknown"),
    ],
)
def test_addresses_of_two_households_count_apart(one: str, other: str) -> None:
    throttle = FailureThrottle(1, FakeClock())
    throttle.note(one, None)

    assert throttle.note(other, None) is None


def test_of_ten_thousand_addresses_the_one_silent_for_the_longest_is_forgotten_first() -> None:
    throttle = FailureThrottle(1, FakeClock())
    throttle.note("192.0.2.1", None)
    throttle.note("192.0.2.2", None)
    throttle.note("192.0.2.1", None)

    for number in range(9_999):
        throttle.note(f"10.0.{number // 256}.{number % 256}", None)

    assert throttle.note("192.0.2.2", None) is None
    assert throttle.note("10.0.0.200", None) is not None


def test_memory_holds_ten_thousand_of_each_and_no_more() -> None:
    throttle = FailureThrottle(1, FakeClock())

    for number in range(10_500):
        throttle.note(f"10.0.{number // 256}.{number % 256}", f"gw-{number}" + "x" * 10_000)

    assert len(throttle._addresses._windows) == len(throttle._prefixes._windows) == 10_000
    assert max(map(len, throttle._prefixes._windows)) == 32


gaps = st.lists(st.floats(0, 90) | st.sampled_from([0.0, 4.999, 5.0, 59.999, 60.0, 64.999, 65.0]), max_size=60)


@given(gaps=gaps, limit=st.integers(1, 6))
@example(gaps=[0.0, 60.0], limit=1)
@example(gaps=[0.0, 65.0], limit=1)
def test_more_than_the_limit_in_a_minute_waits_and_no_more_than_it_in_65_seconds_never_does(
    gaps: list[float], limit: int
) -> None:
    clock = FakeClock()
    throttle = FailureThrottle(limit, clock)
    failed: list[float] = []
    for gap in gaps:
        clock.advance(gap)
        now = clock.monotonic()
        failed.append(now)

        wait = throttle.note(HERE, None)

        if sum(now - then <= 60 for then in failed) > limit:
            assert wait is not None
        if sum(now - then < 65 for then in failed) <= limit:
            assert wait is None
        assert wait is None or 1 <= wait <= 65


@given(gaps=gaps, limit=st.integers(1, 6))
def test_the_wait_is_as_short_as_it_can_be(gaps: list[float], limit: int) -> None:
    clock = FakeClock()
    throttle = FailureThrottle(limit, clock)
    ticks: list[float] = []

    def counted(after: float) -> int:
        return sum(tick > (clock.monotonic() + after) // 5 - 13 for tick in ticks)

    for gap in gaps:
        clock.advance(gap)
        ticks.append(clock.monotonic() // 5)

        wait = throttle.note(HERE, None)

        # One more failure is within the limit then, and would be over it a second earlier.
        assert wait is None or counted(wait) < limit
        assert wait is None or wait == 1 or counted(wait - 1) >= limit


@given(st.lists(st.tuples(st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1"]), st.floats(0, 30)), max_size=50))
def test_each_address_is_judged_as_if_it_were_alone(failures: list[tuple[str, float]]) -> None:
    together, clock = FailureThrottle(2, shared := FakeClock()), shared
    alone = {address: FailureThrottle(2, shared) for address, _ in failures}
    for address, gap in failures:
        clock.advance(gap)

        assert together.note(address, None) == alone[address].note(address, None)


@given(st.text())
def test_no_address_breaks_the_count(address: str) -> None:
    throttle = FailureThrottle(1, FakeClock())
    throttle.note(address, address)

    assert throttle.note(address, address) == 65


def test_a_wait_of_a_part_of_a_second_is_told_as_a_whole_one() -> None:
    clock = FakeClock()
    throttle = FailureThrottle(2, clock)
    waits(throttle, HERE, times=2)
    clock.advance(64.75)

    assert throttle.note(HERE, None) == 1
