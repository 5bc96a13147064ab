"""`ai-gateway audit`, on a database of its own."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Protocol

import pytest
import typer
from typer.testing import CliRunner, Result

from ai_gateway.command_line import app
from ai_gateway.commands.audit import parse_since
from fakes.clock import MORNING
from gateway_core.audit.model import AuditEvent
from gateway_core.runtime.records import open_audit
from gateway_core.settings.load import load_settings

NOW = datetime.now(UTC)
REFUSED = AuditEvent(
    at=NOW - timedelta(days=3),
    kind="credential_refused",
    subject="/v1/chat/completions",
    reason="the key 'gw-3f9ak2p7' is not known",
    request_id="r-1",
    address="192.0.2.7",
    details={"repeated": "12"},
)
ADDED = AuditEvent(at=NOW - timedelta(minutes=5), kind="client_added", actor="command:me", subject="ci")


class RunAudit(Protocol):
    """Run `ai-gateway audit` with these words."""

    def __call__(self, *words: str, **given: str) -> Result: ...


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.chdir(tmp_path)
    return {"AIGW_DATA_DIR": str(tmp_path / "data")}


@pytest.fixture
def run(environment: dict[str, str]) -> RunAudit:
    return lambda *words, **given: CliRunner().invoke(
        app, ["audit", *words], env=environment | given, catch_exceptions=False
    )


def keep(environment: dict[str, str], *events: AuditEvent) -> None:
    async def add() -> None:
        async with open_audit(load_settings(environment, env_file=None)) as store:
            await store.add(events)

    asyncio.run(add())


def test_the_newest_event_is_the_first_row(run: RunAudit, environment: dict[str, str]) -> None:
    keep(environment, REFUSED, ADDED)

    head, first, second = run("list").stdout.splitlines()

    assert head.split() == ["Time", "(UTC)", "What", "Who", "From", "Subject", "Why", "Request"]
    assert first.split() == [f"{ADDED.at:%Y-%m-%d}", f"{ADDED.at:%H:%M:%S}", "client_added", "command:me", "ci"]
    assert "nobody proven  192.0.2.7  /v1/chat/completions  the key 'gw-3f9ak2p7' is not known; repeated: 12" in second
    assert second.rstrip().endswith("r-1")


def test_json_is_one_object_a_line_with_every_field(run: RunAudit, environment: dict[str, str]) -> None:
    keep(environment, REFUSED, ADDED)

    first, second = map(json.loads, run("list", "--json").stdout.splitlines())

    assert first["kind"] == "client_added"
    assert second == {
        "at": REFUSED.at.isoformat().replace("+00:00", "Z"),
        "kind": "credential_refused",
        "actor": "",
        "subject": "/v1/chat/completions",
        "reason": "the key 'gw-3f9ak2p7' is not known",
        "request_id": "r-1",
        "address": "192.0.2.7",
        "details": {"repeated": "12"},
        "id": 1,
    }


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        (["--kind", "client_added"], ["client_added"]),
        (["--actor", "command:me"], ["client_added"]),
        (["--subject", "ci"], ["client_added"]),
        (["--request-id", "r-1"], ["credential_refused"]),
        (["--since", "2h"], ["client_added"]),
        (["--since", "7d"], ["client_added", "credential_refused"]),
        (["--limit", "1"], ["client_added"]),
        (["--kind", "client_added", "--request-id", "r-1"], []),
    ],
)
def test_only_what_was_asked_for_is_shown(
    run: RunAudit, environment: dict[str, str], words: list[str], kinds: list[str]
) -> None:
    keep(environment, REFUSED, ADDED)

    lines = run("list", "--json", *words).stdout.splitlines()

    assert [json.loads(line)["kind"] for line in lines] == kinds


def test_what_a_caller_sent_cannot_command_the_terminal(run: RunAudit, environment: dict[str, str]) -> None:
    keep(environment, replace(REFUSED, subject="/v1/\x1b[2J\r\nfake \x9b31m[red]row\u202e"))

    table, lines = run("list").stdout, run("list", "--json").stdout

    assert r"/v1/\x1b[2J\r\nfake \x9b31m[red]row\u202e" in table
    for shown in (table, lines):
        assert len(shown.splitlines()) == len(shown.split("\n")) - 1
        assert all(one.isprintable() or one == "\n" for one in shown)


def test_a_sum_over_several_callers_does_not_call_them_unproven(run: RunAudit, environment: dict[str, str]) -> None:
    keep(environment, replace(REFUSED, kind="permission_refused"))

    shown = run("list").stdout

    assert "several" in shown
    assert "nobody proven" not in shown


def on_terminal(columns: int) -> dict[str, str]:
    return {"FORCE_COLOR": "1", "NO_COLOR": "1", "TERM": "xterm", "COLUMNS": str(columns)}


def keys_of(event: AuditEvent) -> tuple[str, ...]:
    """Give what one asks the next question with."""
    return event.kind, event.actor or "nobody proven", event.address, event.subject, event.request_id


LONG = replace(REFUSED, subject="GET /" + "p" * 200, request_id="6f0a1c52-77d1-4a39-9d9b-" + "1" * 300)


@pytest.mark.parametrize("columns", [20, 80, 100, 120, 150, 200, 400])
@pytest.mark.parametrize("event", [REFUSED, LONG], ids=["usual", "long"])
def test_a_terminal_of_any_width_shows_whole_what_one_searches_by(
    run: RunAudit, environment: dict[str, str], event: AuditEvent, columns: int
) -> None:
    keep(environment, event)

    shown = run("list", **on_terminal(columns)).stdout

    assert [key for key in keys_of(event) if key not in shown] == []
    assert "…" not in shown


def test_a_narrow_terminal_gets_a_block_for_each_event(run: RunAudit, environment: dict[str, str]) -> None:
    keep(environment, REFUSED, replace(ADDED, reason="\x1b[2J"))

    assert run("list", **on_terminal(80)).stdout.splitlines() == [
        f"{ADDED.at:%Y-%m-%d %H:%M:%S}  client_added",
        "  Who      command:me",
        "  Subject  ci",
        r"  Why      \x1b[2J",
        "",
        f"{REFUSED.at:%Y-%m-%d %H:%M:%S}  credential_refused",
        "  Who      nobody proven",
        "  From     192.0.2.7",
        "  Subject  /v1/chat/completions",
        "  Why      the key 'gw-3f9ak2p7' is not known; repeated: 12",
        "  Request  r-1",
        "",
    ]


def test_a_wide_terminal_gets_a_row_for_each_event(run: RunAudit, environment: dict[str, str]) -> None:
    keep(environment, REFUSED, ADDED)

    assert len(run("list", **on_terminal(180)).stdout.splitlines()) == 3


def test_a_file_gets_whole_rows_however_long_they_are(run: RunAudit, environment: dict[str, str]) -> None:
    keep(environment, LONG)

    row = run("list").stdout.splitlines()[1]

    assert [key for key in keys_of(LONG) if key not in row] == []


def test_a_database_that_is_not_there_is_not_made(run: RunAudit, tmp_path: Path) -> None:
    result = run("list")

    path = tmp_path / "data" / "gateway.db"
    said = f"ai-gateway: There is no database at {str(path)!r}: is AIGW_DATA_DIR that of the gateway?\n"
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", said)
    assert list(tmp_path.iterdir()) == []


def test_the_setting_that_chose_the_missing_database_is_named(run: RunAudit, tmp_path: Path) -> None:
    result = run("list", AIGW_DATABASE_URL=f"sqlite:///{tmp_path}/other.db")

    assert "other.db': is AIGW_DATABASE_URL that of the gateway?" in result.stderr


def test_nothing_found_is_said_beside_the_output(run: RunAudit, environment: dict[str, str]) -> None:
    keep(environment)

    result = run("list")

    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "No such events.\n")


@pytest.mark.parametrize(
    "words", [["--since", "yesterday"], ["--since", "99999w9"], ["--kind", "other"], ["--limit", "0"]]
)
def test_a_question_that_makes_no_sense_is_refused(run: RunAudit, words: list[str]) -> None:
    result = run("list", *words)

    assert result.exit_code == 2
    assert words[0] in result.stderr
    assert result.stdout == ""


def test_a_database_that_cannot_be_used_is_told_in_one_line(run: RunAudit, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "gateway.db").write_text("no database " * 100)

    result = run("list")

    assert result.exit_code == 2
    assert result.stderr.startswith("ai-gateway: Cannot use the database file")
    assert result.stderr.count("\n") == 1


def test_a_setting_that_is_wrong_is_told_in_one_line(run: RunAudit) -> None:
    result = run("list", AIGW_DATABASE_URL="mysql://me:hidden9@db/gate")

    assert result.exit_code == 2
    assert result.stderr.startswith("ai-gateway: AIGW_DATABASE_URL")
    assert "hidden9" not in result.stderr


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("30m", MORNING - timedelta(minutes=30)),
        ("2h", MORNING - timedelta(hours=2)),
        ("7d", MORNING - timedelta(days=7)),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T12:00", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T12:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T12:00+02:00", datetime(2026, 1, 31, 12, tzinfo=timezone(timedelta(hours=2)))),
    ],
)
def test_a_time_is_read_as_people_write_it(text: str, moment: datetime) -> None:
    assert parse_since(text, now=MORNING) == moment


@pytest.mark.parametrize("text", ["", "7", "7x", "-7d", "7 d", "999999w", "2026-13-01", "0001-01-01T00:00+23:00", "٣d"])
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="write 30m, 2h, 7d"):
        parse_since(text, now=MORNING)
