"""What a repository may ask for: a transaction, for reading alone or for more."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    # For a type alone, and a fifth of the time that a start takes.
    from sqlalchemy.ext.asyncio import AsyncConnection


class Storage(Protocol):
    """A database whose tables are those of `tables.py`."""

    def transaction(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Open a transaction: committed at the end of the block, undone when it raises.

        Raises StorageUnavailable when the database cannot be asked. Writers of one
        SQLite file wait for each other, for up to five seconds.
        """
        ...

    def reading(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Open a transaction that only reads: it waits for no writer of another process, and holds none up.

        What is written within it is not sure to succeed. Raises StorageUnavailable
        when the database cannot be asked.
        """
        ...
