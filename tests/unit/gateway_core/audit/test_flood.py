"""Refusals past a number a minute are counted, not kept; nothing is lost from the count."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.clock import MORNING
from gateway_core.audit.flood import FloodGuard
from gateway_core.audit.limits import fitted
from gateway_core.audit.model import AuditEvent, AuditKind
from gateway_core.kernel.units import Seconds

REFUSED = AuditEvent(MORNING, "credential_refused", reason="no such key", address="192.0.2.7")


def take(guard: FloodGuard, events: Iterable[AuditEvent], *, now: float = 0) -> list[AuditEvent]:
    return [kept for event in events for kept in guard.take(event, now=Seconds(now))]


def numbered(count: int, *, address: str = "192.0.2.7") -> list[AuditEvent]:
    return [replace(REFUSED, subject=str(number), address=address) for number in range(count)]


def total(events: Iterable[AuditEvent]) -> int:
    return sum(int(event.details.get("repeated", "1")) for event in events)


def test_a_few_refusals_are_kept_as_they_come() -> None:
    events = numbered(20)

    assert take(FloodGuard(), events) == events


def test_further_ones_of_the_minute_become_one_that_tells_their_number() -> None:
    guard = FloodGuard()
    events = numbered(70)

    assert take(guard, events) == events[:20]
    assert guard.sum_up(now=Seconds(59.9)) == ()
    assert guard.sum_up(now=Seconds(60)) == [
        replace(REFUSED, reason="50 further refusals, the last: no such key", subject="", details={"repeated": "50"})
    ]
    assert guard.sum_up(now=Seconds(200)) == []


def test_a_sum_says_only_what_holds_for_all_that_it_counts() -> None:
    guard = FloodGuard()
    take(guard, numbered(20))
    wrong_keys = [replace(REFUSED, actor="", subject="/v1/a", request_id=str(number)) for number in range(51)]
    bare = replace(REFUSED, reason="no header", subject="/v1/b", request_id="last")
    take(guard, [*wrong_keys, bare])

    [credentials] = guard.sum_up(now=Seconds(60))

    assert (credentials.kind, credentials.details) == ("credential_refused", {"repeated": "52"})
    assert credentials.reason == "52 further refusals, the last: no header"
    assert (credentials.subject, credentials.request_id) == ("", "last")


@pytest.mark.parametrize("in_all", [20, 1000])
def test_nobody_proven_hides_in_a_crowd_of_the_nameless(in_all: int) -> None:
    guard = FloodGuard(in_all=in_all)
    insider = replace(REFUSED, kind="permission_refused", actor="ci")

    kept = take(guard, [*numbered(30), insider, *numbered(30), insider])

    assert [event for event in kept if event.actor] == [insider, insider]


def test_tokens_that_are_given_out_in_masses_are_summed_up_too() -> None:
    guard = FloodGuard()
    issued = replace(REFUSED, kind="token_issued", actor="1234", reason="")

    assert take(guard, [issued] * 50) == [issued] * 20
    [one] = guard.sum_up(now=Seconds(60))
    assert (one.kind, one.actor, one.reason) == ("token_issued", "1234", "30 further of these")


def test_a_sum_names_who_and_what_when_they_are_the_same_for_all() -> None:
    guard = FloodGuard()
    refused = replace(REFUSED, kind="permission_refused", actor="ci", subject="/v1/a")
    take(guard, [refused] * 30)

    [one] = guard.sum_up(now=Seconds(60))

    assert (one.actor, one.subject, one.address) == ("ci", "/v1/a", "192.0.2.7")


def test_a_sum_over_the_addresses_of_a_network_names_the_network() -> None:
    guard = FloodGuard()
    take(guard, [replace(REFUSED, address=f"2001:db8:1:2::{number:x}") for number in range(30)])

    [one] = guard.sum_up(now=Seconds(60))

    assert one.address == "2001:db8:1:2::/64"


def test_a_sum_is_no_longer_than_any_record() -> None:
    guard = FloodGuard()
    take(guard, [replace(REFUSED, reason="why " * 500)] * 30)

    [one] = guard.sum_up(now=Seconds(60))

    assert fitted(one) == one


def test_a_single_further_one_is_kept_as_it_is() -> None:
    guard = FloodGuard()
    events = numbered(21)
    take(guard, events)

    assert guard.sum_up(now=Seconds(60)) == [events[-1]]


def test_the_next_minute_begins_anew_and_brings_the_sum_of_the_last() -> None:
    guard = FloodGuard()
    take(guard, numbered(30))

    kept = take(guard, numbered(30), now=61)

    assert [event.details for event in kept] == [{"repeated": "10"}, *[{}] * 20]


def test_the_end_of_the_service_ends_the_minute() -> None:
    guard = FloodGuard()
    take(guard, numbered(30))

    assert total(guard.sum_up(now=Seconds(1), even_early=True)) == 10


def test_one_address_takes_nothing_from_another() -> None:
    guard = FloodGuard()
    take(guard, numbered(500))

    assert len(take(guard, numbered(5, address="198.51.100.1"))) == 5


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.7", "192.0.2.7", True),
        ("::ffff:192.0.2.7", "::ffff:192.0.2.8", False),
        ("unix:", "unix:", True),
        ("", "192.0.2.7", False),
    ],
)
def test_of_ipv6_the_network_counts(one: str, other: str, *, same: bool) -> None:
    guard = FloodGuard()
    take(guard, numbered(20, address=one))

    assert (take(guard, numbered(1, address=other)) == []) is same


def test_many_addresses_together_have_a_bound_too() -> None:
    guard = FloodGuard()

    kept = [
        event
        for number in range(3000)
        for event in take(guard, numbered(2, address=f"10.{number // 250}.{number % 250}.1"))
    ]

    assert len(kept) == 1000
    [one] = guard.sum_up(now=Seconds(60))
    assert (one.details, one.address) == ({"repeated": "5000"}, "")


def test_changes_are_always_kept() -> None:
    guard = FloodGuard()
    take(guard, numbered(3000))
    changes = [replace(REFUSED, kind="client_revoked", subject=str(number)) for number in range(2000)]

    assert take(guard, changes) == changes


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcdefghij"),
            st.sampled_from(["credential_refused", "permission_refused"]),
            st.floats(0, 40),
        ),
        max_size=300,
    ),
    st.integers(1, 5),
    st.integers(1, 20),
)
def test_every_refusal_is_counted_once(
    moves: list[tuple[str, AuditKind, float]], per_address: int, in_all: int
) -> None:
    guard, now, kept = FloodGuard(per_address=per_address, in_all=in_all), 0.0, []
    for address, kind, pause in moves:
        now += pause
        kept += take(guard, [replace(REFUSED, address=address, kind=kind)], now=now)
    kept += guard.sum_up(now=Seconds(now), even_early=True)

    assert total(kept) == len(moves)
    for wanted in ("credential_refused", "permission_refused"):
        assert total(event for event in kept if event.kind == wanted) == [kind for _, kind, _ in moves].count(wanted)
