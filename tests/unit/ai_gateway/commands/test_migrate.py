"""`ai-gateway migrate`, on a database of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Protocol

import pytest
from typer.testing import CliRunner, Result

from ai_gateway.command_line import app
from fakes.databases import ENGINES, Engine, new_database
from gateway_core.storage.version import HEAD


class RunMigrate(Protocol):
    """Run `ai-gateway migrate` with these words."""

    def __call__(self, *words: str) -> Result: ...


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with new_database("sqlite", tmp_path) as made:
        yield made


@pytest.fixture
def run(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunMigrate:
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(
        app, ["migrate", *words], env={"AIGW_DATABASE_URL": url}, catch_exceptions=False
    )


def set_revision(folder: Path, revision: str) -> None:
    with closing(sqlite3.connect(folder / "gateway.db", isolation_level=None)) as connection:
        connection.execute("UPDATE gateway_schema SET version_num = ?", (revision,))


def test_a_new_database_gets_its_tables_and_the_second_run_finds_them(run: RunMigrate) -> None:
    first, second = run(), run()

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert f"had no tables; they are at {HEAD} now." in first.stdout
    assert f"has its tables at {HEAD}, which is current." in second.stdout


@pytest.mark.parametrize("engine", [engine for engine in ENGINES if engine != "sqlite"])
def test_a_server_gets_them_as_well(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with new_database(engine, tmp_path) as url:
        results = [
            CliRunner().invoke(app, words, env={"AIGW_DATABASE_URL": url}, catch_exceptions=False)
            for words in (["migrate", "--check"], ["migrate"], ["migrate", "--check"])
        ]

    assert [result.exit_code for result in results] == [1, 0, 0]


def test_a_check_changes_nothing_and_tells_by_its_exit_code(run: RunMigrate, tmp_path: Path) -> None:
    before = run("--check")
    made = list(tmp_path.iterdir())
    run()
    after = run("--check")

    assert (before.exit_code, after.exit_code) == (1, 0)
    assert f"has no tables; this version needs them at {HEAD}." in before.stderr
    assert made == []


def test_tables_of_a_newer_version_are_refused_in_one_line(run: RunMigrate, tmp_path: Path) -> None:
    run()
    set_revision(tmp_path, "9999")

    check, change = run("--check"), run()

    assert (check.exit_code, change.exit_code) == (2, 2)
    assert check.stderr == change.stderr
    assert change.stderr.startswith("ai-gateway: The database was made by a newer version")
    assert change.stderr.count("\n") == 1


@pytest.mark.parametrize("words", [(), ("--check",)])
def test_a_database_that_cannot_be_used_is_told_in_one_line_with_the_cure(
    run: RunMigrate, tmp_path: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / "gateway.db").write_text("no database " * 100)

    result = run(*words)

    assert result.exit_code == 2
    assert result.stderr.startswith("ai-gateway: Cannot use the database file")
    assert result.stderr.endswith("restore a backup.\n")
    assert result.stderr.count("\n") == 1
