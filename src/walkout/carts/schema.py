"""The tables of the ledger. ``events`` is the truth and only grows; the others are projections of it."""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()

# The newest revision of ``migrations``, so that opening a ledger that is up to date needs no Alembic.
REVISION = "0001"
VERSION_TABLE = "ledger_version"

EVENTS = sa.Table(
    "ledger_events",
    METADATA,
    sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("stamp_ns", sa.BigInteger, nullable=False),
    sa.Column("session_id", sa.String(120), nullable=False, index=True),
    sa.Column("key", sa.String(200), unique=True, nullable=True),
    sa.Column("payload", sa.JSON, nullable=False),
)

SESSIONS = sa.Table(
    "ledger_sessions",
    METADATA,
    sa.Column("session_id", sa.String(120), primary_key=True),
    sa.Column("gate_id", sa.String(120), nullable=False),
    sa.Column("state", sa.String(20), nullable=False, index=True),
    sa.Column("party_kind", sa.Integer, nullable=False),
    sa.Column("authorisation", sa.String(200), nullable=False),
    sa.Column("authorised_ns", sa.BigInteger, nullable=False),
    sa.Column("entered_ns", sa.BigInteger, nullable=False),
    sa.Column("exited_ns", sa.BigInteger, nullable=False),
    sa.Column("track_ids", sa.JSON, nullable=False),
)

RECEIPTS = sa.Table(
    "ledger_receipts",
    METADATA,
    sa.Column("receipt_id", sa.String(140), primary_key=True),
    sa.Column("session_id", sa.String(120), nullable=False, index=True),
    sa.Column("kind", sa.Integer, nullable=False),
    sa.Column("stamp_ns", sa.BigInteger, nullable=False, index=True),
    sa.Column("corrects_receipt_id", sa.String(140), nullable=False),
    sa.Column("payment_state", sa.Integer, nullable=False),
    sa.Column("payment_reference", sa.String(200), nullable=False),
    sa.Column("delivered", sa.Boolean, nullable=False),
    sa.Column("document", sa.JSON, nullable=False),
)

OUTBOX = sa.Table(
    "ledger_outbox",
    METADATA,
    sa.Column("key", sa.String(200), primary_key=True),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("operation", sa.String(20), nullable=False),
    sa.Column("session_id", sa.String(120), nullable=False),
    sa.Column("receipt_id", sa.String(140), nullable=False),
    sa.Column("authorisation", sa.String(200), nullable=False),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("done", sa.Boolean, nullable=False, index=True),
)

REVIEWS = sa.Table(
    "ledger_reviews",
    METADATA,
    sa.Column("review_id", sa.String(160), primary_key=True),
    sa.Column("receipt_id", sa.String(140), nullable=False),
    sa.Column("state", sa.Integer, nullable=False, index=True),
    sa.Column("document", sa.JSON, nullable=False),
)

PROJECTIONS = (SESSIONS, RECEIPTS, OUTBOX, REVIEWS)
