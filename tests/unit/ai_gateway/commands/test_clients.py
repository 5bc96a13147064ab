"""The commands about clients, on a database of their own."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import pwd
import re
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Protocol

import pytest
import structlog
from typer.testing import CliRunner, Result

from ai_gateway.commands.clients import app
from gateway_core.audit.model import AuditEvent, AuditQuery
from gateway_core.identity.client_index import ClientIndex
from gateway_core.identity.sql import SqlClientStore
from gateway_core.kernel.clock import SystemClock
from gateway_core.kernel.errors import CredentialRefused
from gateway_core.runtime.clients import open_hasher
from gateway_core.runtime.records import open_audit, open_database
from gateway_core.settings.load import load_settings

KEY = re.compile(r"gw-[A-Za-z0-9_-]{43}\n")
ME = f"command:{pwd.getpwuid(os.getuid()).pw_name}"


class RunClients(Protocol):
    """Run `ai-gateway clients` with these words."""

    def __call__(self, *words: str, **given: str) -> Result: ...


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Give logging back as it was found: the command sets it up for itself."""
    root, hook, config = logging.getLogger(), sys.excepthook, structlog.get_config()
    configured, handlers, level = structlog.is_configured(), root.handlers[:], root.level
    access = logging.getLogger("uvicorn.access")
    before = access.propagate, access.disabled
    yield
    sys.excepthook = hook
    root.handlers[:] = handlers
    root.setLevel(level)
    access.propagate, access.disabled = before
    structlog.reset_defaults()
    if configured:
        structlog.configure(**config)


@pytest.fixture
def environment(tmp_path: Path, own_logging: None, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.chdir(tmp_path)
    return {"HOME": str(tmp_path), "AIGW_DATA_DIR": str(tmp_path / "data")}


@pytest.fixture
def run(environment: dict[str, str]) -> RunClients:
    def run_clients(*words: str, **given: str) -> Result:
        return CliRunner().invoke(app, words, env=environment | given, catch_exceptions=False)

    return run_clients


def opens(key: str, environment: dict[str, str]) -> str:
    """Give the name of the client that a gateway on the same data takes this key for; or why it does not."""

    async def ask() -> str:
        settings = load_settings(environment, env_file=None)
        async with open_database(settings) as database:
            store = SqlClientStore(database)
            async with ClientIndex(store, await open_hasher(settings, store), clock=SystemClock()) as index:
                try:
                    return index.holder(key.strip()).name
                except CredentialRefused as refused:
                    return refused.reason

    return asyncio.run(ask())


def name_of_database(environment: dict[str, str]) -> str:
    """Name the database as the commands do."""
    return f"the database file {str(Path(environment['AIGW_DATA_DIR']) / 'gateway.db')!r}"


def audited(environment: dict[str, str]) -> list[AuditEvent]:
    """Give all that the audit holds, the oldest first."""

    async def ask() -> list[AuditEvent]:
        async with open_audit(load_settings(environment, env_file=None)) as store:
            return list(reversed(await store.find(AuditQuery())))

    return asyncio.run(ask())


def test_the_key_of_a_new_client_is_alone_on_standard_output_and_works(
    run: RunClients, environment: dict[str, str]
) -> None:
    added = run("add", "ci")

    assert added.exit_code == 0
    assert KEY.fullmatch(added.stdout)
    database = name_of_database(environment)
    assert added.stderr == f"Client 'ci' was added to {database}. Its key, which is not shown again:\n"
    assert opens(added.stdout, environment) == "ci"


def test_a_client_gets_what_was_asked_for(run: RunClients) -> None:
    words = ["--role", "viewer", "--scopes", "complete_code, generate_code", "--models", "coder"]
    limits = ["--budget", "50/month", "--rpm", "600", "--tpm", "9000", "--expires", "2100-12-31"]
    added = run("add", "team-a", *words, *limits)
    listed = json.loads(run("list", "--json").stdout)

    assert added.exit_code == 0
    assert KEY.fullmatch(added.stdout)
    assert added.stderr.splitlines()[1:] == [
        "This version keeps --budget and --rpm and --tpm, but does not enforce what they say yet."
    ]
    del listed["created_at"], listed["keys"]
    assert listed == {
        "name": "team-a",
        "role": "viewer",
        "state": "active",
        "scopes": ["complete_code", "generate_code"],
        "models": ["coder"],
        "budget": {"usd": "50", "per": "month"},
        "rpm": 600,
        "tpm": 9000,
        "not_enforced": ["budget", "rpm", "tpm"],
        "expires_at": "2100-12-31T00:00:00Z",
        "revoked_at": None,
    }


def test_a_client_that_cannot_be_is_refused_in_one_line(run: RunClients) -> None:
    refused = run("add", "ci", "--role", "amin")

    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr == (
        "ai-gateway: There is no role 'amin'; did you mean 'admin'? Give viewer, operator or admin, or none.\n"
    )
    assert run("list", "--json").stdout == ""


@pytest.mark.parametrize(
    ("option", "value"),
    [("--scopes", ""), ("--models", ","), ("--budget", "50"), ("--expires", "soon"), ("--rpm", "many")],
)
def test_an_option_that_cannot_be_read_is_named_before_anything_is_opened(
    run: RunClients, environment: dict[str, str], option: str, value: str
) -> None:
    refused = run("add", "ci", option, value)

    assert (refused.exit_code, refused.stdout) == (2, "")
    assert option in refused.stderr
    assert not Path(environment["AIGW_DATA_DIR"]).exists()


def test_clients_are_listed_without_their_keys(run: RunClients) -> None:
    keys = [run("add", name).stdout.strip() for name in ("b", "a")]

    listed = run("list")

    assert listed.exit_code == 0
    assert [line.split("\t")[0] for line in listed.stdout.splitlines()] == ["NAME", "a", "b"]
    for key in keys:
        assert f"{key[:12]}…" in listed.stdout
        assert key[12:] not in listed.stdout + run("list", "--json").stdout


def test_a_rotated_client_has_two_keys_for_a_while(run: RunClients, environment: dict[str, str]) -> None:
    old = run("add", "ci").stdout
    rotated = run("rotate", "ci")

    assert KEY.fullmatch(rotated.stdout)
    assert f"Client 'ci' has a new key in {name_of_database(environment)}." in rotated.stderr
    assert "The one before holds for 24h yet." in rotated.stderr
    assert [opens(key, environment) for key in (old, rotated.stdout)] == ["ci", "ci"]


def test_a_grace_of_nothing_ends_the_old_key_at_once(run: RunClients, environment: dict[str, str]) -> None:
    old = run("add", "ci").stdout
    rotated = run("rotate", "ci", "--grace", "0")

    assert "The one before holds no more." in rotated.stderr
    assert "was rotated out" in opens(old, environment)
    assert opens(rotated.stdout, environment) == "ci"


def test_a_revoked_client_gets_in_no_more(run: RunClients, environment: dict[str, str]) -> None:
    key = run("add", "ci").stdout
    revoked = run("revoke", "ci")

    assert (revoked.exit_code, revoked.stdout) == (0, "")
    assert revoked.stderr == f"Client 'ci' was revoked in {name_of_database(environment)}.\n"
    assert "was revoked" in opens(key, environment)


def test_the_last_admin_is_revoked_only_by_force(run: RunClients) -> None:
    run("add", "boss", "--role", "admin")

    refused = run("revoke", "boss")

    assert refused.exit_code == 1
    assert "ai-gateway: The client 'boss' is the last admin" in refused.stderr
    assert run("revoke", "boss", "--force").exit_code == 0


@pytest.mark.parametrize("command", ["rotate", "revoke"])
def test_a_client_that_nobody_knows_is_refused(run: RunClients, environment: dict[str, str], command: str) -> None:
    run("add", "build-farm")

    refused = run(command, "build-frm")

    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr == (
        "ai-gateway: There is no client 'build-frm'; did you mean 'build-farm'? "
        f"It was looked for in {name_of_database(environment)}.\n"
    )


@pytest.mark.parametrize("words", [("list",), ("rotate", "ci"), ("revoke", "ci"), ("start-over", "--yes")])
def test_only_adding_makes_a_database(run: RunClients, environment: dict[str, str], words: tuple[str, ...]) -> None:
    data = Path(environment["AIGW_DATA_DIR"])

    refused = run(*words)

    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr == (
        f"ai-gateway: There is no database at {str(data / 'gateway.db')!r}: is AIGW_DATA_DIR that of the gateway?\n"
    )
    assert not data.exists()


def test_a_grace_that_is_too_long_is_refused_in_days(run: RunClients) -> None:
    run("add", "ci")

    refused = run("rotate", "ci", "--grace", "100d")

    assert refused.stderr == "ai-gateway: An old key cannot hold for 100 days more; give 0 to 90 days.\n"


@pytest.mark.parametrize("command", ["add", "rotate", "revoke"])
def test_the_argument_has_one_name(run: RunClients, command: str) -> None:
    missing = run(command)

    assert f"{command} [OPTIONS] {{NAME}}" in missing.stderr
    assert "Missing argument 'NAME'" in missing.stderr


def test_each_change_is_audited_with_the_account_that_made_it(run: RunClients, environment: dict[str, str]) -> None:
    keys = [run("add", "ci", "--role", "viewer").stdout, run("rotate", "ci").stdout]
    run("revoke", "ci")
    run("revoke", "ci")

    events = audited(environment)

    assert [(event.kind, event.actor, event.subject) for event in events] == [
        ("client_added", ME, "ci"),
        ("client_rotated", ME, "ci"),
        ("client_revoked", ME, "ci"),
    ]
    assert events[0].details == {"role": "viewer", "key_prefix": keys[0][:12]}
    assert not any(key.strip() in repr(events) for key in keys)


def test_a_change_that_could_not_be_audited_was_made_and_that_is_said(
    run: RunClients, environment: dict[str, str]
) -> None:
    run("add", "ci")
    with closing(sqlite3.connect(Path(environment["AIGW_DATA_DIR"]) / "gateway.db")) as connection:
        connection.execute("DROP TABLE audit_events")

    added = run("add", "other")

    assert added.exit_code == 2
    assert "ai-gateway: The change was made, but it could not be written to the audit: " in added.stderr
    assert opens(added.stdout, environment) == "other"


def test_another_hash_key_than_the_earlier_one_is_refused_with_the_cure(run: RunClients) -> None:
    run("add", "ci")

    refused = run("add", "other", AIGW_CLIENTS__HASH_KEY="x" * 32)

    assert (refused.exit_code, refused.stdout) == (2, "")
    [line] = refused.stderr.splitlines()
    assert "were hashed with another key than AIGW_CLIENTS__HASH_KEY holds" in line
    assert "xxxx" not in line
    assert run("list").stdout.count("\n") == 2


@pytest.mark.parametrize("words", [("list",), ("add", "other"), ("rotate", "ci"), ("start-over",)])
def test_a_hash_key_file_that_was_lost_is_never_made_anew_by_itself(
    run: RunClients, environment: dict[str, str], words: tuple[str, ...]
) -> None:
    run("add", "ci")
    file = Path(environment["AIGW_DATA_DIR"]) / "client-hash-key"
    file.unlink()

    refused = run(*words)

    assert (refused.exit_code, refused.stdout) == (2, "")
    assert not file.exists()


def test_a_hash_key_file_that_was_lost_is_named_with_the_cure(run: RunClients, environment: dict[str, str]) -> None:
    run("add", "ci")
    file = Path(environment["AIGW_DATA_DIR"]) / "client-hash-key"
    kept = file.read_text()
    file.unlink()

    [line] = run("list").stderr.splitlines()
    file.write_text(kept)

    assert line == (
        f"ai-gateway: The client hash key file {str(file)!r} is missing, and AIGW_CLIENTS__HASH_KEY is not set: "
        f"the keys of clients in {name_of_database(environment)} were hashed with it. Restore it from a backup, or "
        "copy it from the machine that made it. Only when it is gone for good: `ai-gateway clients start-over` ends "
        "all clients and begins with one new admin."
    )
    assert run("list").exit_code == 0


@pytest.mark.parametrize("lost", [True, False], ids=["lost", "replaced"])
def test_who_lost_the_hash_key_for_good_starts_over_with_one_new_admin(
    run: RunClients, environment: dict[str, str], *, lost: bool
) -> None:
    old = [run("add", "admin", "--role", "admin").stdout, run("add", "ci").stdout]
    file = Path(environment["AIGW_DATA_DIR"]) / "client-hash-key"
    if lost:
        file.unlink()
    else:
        file.write_text("another key than that of the stored ones")

    done = run("start-over", "--yes")

    assert done.exit_code == 0
    assert KEY.fullmatch(done.stdout)
    assert f"All clients in {name_of_database(environment)} were ended" in done.stderr
    assert "start every gateway on this database again" in done.stderr
    assert "The new admin is 'admin-2'." in done.stderr
    assert opens(done.stdout, environment) == "admin-2"
    assert not any(opens(key, environment) in {"admin", "ci"} for key in old)
    states = {one["name"]: one["state"] for one in map(json.loads, run("list", "--json").stdout.splitlines())}
    assert states == {"admin": "revoked", "admin-2": "active", "ci": "revoked"}
    assert [(event.kind, event.actor, event.subject) for event in audited(environment)][2:] == [
        ("client_revoked", ME, "admin"),
        ("client_revoked", ME, "ci"),
        ("client_added", ME, "admin-2"),
    ]


def test_starting_over_is_done_only_by_who_is_sure(run: RunClients, environment: dict[str, str]) -> None:
    key = run("add", "ci").stdout

    refused = run("start-over")

    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr == ("ai-gateway: This ends every client and all their keys for good; to do it, add --yes.\n")
    assert opens(key, environment) == "ci"


def test_a_warning_stays_away_from_the_key(run: RunClients, environment: dict[str, str]) -> None:
    run("add", "ci")
    (Path(environment["AIGW_DATA_DIR"]) / "client-hash-key").chmod(0o644)

    added = run("add", "other")

    assert KEY.fullmatch(added.stdout)


def test_a_setting_that_does_not_fit_is_one_line(run: RunClients) -> None:
    refused = run("list", AIGW_DATABASE_URL="mysql://db/gateway")

    assert refused.exit_code == 2
    [line] = refused.stderr.splitlines()
    assert line.startswith("ai-gateway: AIGW_DATABASE_URL")


def test_a_database_that_cannot_be_opened_is_one_line(run: RunClients, tmp_path: Path) -> None:
    refused = run("list", AIGW_DATABASE_URL=f"sqlite:///{tmp_path}")

    assert refused.exit_code == 2
    [line] = refused.stderr.splitlines()
    assert line.startswith("ai-gateway: ")


def test_without_words_it_shows_its_help(run: RunClients) -> None:
    assert "rotate" in run().output
