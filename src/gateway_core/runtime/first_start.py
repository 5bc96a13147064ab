"""What must be there before the first request: the database's tables, and one key that opens the operator's door."""

from __future__ import annotations

import asyncio

from gateway_core.identity.clients import FirstAdmin
from gateway_core.runtime.clients import open_registry
from gateway_core.settings.model import Settings

ADMIN_KEY_FILE = "admin-key"
"""In the data folder, when there is no terminal to show the first key on."""


def prepare_first_start(settings: Settings, *, terminal: bool) -> FirstAdmin:
    """Make the database and the first admin where they are missing; raises SettingInvalid.

    With a `terminal` a new key is given back to be shown there, without one it is
    written to a file. For the process that starts the workers, before it has an event loop.
    """
    return asyncio.run(_prepare(settings, to_file=not terminal))


async def _prepare(settings: Settings, *, to_file: bool) -> FirstAdmin:
    async with open_registry(settings) as registry:
        return await registry.ensure_first_admin(settings.data_dir / ADMIN_KEY_FILE, to_file=to_file)
