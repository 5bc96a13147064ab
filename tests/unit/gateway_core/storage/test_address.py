"""Where the database is: its URL, read."""

from __future__ import annotations

import string
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway_core.kernel.errors import SettingInvalid
from gateway_core.settings.load import load_settings
from gateway_core.storage.address import PostgresDatabase, SqliteFile, database_url, parse_address


def test_without_a_setting_it_is_a_file_in_the_data_folder(tmp_path: Path) -> None:
    settings = load_settings({"AIGW_DATA_DIR": str(tmp_path)}, env_file=None)

    assert parse_address(database_url(settings).reveal()) == SqliteFile(tmp_path / "gateway.db")


def test_a_url_of_ones_own_wins_over_the_data_folder(tmp_path: Path) -> None:
    settings = load_settings(
        {"AIGW_DATA_DIR": str(tmp_path), "AIGW_DATABASE_URL": "postgresql://me:hidden9@db/gate"}, env_file=None
    )

    assert database_url(settings).reveal() == "postgresql://me:hidden9@db/gate"


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:////var/lib/gateway.db", Path("/var/lib/gateway.db")),
        ("sqlite:///gateway.db", Path.cwd() / "gateway.db"),
        ("sqlite:///~/gateway.db", Path.home() / "gateway.db"),
        ("sqlite:////srv/a b/100%/ü.db", Path("/srv/a b/100%/ü.db")),
    ],
)
def test_a_file_is_named_by_its_path_as_it_is_written(url: str, path: Path) -> None:
    assert parse_address(url) == SqliteFile(path)


@pytest.mark.parametrize(
    "url", ["sqlite://gateway.db", "sqlite:///", "sqlite:///:memory:", "sqlite:///file:x?mode=ro", "sqlite:///x?y=1"]
)
def test_what_names_no_file_is_refused(url: str) -> None:
    with pytest.raises(SettingInvalid, match=r"AIGW_DATABASE_URL names no file; write sqlite:///"):
        parse_address(url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:hidden9@db.example.com/gate", "the database 'gate' on 'db.example.com'"),
        (
            "postgres://me:hidden9@db.example.com:5433/gate?sslmode=require",
            "the database 'gate' on 'db.example.com:5433'",
        ),
        ("postgresql://me:hidden9@a:1,b:2/gate", "the database 'gate' on 'a:1,b:2'"),
        ("postgresql://me@/gate?host=/run/pg&password=hidden9", "the database 'gate' on '/run/pg'"),
        ("postgresql://me:hi%2Fdden9@[::1]:5432/gate", "the database 'gate' on '[::1]:5432'"),
        ("postgresql:///gate", "the database 'gate' on 'the default host'"),
        ("postgresql://db", "the database 'the default' on 'db'"),
    ],
)
def test_a_server_is_named_without_its_password(url: str, shown: str) -> None:
    address = parse_address(url)

    assert address.shown == shown
    assert "dden9" not in repr(address)


def test_the_password_is_known_as_it_is_sent() -> None:
    address = parse_address("postgresql://me:hi%2Fdden9@db/gate")

    assert isinstance(address, PostgresDatabase)
    assert address.password.reveal() == "hi/dden9"


PASSWORDS = st.text(st.sampled_from(string.ascii_letters + string.digits + "@:/?#[]%,&= '\"ü"), min_size=6)


@given(PASSWORDS)
@example("123/45678")
@example("12?3=45678")
@example("ab[cdefg")
@example("1#2345678")
def test_a_password_is_shown_never_however_it_is_written(password: str) -> None:
    pieces = [piece for piece in password.replace(":", "/").split("/") if len(piece) > 4]
    for written in (password, quote(password, safe="")):
        try:
            told = parse_address(f"postgresql://me:{written}@db/gate").shown
        except SettingInvalid as refused:
            told = str(refused)

        assert not [piece for piece in pieces if piece in told and piece not in "user:password"]
