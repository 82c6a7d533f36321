"""The first ledger: events, sessions, receipts, outbox, reviews; the events cannot be changed or deleted."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_EVENT_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create everything."""
    op.create_table(
        "ledger_events",
        sa.Column("sequence", _EVENT_KEY, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("stamp_ns", sa.BigInteger, nullable=False),
        sa.Column("session_id", sa.String(120), nullable=False),
        sa.Column("key", sa.String(200), unique=True, nullable=True),
        sa.Column("payload", sa.JSON, nullable=False),
    )
    op.create_index("ix_ledger_events_session_id", "ledger_events", ["session_id"])
    op.create_table(
        "ledger_sessions",
        sa.Column("session_id", sa.String(120), primary_key=True),
        sa.Column("gate_id", sa.String(120), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("party_kind", sa.Integer, nullable=False),
        sa.Column("authorisation", sa.String(200), nullable=False),
        sa.Column("authorised_ns", sa.BigInteger, nullable=False),
        sa.Column("entered_ns", sa.BigInteger, nullable=False),
        sa.Column("exited_ns", sa.BigInteger, nullable=False),
        sa.Column("track_ids", sa.JSON, nullable=False),
    )
    op.create_index("ix_ledger_sessions_state", "ledger_sessions", ["state"])
    op.create_table(
        "ledger_receipts",
        sa.Column("receipt_id", sa.String(140), primary_key=True),
        sa.Column("session_id", sa.String(120), nullable=False),
        sa.Column("kind", sa.Integer, nullable=False),
        sa.Column("stamp_ns", sa.BigInteger, nullable=False),
        sa.Column("corrects_receipt_id", sa.String(140), nullable=False),
        sa.Column("payment_state", sa.Integer, nullable=False),
        sa.Column("payment_reference", sa.String(200), nullable=False),
        sa.Column("delivered", sa.Boolean, nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
    )
    op.create_index("ix_ledger_receipts_session_id", "ledger_receipts", ["session_id"])
    op.create_index("ix_ledger_receipts_stamp_ns", "ledger_receipts", ["stamp_ns"])
    op.create_table(
        "ledger_outbox",
        sa.Column("key", sa.String(200), primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("operation", sa.String(20), nullable=False),
        sa.Column("session_id", sa.String(120), nullable=False),
        sa.Column("receipt_id", sa.String(140), nullable=False),
        sa.Column("authorisation", sa.String(200), nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("done", sa.Boolean, nullable=False),
    )
    op.create_index("ix_ledger_outbox_done", "ledger_outbox", ["done"])
    op.create_table(
        "ledger_reviews",
        sa.Column("review_id", sa.String(160), primary_key=True),
        sa.Column("receipt_id", sa.String(140), nullable=False),
        sa.Column("state", sa.Integer, nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
    )
    op.create_index("ix_ledger_reviews_state", "ledger_reviews", ["state"])
    _forbid_changes()


def downgrade() -> None:
    """A ledger of money is never taken apart."""
    raise NotImplementedError("the first revision of the ledger cannot be undone")


def _forbid_changes() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER ledger_events_no_{verb.lower()} BEFORE {verb} ON ledger_events "
                "BEGIN SELECT RAISE(ABORT, 'ledger events are append-only'); END"
            )
    else:
        op.execute(
            "CREATE FUNCTION ledger_events_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'ledger events are append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER ledger_events_append_only BEFORE UPDATE OR DELETE ON ledger_events "
            "FOR EACH ROW EXECUTE FUNCTION ledger_events_append_only()"
        )
