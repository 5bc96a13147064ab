from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import pytest
from typing_extensions import override

from fakes.clients import FakeClientStore
from gateway_core.identity.clients import FirstAdmin
from gateway_core.identity.model import Client, ClientKey
from gateway_core.kernel.errors import SettingInvalid
from unit.gateway_core.identity.office import HASHER, ME, Office

DAY = timedelta(days=1)


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.fixture
def office() -> Office:
    return Office()


async def test_the_first_start_at_a_terminal_makes_an_admin_and_shows_its_key_once(
    office: Office, tmp_path: Path
) -> None:
    file = tmp_path / "admin-key"

    first = await office.registry.ensure_first_admin(file, to_file=False)
    again = await office.registry.ensure_first_admin(file, to_file=False)

    assert first.key is not None
    assert await office.digests() == [HASHER.digest(first.key.reveal())]
    [admin] = await office.clients()
    assert (admin.name, admin.role, admin.scopes, admin.expires_at) == ("admin", "admin", frozenset(), None)
    assert (first.path, again.key, again.path) == (None, None, None)
    assert not file.exists()


async def test_the_first_start_without_a_terminal_writes_the_key_to_a_file_of_ours_alone(
    office: Office, tmp_path: Path
) -> None:
    file = tmp_path / "data" / "admin-key"

    first = await office.registry.ensure_first_admin(file, to_file=True)
    again = await office.registry.ensure_first_admin(file, to_file=True)

    assert (first.key, first.path) == (again.key, again.path) == (None, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert await office.digests() == [HASHER.digest(file.read_text().strip())]


@pytest.mark.parametrize("to_file", [True, False])
async def test_a_key_that_an_operator_put_there_is_taken_over(office: Office, tmp_path: Path, *, to_file: bool) -> None:
    file = tmp_path / "admin-key"
    file.write_text("gw-made-by-the-operator-1\n")

    first = await office.registry.ensure_first_admin(file, to_file=to_file)

    assert (first.key, first.path) == (None, file)
    assert await office.digests() == [HASHER.digest("gw-made-by-the-operator-1")]
    assert file.read_text() == "gw-made-by-the-operator-1\n"


async def test_the_first_admin_is_audited(office: Office, tmp_path: Path) -> None:
    first = await office.registry.ensure_first_admin(tmp_path / "admin-key", to_file=False)

    assert first.key is not None
    [event] = office.trail.events
    assert (event.kind, event.actor, event.subject) == ("client_added", "first start", "admin")
    assert event.details == {"role": "admin", "key_prefix": first.key.reveal()[:12]}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "gw-short",
        "gw-" + "x" * 20,
        "gw-" + "x" * 198,
        "sk-ant-0123456789-0123456789",
        "gw-with a blank in its middle",
        "gw-with-a-comma,in-its-middle",
        "gw-two-lines-of-characters\ngw-two-lines",
        "gw-ümlaute-im-schlüssel-123",
    ],
)
async def test_a_file_that_holds_no_key_is_refused_by_name_and_left_as_it_is(
    office: Office, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "admin-key"
    file.write_text(content)

    with pytest.raises(SettingInvalid) as refused:
        await office.registry.ensure_first_admin(file, to_file=True)

    assert str(refused.value).startswith(f"The admin key file {str(file)!r} holds no key: one begins with gw-")
    assert not content or content not in str(refused.value)
    assert file.read_text() == content
    assert await office.clients() == []


@pytest.mark.parametrize("length", [24, 200])
async def test_the_shortest_and_the_longest_key_are_taken_over(office: Office, tmp_path: Path, length: int) -> None:
    file = tmp_path / "admin-key"
    file.write_text("gw-".ljust(length, "x"))

    assert (await office.registry.ensure_first_admin(file, to_file=False)).path == file


@pytest.mark.parametrize("to_file", [True, False])
async def test_where_there_was_an_admin_no_other_and_no_file_is_made(
    office: Office, tmp_path: Path, *, to_file: bool
) -> None:
    await office.add("boss", role="admin")
    await office.registry.revoke("boss", by=ME, force=True)

    first = await office.registry.ensure_first_admin(tmp_path / "admin-key", to_file=to_file)

    assert first == FirstAdmin()
    assert [client.name for client in await office.clients()] == ["boss"]
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    ("names", "given"), [(["ci"], "admin"), (["admin"], "admin-2"), (["admin", "admin-2", "admin-4"], "admin-3")]
)
async def test_where_nobody_was_ever_an_admin_one_is_made_under_a_free_name(
    office: Office, tmp_path: Path, *, names: list[str], given: str
) -> None:
    for name in names:
        await office.add(name, role="operator")

    first = await office.registry.ensure_first_admin(tmp_path / "admin-key", to_file=True)

    assert first == FirstAdmin(path=tmp_path / "admin-key", name=given)
    assert [client.role for client in await office.clients() if client.name == given] == ["admin"]


async def test_the_admin_who_holds_is_named(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "admin-key"
    first = await office.registry.ensure_first_admin(file, to_file=False)
    office.clock.advance(1)
    await office.add("a-deputy", role="admin")
    again = await office.registry.ensure_first_admin(file, to_file=False)
    await office.registry.revoke("admin", by=ME)
    later = await office.registry.ensure_first_admin(file, to_file=False)
    await office.registry.revoke("a-deputy", by=ME, force=True)
    last = await office.registry.ensure_first_admin(file, to_file=False)

    assert [one.name for one in (first, again, later, last)] == ["admin", "admin", "a-deputy", None]


async def test_a_file_with_the_key_of_somebody_else_is_refused(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "admin-key"
    key = await office.add("ci")
    file.write_text(key.reveal())

    with pytest.raises(SettingInvalid) as refused:
        await office.registry.ensure_first_admin(file, to_file=False)

    assert f"{str(file)!r} holds a key of the client 'ci', who is no admin" in str(refused.value)
    assert key.reveal() not in str(refused.value)


@pytest.mark.parametrize("content", ["gw-a-key-that-nobody-holds-1", "", b"\xff"])
async def test_a_file_whose_key_opens_nothing_is_not_offered(
    office: Office, tmp_path: Path, content: str | bytes
) -> None:
    file = tmp_path / "admin-key"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    await office.add("boss", role="admin")

    assert await office.registry.ensure_first_admin(file, to_file=True) == FirstAdmin(name="boss")
    assert file.exists()


async def test_a_file_whose_key_was_rotated_out_is_offered_until_it_ends(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "admin-key"
    await office.registry.ensure_first_admin(file, to_file=True)
    await office.registry.rotate("admin", by=ME)

    assert (await office.registry.ensure_first_admin(file, to_file=True)).path == file
    office.clock.advance(DAY.total_seconds())
    assert (await office.registry.ensure_first_admin(file, to_file=True)).path is None


class Overtaken(FakeClientStore):
    """Another process adds an admin just before the first one is."""

    @override
    async def add_first(self, client: Client, key: ClientKey) -> bool:
        other = Office(store=self)
        await other.add("overtaker", role="admin")
        return await super().add_first(client, key)


async def test_a_file_that_was_made_for_nothing_is_removed(tmp_path: Path) -> None:
    office = Office(store=Overtaken())

    first = await office.registry.ensure_first_admin(tmp_path / "admin-key", to_file=True)

    assert first == FirstAdmin(name="overtaker")
    assert names_in(tmp_path) == []
    assert office.trail.events == []


class NameTaken(FakeClientStore):
    """Another process gives the name to somebody just before the first try."""

    @override
    async def add_first(self, client: Client, key: ClientKey) -> bool:
        if client.name == "admin":
            await Office(store=self).add("admin")
        return await super().add_first(client, key)


async def test_a_name_that_was_taken_just_now_is_followed_by_the_next(tmp_path: Path) -> None:
    office = Office(store=NameTaken())
    file = tmp_path / "admin-key"

    first = await office.registry.ensure_first_admin(file, to_file=True)

    assert first == FirstAdmin(path=file, name="admin-2")
    assert HASHER.digest(file.read_text().strip()) in await office.digests()
