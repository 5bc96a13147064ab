"""Run the steps on an open connection, within its transaction."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection


def knows(revision: str | None) -> bool:
    """Tell whether this version has the step that led there; None is the empty database."""
    steps = {step.revision for step in ScriptDirectory.from_config(_config()).walk_revisions()}
    return revision is None or revision in steps


def head() -> str | None:
    """Tell the newest step."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def upgrade(connection: Connection, *, to: str = "head") -> None:
    """Go forward."""
    command.upgrade(_config(connection), to)


def downgrade(connection: Connection, *, to: str = "base") -> None:
    """Go back; what the later tables held is gone."""
    command.downgrade(_config(connection), to)


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    # A percent sign would begin a reference.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
