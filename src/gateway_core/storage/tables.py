"""All tables, in portable types only: times as in `moments.py`, lists as JSON."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite counts up only what is declared INTEGER.
_Counter = BigInteger().with_variant(Integer(), "sqlite")

FACTS = Table(
    "facts",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)
"""Single values, by name."""

REVISIONS = Table(
    "revisions",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("number", BigInteger, nullable=False),
)
"""How often each part changed: who keeps a copy compares one number."""

CLIENTS = Table(
    "clients",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("role", String(16)),
    Column("scopes", JSON, nullable=False),
    Column("models", JSON, nullable=False),
    Column("budget_micro_usd", BigInteger),
    Column("budget_per", String(8)),
    Column("rpm", Integer),
    Column("tpm", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
)

CLIENT_KEYS = Table(
    "client_keys",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("client_id", String(32), ForeignKey("clients.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("prefix", String(16), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("valid_until", BigInteger),
)

AUDIT_EVENTS = Table(
    "audit_events",
    METADATA,
    Column("id", _Counter, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False, index=True),
    Column("kind", String(32), nullable=False),
    Column("actor", String(255), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("reason", Text, nullable=False),
    Column("request_id", String(512), nullable=False, index=True),
    Column("address", String(64), nullable=False),
    Column("details", JSON, nullable=False),
    Index(None, "kind", "id"),
)
