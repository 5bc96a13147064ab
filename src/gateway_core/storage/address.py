"""Where the database is: from its URL, or the file in the data folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from gateway_core.kernel.errors import SettingInvalid
from gateway_core.kernel.secret import Secret
from gateway_core.settings.model import Settings

FILE_NAME = "gateway.db"
_SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """One file on this machine."""

    path: Path

    @property
    def shown(self) -> str:
        """Name it in a message."""
        return f"the database file {str(self.path)!r}"


@dataclass(frozen=True, slots=True)
class PostgresDatabase:
    """One database of a PostgreSQL server; `url` is as the driver takes it."""

    url: Secret
    password: Secret
    name: str
    host: str

    @property
    def shown(self) -> str:
        """Name it in a message, without its password."""
        return f"the database {self.name!r} on {self.host!r}"


def database_url(settings: Settings) -> Secret:
    """Give the database that the settings choose: their URL, else the file in the data folder."""
    if settings.database_url is not None:
        return Secret(settings.database_url.get_secret_value())
    return Secret(f"{_SQLITE}{(settings.data_dir / FILE_NAME).absolute()}")


def parse_address(url: str) -> SqliteFile | PostgresDatabase:
    """Read a database's URL; raises SettingInvalid, which never quotes it: it may hold a password."""
    if url.startswith("sqlite:"):
        return _parse_sqlite(url)
    return _parse_postgres(url)


def _parse_sqlite(url: str) -> SqliteFile:
    path = url.removeprefix(_SQLITE)
    if path == url or not path or path.startswith((":memory:", "file:")) or "?" in path or "\0" in path:
        message = (
            "AIGW_DATABASE_URL names no file; write sqlite:/// and a path alone, as in sqlite:////var/lib/gateway.db."
        )
        raise SettingInvalid(message)
    return SqliteFile(Path(path).expanduser().absolute())


def _parse_postgres(url: str) -> PostgresDatabase:
    try:
        parts = urlsplit(url)
        # An @ after the host, or a fragment, is a piece of a password that was not written as %XX.
        sound = parts.scheme in {"postgresql", "postgres"} and not parts.fragment
        sound = sound and "@" not in parts.path + parts.query
        _ = parts.port if "," not in parts.netloc else None
        query = parse_qs(parts.query, strict_parsing=True) if parts.query else {}
    except ValueError:
        sound, parts, query = False, urlsplit(""), {}
    if not sound:
        message = (
            "AIGW_DATABASE_URL cannot be read as postgresql://user:password@host/name; "
            "write characters such as @ : / ? # of user and password as %XX."
        )
        raise SettingInvalid(message)
    host = parts.netloc.rpartition("@")[2] or query.get("host", ["the default host"])[-1]
    name = unquote(parts.path.removeprefix("/")) or query.get("dbname", ["the default"])[-1]
    password = unquote(parts.password or "") or query.get("password", [""])[-1]
    return PostgresDatabase(Secret(url), Secret(password), name, host)
