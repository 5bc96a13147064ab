from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from typing_extensions import override

from fakes.audit import FakeAuditTrail
from fakes.clients import FakeClientStore
from fakes.clock import MORNING, FakeClock
from gateway_core.audit.model import AuditEvent
from gateway_core.identity.clients import ClientRegistry, state_of
from gateway_core.identity.model import Budget, Client, ClientKey
from gateway_core.identity.new_client import NewClient
from gateway_core.kernel.errors import NotFound, RequestInvalid
from gateway_core.kernel.units import MicroUsd, Seconds
from unit.gateway_core.identity.office import HASHER, ME, Office

DAY = timedelta(days=1)


@pytest.fixture
def office() -> Office:
    return Office()


async def test_a_new_client_is_kept_with_the_hash_of_its_key_alone(office: Office) -> None:
    client, key = await office.registry.add(NewClient("ci", role="viewer"), by=ME)

    clients, keys = await office.store.load()
    assert list(clients) == [client] == [Client(client.id, "ci", MORNING, role="viewer")]
    assert [stored.digest for stored in keys] == [HASHER.digest(key.reveal())]
    assert [stored.prefix for stored in keys] == [key.reveal()[:12]]
    assert key.reveal() not in repr(keys)


async def test_no_two_clients_have_the_same_key() -> None:
    registry = ClientRegistry(FakeClientStore(), HASHER, audit=FakeAuditTrail(), clock=FakeClock())

    added = [await registry.add(NewClient(f"c{number}"), by=ME) for number in range(3)]

    assert len({key.reveal() for _, key in added}) == len({client.id for client, _ in added}) == 3


async def test_adding_is_audited_without_the_key(office: Office) -> None:
    asked = NewClient(
        "ci",
        role="operator",
        scopes=["generate_code", "complete_code"],
        models=["coder"],
        budget=Budget(MicroUsd(50_000_000), "month"),
        rpm=600,
        expires_at=MORNING + DAY,
    )
    _, key = await office.registry.add(asked, by=ME)

    assert office.trail.events == [
        AuditEvent(
            at=MORNING,
            kind="client_added",
            actor="root",
            subject="ci",
            request_id="r1",
            address="192.0.2.7",
            details={
                "role": "operator",
                "scopes": "complete_code, generate_code",
                "models": "coder",
                "budget": "50.000000 USD per month",
                "rpm": "600",
                "expires_at": "2026-11-22 09:00 UTC",
                "key_prefix": key.reveal()[:12],
            },
        )
    ]
    assert key.reveal() not in repr(office.trail.events)


async def test_a_client_that_cannot_be_is_not_kept_and_not_audited(office: Office) -> None:
    with pytest.raises(RequestInvalid, match="There is no role 'boss'"):
        await office.add(role="boss")

    assert await office.clients() == []
    assert office.trail.events == []


async def test_a_name_that_is_taken_is_refused_with_the_cure(office: Office) -> None:
    await office.add()

    with pytest.raises(RequestInvalid) as refused:
        await office.add()

    said = "There is a client 'ci' already; choose another name, or rotate its key for a new one."
    assert str(refused.value) == said
    assert len(office.trail.events) == 1


async def test_the_name_of_a_revoked_client_is_refused_and_that_is_said(office: Office) -> None:
    await office.add()
    await office.registry.revoke("ci", by=ME)

    with pytest.raises(RequestInvalid) as refused:
        await office.add()

    assert str(refused.value).startswith(
        "The name 'ci' is that of a client that was revoked on 2026-11-21 09:00 UTC; names are not used twice"
    )


async def test_clients_are_listed_with_their_keys(office: Office) -> None:
    await office.add("b")
    await office.add("a")
    await office.registry.rotate("b", by=ME)

    listed = await office.registry.list_clients()

    assert [(one.client.name, [key.valid_until for key in one.keys]) for one in listed] == [
        ("a", [None]),
        ("b", [MORNING + DAY, None]),
    ]


async def test_a_client_holds_until_it_expires_or_is_revoked(office: Office) -> None:
    await office.registry.add(NewClient("ci", expires_at=MORNING + DAY), by=ME)
    [known] = await office.registry.list_clients()
    assert known.holds(MORNING)
    assert not known.holds(MORNING + DAY)

    await office.registry.revoke("ci", by=ME)
    [known] = await office.registry.list_clients()
    assert not known.holds(MORNING)


@pytest.mark.parametrize(
    ("client", "state"),
    [
        (Client("1", "ci", MORNING), "active"),
        (Client("1", "ci", MORNING, expires_at=MORNING + DAY), "active"),
        (Client("1", "ci", MORNING, expires_at=MORNING), "expired"),
        (Client("1", "ci", MORNING, expires_at=MORNING, revoked_at=MORNING), "revoked"),
        (Client("1", "ci", MORNING, revoked_at=MORNING + DAY), "revoked"),
    ],
)
def test_a_client_has_one_state(client: Client, state: str) -> None:
    assert state_of(client, at=MORNING) == state


async def test_a_rotated_client_has_a_new_key_and_the_old_one_for_a_day(office: Office) -> None:
    old = await office.add()

    new = await office.registry.rotate("ci", by=ME)

    assert new != old
    assert await office.digests() == [HASHER.digest(new.reveal())]
    [known] = await office.registry.list_clients()
    assert [key.valid_until for key in known.keys] == [MORNING + DAY, None]


async def test_a_grace_of_nothing_ends_the_old_key_on_machines_whose_clock_is_behind_too(office: Office) -> None:
    await office.add()
    await office.registry.rotate("ci", by=ME, grace=Seconds(0))

    [known] = await office.registry.list_clients()
    old, new = known.keys
    assert old.valid_until == datetime(1970, 1, 1, tzinfo=UTC)
    assert new.valid_until is None
    assert office.last_event().details == {"key_prefix": new.prefix, "old_until": "at once"}


async def test_rotating_is_audited_without_the_key(office: Office) -> None:
    await office.add()
    new = await office.registry.rotate("ci", by=ME, grace=Seconds(60))

    event = office.last_event()
    assert (event.kind, event.actor, event.subject, event.request_id) == ("client_rotated", "root", "ci", "r1")
    assert event.details == {"key_prefix": new.reveal()[:12], "old_until": "2026-11-21 09:01 UTC"}
    assert new.reveal() not in repr(event)


@pytest.mark.parametrize(
    ("grace", "told"),
    [
        (-1.0, "-1 s"),
        (float("nan"), "nan s"),
        (float("inf"), "inf s"),
        (90 * 86_400 + 1.0, "7776001 s"),
        (100 * 86_400.0, "100 days"),
    ],
)
async def test_a_grace_that_is_none_is_refused(office: Office, grace: float, told: str) -> None:
    await office.add()

    with pytest.raises(RequestInvalid) as refused:
        await office.registry.rotate("ci", by=ME, grace=Seconds(grace))

    assert str(refused.value) == f"An old key cannot hold for {told} more; give 0 to 90 days."
    assert len(office.trail.events) == 1


async def test_a_client_that_nobody_knows_is_refused_with_the_nearest_name(office: Office) -> None:
    await office.add("build-farm")

    with pytest.raises(NotFound) as refused:
        await office.registry.rotate("build-frm", by=ME)
    assert str(refused.value) == "There is no client 'build-frm'; did you mean 'build-farm'?"

    with pytest.raises(NotFound) as refused:
        await office.registry.revoke("zz", by=ME)
    assert str(refused.value) == "There is no client 'zz'; list them to see their names."


async def test_a_revoked_client_gets_no_new_key_and_is_not_revoked_again(office: Office) -> None:
    await office.add()
    await office.registry.revoke("ci", by=ME)
    before = list(office.trail.events)

    with pytest.raises(RequestInvalid, match=r"'ci' was revoked on 2026-11-21 09:00 UTC, so no key"):
        await office.registry.rotate("ci", by=ME)
    with pytest.raises(RequestInvalid, match=r"'ci' was revoked already, on 2026-11-21 09:00 UTC\."):
        await office.registry.revoke("ci", by=ME)

    assert office.trail.events == before


async def test_an_expired_client_gets_no_new_key(office: Office) -> None:
    await office.registry.add(NewClient("ci", expires_at=MORNING + DAY), by=ME)
    office.clock.advance(DAY.total_seconds())

    with pytest.raises(RequestInvalid, match=r"'ci' expired on 2026-11-22 09:00 UTC, so no key of it would hold"):
        await office.registry.rotate("ci", by=ME)


async def test_revoking_ends_a_client_and_is_audited(office: Office) -> None:
    key = await office.add(role="viewer")
    office.clock.advance(60)

    await office.registry.revoke("ci", by=ME)

    assert [client.revoked_at for client in await office.clients()] == [MORNING + timedelta(seconds=60)]
    event = office.last_event()
    assert (event.kind, event.actor, event.subject) == ("client_revoked", "root", "ci")
    assert event.details == {"role": "viewer", "key_prefix": key.reveal()[:12]}


async def test_the_last_admin_is_revoked_only_by_force(office: Office) -> None:
    await office.add("boss", role="admin")
    await office.add("viewer", role="viewer")

    with pytest.raises(RequestInvalid, match=r"'boss' is the last admin, .* add another admin first, or force it"):
        await office.registry.revoke("boss", by=ME)
    assert [client.revoked_at for client in await office.clients()] == [None, None]

    await office.registry.revoke("boss", by=ME, force=True)
    assert [client.revoked_at for client in await office.clients()] == [MORNING, None]


async def test_an_admin_beside_another_is_revoked_and_others_beside_the_last(office: Office) -> None:
    await office.add("boss", role="admin")
    await office.add("deputy", role="admin")
    await office.add("viewer", role="viewer")

    await office.registry.revoke("boss", by=ME)
    await office.registry.revoke("viewer", by=ME)

    with pytest.raises(RequestInvalid, match="'deputy' is the last admin"):
        await office.registry.revoke("deputy", by=ME)


async def test_an_admin_who_expired_is_no_admin_that_is_left(office: Office) -> None:
    await office.registry.add(NewClient("guest", role="admin", expires_at=MORNING + DAY), by=ME)
    await office.add("boss", role="admin")
    office.clock.advance(DAY.total_seconds())

    with pytest.raises(RequestInvalid, match="'boss' is the last admin"):
        await office.registry.revoke("boss", by=ME)
    await office.registry.revoke("guest", by=ME)


async def test_starting_over_ends_all_clients_and_gives_one_new_admin(office: Office) -> None:
    for name in ("admin", "admin-2", "ci"):
        await office.add(name, role=None if name == "ci" else "admin")
    await office.registry.revoke("admin-2", by=ME)
    before = len(office.trail.events)

    client, key = await office.registry.start_over(by=ME)

    assert (client.name, client.role) == ("admin-3", "admin")
    assert {one.name: one.revoked_at for one in await office.clients()} == {
        "admin": MORNING,
        "admin-2": MORNING,
        "admin-3": None,
        "ci": MORNING,
    }
    assert HASHER.digest(key.reveal()) in await office.digests()
    assert await office.store.kept_hash_mark() == HASHER.mark()
    events = office.trail.events[before:]
    assert [(event.kind, event.subject, event.actor) for event in events] == [
        ("client_revoked", "admin", "root"),
        ("client_revoked", "ci", "root"),
        ("client_added", "admin-3", "root"),
    ]
    assert {event.reason for event in events} == {"started over: all clients were ended, and one admin was added"}
    assert key.reveal() not in repr(events)


class NameTaken(FakeClientStore):
    """Somebody else takes the name just before the first try."""

    @override
    async def start_over(self, mark: str, client: Client, *, key: ClientKey, at: datetime) -> bool:
        if client.name == "admin":
            await Office(store=self).add("admin")
        return await super().start_over(mark, client, key=key, at=at)


async def test_starting_over_takes_the_next_name_when_one_was_taken_just_now() -> None:
    office = Office(store=NameTaken())

    client, _ = await office.registry.start_over(by=ME)

    assert client.name == "admin-2"
    assert [one.revoked_at for one in await office.clients()] == [MORNING, None]
    assert [event.subject for event in office.trail.events] == ["admin", "admin-2"]
