"""Commands open the gateway's database, and make none where they only look."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from fakes.databases import ENGINES, Engine, new_database
from gateway_core.kernel.errors import SettingInvalid
from gateway_core.runtime.records import open_database, read_tables_state
from gateway_core.settings.load import load_settings
from gateway_core.settings.model import Settings
from gateway_core.storage.engine import read_revision
from gateway_core.storage.version import HEAD


@pytest.fixture(params=ENGINES)
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    engine: Engine = request.param
    with new_database(engine, tmp_path) as url:
        yield load_settings({"AIGW_DATABASE_URL": url}, env_file=None)


async def open_what_must_exist(settings: Settings) -> str | None:
    async with open_database(settings, must_exist=True) as database:
        return await read_revision(database)


def list_names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_what_must_exist_is_not_made(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match=r"There (is|are) no .*: is AIGW_DATABASE_URL that of the gateway\?$"):
        await open_what_must_exist(settings)

    assert (await read_tables_state(settings)).at is None
    assert list_names(tmp_path) == []


async def test_what_is_there_is_opened(settings: Settings) -> None:
    async with open_database(settings):
        pass

    assert await open_what_must_exist(settings) == HEAD


async def test_a_missing_file_in_the_data_folder_is_named_with_its_setting(tmp_path: Path) -> None:
    settings = load_settings({"AIGW_DATA_DIR": str(tmp_path)}, env_file=None)

    with pytest.raises(SettingInvalid) as caught:
        await open_what_must_exist(settings)

    path = str(tmp_path / "gateway.db")
    assert str(caught.value) == f"There is no database at {path!r}: is AIGW_DATA_DIR that of the gateway?"


async def test_a_file_that_holds_other_tables_is_told_apart_from_a_missing_one(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "gateway.db")) as connection:
        connection.execute("CREATE TABLE other (name TEXT)")
    settings = load_settings({"AIGW_DATA_DIR": str(tmp_path)}, env_file=None)

    with pytest.raises(SettingInvalid, match="There are no tables of a gateway in the database file"):
        await open_what_must_exist(settings)
