"""Called by the migration library for each run; `run.py` hands it the connection."""

from __future__ import annotations

from alembic import context

from gateway_core.storage.tables import METADATA
from gateway_core.storage.version import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    # SQLite changes a table by copying it.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
