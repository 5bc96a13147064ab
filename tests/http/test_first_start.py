"""The first start: how an operator gets their key, once, and what later starts do about it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from fakes.databases import ENGINES, Engine, new_database
from fakes.gateway import RunningGateway, key_in, run_gateway, run_to_end, wait_for
from fakes.gitlab import complete, key_headers
from fakes.operator_calls import CLIENTS, Operator

PROVISIONED = "gw-provisioned-by-the-operator-0123456789"


def admin_key(folder: Path) -> Path:
    return folder / "data" / "admin-key"


def role_of(gateway: RunningGateway, key: str) -> tuple[int, object]:
    return Operator(gateway, key).ask("GET", "/admin/me")


def test_without_a_terminal_the_key_is_in_a_file_for_its_owner_alone(tmp_path: Path) -> None:
    data = tmp_path / "not" / "there" / "yet"
    file = data / "admin-key"
    settings = {"AIGW_DATA_DIR": str(data)}
    with run_gateway(tmp_path, settings) as gateway:
        key = file.read_text().strip()
        assert stat.S_IMODE(data.stat().st_mode) == 0o700
        for secret in (file, data / "gateway.db", data / "client-hash-key"):
            assert stat.S_IMODE(secret.stat().st_mode) == 0o600
        assert str(file) in gateway.banner
        assert role_of(gateway, key) == (200, {"name": "admin", "role": "admin"})
        assert key not in gateway.banner + gateway.log_text() + (tmp_path / "stderr.txt").read_text()

    with run_gateway(tmp_path, settings) as gateway:
        assert file.read_text().strip() == key
        assert key not in gateway.banner
        assert role_of(gateway, key) == (200, {"name": "admin", "role": "admin"})


def test_on_a_terminal_the_key_is_shown_once_and_written_nowhere(tmp_path: Path) -> None:
    with run_gateway(tmp_path, terminal=True) as gateway:
        key = key_in(gateway.banner)
        assert not admin_key(tmp_path).exists()
        assert role_of(gateway, key) == (200, {"name": "admin", "role": "admin"})
        assert complete(gateway, key_headers(key))[0] == 200

    with run_gateway(tmp_path, terminal=True) as gateway:
        assert "gw-" not in gateway.banner
        assert "clients rotate admin" in gateway.banner
        assert not admin_key(tmp_path).exists()
        assert role_of(gateway, key) == (200, {"name": "admin", "role": "admin"})

    written = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    assert not any(key.encode() in content for content in written)


def test_a_lost_admin_key_is_replaced_by_a_command(tmp_path: Path) -> None:
    with run_gateway(tmp_path, warm=True) as gateway:
        lost = gateway.key
        ended = gateway.command("clients", "rotate", "admin", "--grace", "0")
        found = key_in(ended.stdout)

        wait_for(
            lambda: role_of(gateway, found) == (200, {"name": "admin", "role": "admin"}) or None, what="the new key"
        )
        assert complete(gateway, key_headers(lost))[0] == 401
    with run_gateway(tmp_path, warm=True) as gateway:
        # The file holds a key that opens nothing any more: it must not be advertised.
        assert str(admin_key(tmp_path)) not in gateway.banner


def test_a_key_that_the_operator_put_there_is_taken_over(tmp_path: Path) -> None:
    file = admin_key(tmp_path)
    file.parent.mkdir()
    file.write_text(f"{PROVISIONED}\n")
    file.chmod(0o600)

    with run_gateway(tmp_path, terminal=True) as gateway:
        assert role_of(gateway, PROVISIONED) == (200, {"name": "admin", "role": "admin"})
        assert PROVISIONED not in gateway.banner
        assert PROVISIONED not in gateway.log_text()
        assert [one["name"] for one in Operator(gateway).ask("GET", CLIENTS)[1]["clients"]] == ["admin"]


def test_a_client_that_was_added_before_the_first_start_is_kept(tmp_path: Path) -> None:
    added = run_to_end(tmp_path, {}, "clients", "add", "boss", "--role", "admin", warm=True)
    assert added.returncode == 0

    with run_gateway(tmp_path, warm=True) as gateway:
        assert role_of(gateway, key_in(added.stdout)) == (200, {"name": "boss", "role": "admin"})
        # Somebody can get in, so no further key is made.
        assert not admin_key(tmp_path).exists()


def test_clients_that_came_first_and_may_not_come_in_leave_an_admin_to_be_made(tmp_path: Path) -> None:
    assert run_to_end(tmp_path, {}, "clients", "add", "admin", "--role", "viewer", warm=True).returncode == 0

    with run_gateway(tmp_path, warm=True) as gateway:
        assert role_of(gateway, gateway.key) == (200, {"name": "admin-2", "role": "admin"})
        assert str(admin_key(tmp_path)) in gateway.banner


def test_who_revoked_every_admin_by_force_gets_none_and_reads_how_to_make_one(tmp_path: Path) -> None:
    added = run_to_end(tmp_path, {}, "clients", "add", "boss", "--role", "admin", warm=True)
    assert run_to_end(tmp_path, {}, "clients", "revoke", "boss", "--force", warm=True).returncode == 0

    with run_gateway(tmp_path, warm=True) as gateway:
        assert not admin_key(tmp_path).exists()
        assert role_of(gateway, key_in(added.stdout))[0] == 401
        assert "clients add NAME --role admin" in gateway.banner
        made = gateway.add_client("chief", "--role", "admin")
        wait_for(
            lambda: role_of(gateway, made) == (200, {"name": "chief", "role": "admin"}) or None, what="the new admin"
        )


def test_without_the_hash_key_it_does_not_start_until_it_is_back_or_all_began_anew(tmp_path: Path) -> None:
    with run_gateway(tmp_path, warm=True) as gateway:
        key = gateway.key
    file = tmp_path / "data" / "client-hash-key"
    kept = file.read_text()
    file.unlink()

    refused = run_to_end(tmp_path, {}, "serve")
    assert refused.returncode == 2
    assert f"The client hash key file {str(file)!r} is missing" in refused.stderr
    assert not file.exists()
    file.write_text(kept)
    with run_gateway(tmp_path, warm=True) as gateway:
        assert role_of(gateway, key) == (200, {"name": "admin", "role": "admin"})
    file.unlink()
    begun = run_to_end(tmp_path, {}, "clients", "start-over", "--yes", warm=True)
    with run_gateway(tmp_path, warm=True) as gateway:
        assert role_of(gateway, key_in(begun.stdout)) == (200, {"name": "admin-2", "role": "admin"})
        assert role_of(gateway, key)[0] == 401
        # It holds a key that opens nothing any more.
        assert str(admin_key(tmp_path)) not in gateway.banner
        assert "clients rotate admin-2" in gateway.banner


def test_two_workers_agree_on_one_admin(tmp_path: Path) -> None:
    with run_gateway(tmp_path, {"WEB_CONCURRENCY": "2"}) as gateway:
        assert {complete(gateway, key_headers(gateway.key))[0] for _ in range(20)} == {200}
        assert [one["name"] for one in Operator(gateway).ask("GET", CLIENTS)[1]["clients"]] == ["admin"]


@pytest.mark.parametrize("engine", ENGINES)
def test_gateways_with_one_database_have_one_admin_and_the_same_clients(engine: Engine, tmp_path: Path) -> None:
    with new_database(engine, tmp_path) as url:
        # Two gateways that share nothing but the database and the key that hashes.
        settings = {"AIGW_DATABASE_URL": url, "AIGW_CLIENTS__HASH_KEY": "0123456789abcdef0123456789abcdef"}
        with (
            run_gateway(tmp_path / "first", settings, warm=True) as first,
            run_gateway(tmp_path / "second", settings, warm=True) as second,
        ):
            assert role_of(second, first.key) == (200, {"name": "admin", "role": "admin"})
            assert not admin_key(tmp_path / "second").exists()
            name, key = Operator(first).add()
            wait_for(lambda: complete(second, key_headers(key))[0] == 200 or None, what="the key at the other gateway")

            Operator(second, first.key).revoke(name)

            wait_for(lambda: complete(first, key_headers(key))[0] == 401 or None, what="the key to end", within_s=2)
            [event] = Operator(first).audit(kind="client_revoked")
            assert (event["actor"], event["subject"]) == ("admin", name)
        assert not (tmp_path / "first" / "data" / "gateway.db").exists()
        listed = run_to_end(tmp_path / "first", settings, "clients", "list")
        assert name in listed.stdout
