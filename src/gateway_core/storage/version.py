"""Which state of the tables this version needs; apart, so that a start need load no more to compare it."""

from __future__ import annotations

HEAD = "0001"
"""The newest state, as migrations/versions has it; here too, so that a start need not read those."""

VERSION_TABLE = "gateway_schema"
"""Holds the state that the tables are in; not the usual name, which another product in the same database may have."""
