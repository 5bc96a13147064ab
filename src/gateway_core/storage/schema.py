"""Which state the tables are in, and how they get to the newest."""

from __future__ import annotations

from sqlalchemy import Connection, String, column, select, table, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway_core.kernel.errors import SettingInvalid
from gateway_core.storage.version import HEAD, VERSION_TABLE

# Any number; it only must be ours alone among the locks of the database.
_LOCK = 4_715_203_308
_NO_SUCH_TABLE = "42P01"


async def read_revision(connection: AsyncConnection) -> str | None:
    """Tell the state of the tables, None when there are none."""
    return await connection.run_sync(_read_revision)


def require_known(revision: str | None) -> None:
    """Refuse tables that a newer version made; raises SettingInvalid."""
    if revision == HEAD:
        return
    # Imported here: it takes a quarter of a second, and nearly every start does without.
    from gateway_core.storage.migrations import run  # noqa: PLC0415

    if not run.knows(revision):
        message = (
            f"The database was made by a newer version (its tables are at {revision!r}, this version knows {HEAD!r}); "
            "run that version, or restore a backup from before it."
        )
        raise SettingInvalid(message)


async def upgrade(connection: AsyncConnection) -> None:
    """Bring the tables to the newest state in this one transaction, once whoever is at it has finished.

    Raises SettingInvalid when a newer version made them.
    """
    await connection.run_sync(_upgrade)


def _read_revision(connection: Connection) -> str | None:
    try:
        # A savepoint: PostgreSQL takes nothing more in a transaction after an error outside of one.
        with connection.begin_nested():
            return connection.scalar(select(column("version_num", String)).select_from(table(VERSION_TABLE)))
    except DBAPIError as error:
        if _is_missing_table(error):
            return None
        raise


def _is_missing_table(error: DBAPIError) -> bool:
    driver = error.driver_exception
    return getattr(driver, "sqlstate", None) == _NO_SUCH_TABLE or str(driver).startswith("no such table")


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        # Held to the end of the transaction; SQLite's transaction is a lock itself.
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    stored = _read_revision(connection)
    if stored == HEAD:
        return
    require_known(stored)
    # For the same reason as above.
    from gateway_core.storage.migrations import run  # noqa: PLC0415

    run.upgrade(connection)
