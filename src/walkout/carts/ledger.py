"""The ledger: an append-only list of what happened, and tables that are computed from nothing else.

Everything that must not be lost or done twice goes through ``Ledger.append``: all entries of one call are written in
one transaction together with their projections, and an entry whose key is already there is skipped. ``rebuild``
computes the projections anew from the events.
"""

from __future__ import annotations

from importlib import resources
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext

from walkout.carts.database import open_engine
from walkout.carts.documents import Document, receipt_from, review_from
from walkout.carts.entries import Entry, LedgerEvent, LedgerKind, PaymentRequest, Session, SessionState
from walkout.carts.schema import (
    EVENTS,
    OUTBOX,
    PROJECTIONS,
    RECEIPTS,
    REVIEWS,
    REVISION,
    SESSIONS,
    VERSION_TABLE,
)
from walkout.carts.types import PartyKind, PaymentState, Receipt, ReceiptKind, Review, ReviewState
from walkout.errors import UserError

_MIGRATION_LOCK = 0x77616C6B


class LedgerError(UserError):
    """The ledger cannot be opened; the text names it and says what to do."""


def open_ledger(url: str) -> Ledger:
    """Open the ledger for a node.

    Raises:
        LedgerError: it cannot be opened.
    """
    try:
        return Ledger(url)
    except (sa.exc.SQLAlchemyError, ImportError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise LedgerError(f"ledger {url}: {reason}; check the URL, the folder's permissions and the disk") from error


class Ledger:
    """The store's book. Safe to open from several processes at once."""

    def __init__(self, url: str = "sqlite://") -> None:
        """Open the ledger at an SQLAlchemy URL, creating or migrating its tables."""
        self._engine = open_engine(url)
        self._writer = self._engine.execution_options(write=True)
        with self._writer.begin() as connection:
            _migrate(connection)

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()

    def check_writable(self) -> str:
        """Return "writable"; raises SQLAlchemy's error when nothing can be written (read-only, locked, gone)."""
        with self._writer.begin() as connection:
            connection.execute(sa.update(EVENTS).where(sa.false()).values(stamp_ns=0))
        return "writable"

    def append(self, *entries: Entry) -> list[int]:
        """Write the entries and their projections in one transaction; return their sequence numbers.

        An entry whose key is known is skipped and the number of the known one returned.
        """
        with self._writer.begin() as connection:
            _lock(connection)
            numbers = []
            for entry in entries:
                known = _number_of(connection, entry.key)
                numbers.append(known if known is not None else _write(connection, entry))
        return numbers

    def events(
        self, kind: LedgerKind | None = None, session_id: str | None = None, after: int = 0
    ) -> list[LedgerEvent]:
        """Return events in their order, of one kind or session when given, after a sequence number."""
        query = sa.select(EVENTS).where(EVENTS.c.sequence > after).order_by(EVENTS.c.sequence)
        if kind is not None:
            query = query.where(EVENTS.c.kind == kind.value)
        if session_id is not None:
            query = query.where(EVENTS.c.session_id == session_id)
        return [_event(row) for row in self._read(query)]

    def has(self, key: str) -> bool:
        """Whether an entry with this key was written."""
        return bool(self._read(sa.select(EVENTS.c.sequence).where(EVENTS.c.key == key)))

    def newest(self, kind: LedgerKind) -> LedgerEvent | None:
        """Return the latest event of a kind."""
        query = sa.select(EVENTS).where(EVENTS.c.kind == kind.value).order_by(EVENTS.c.sequence.desc()).limit(1)
        rows = self._read(query)
        return _event(rows[0]) if rows else None

    def newest_gate_stamp_ns(self) -> int:
        """Return the stamp of the latest signal of a gate since the clock was last set back, -1 when there is none."""
        kinds = (
            LedgerKind.CLOCK_SET_BACK,
            LedgerKind.TAP_RECEIVED,
            LedgerKind.SESSION_ENTERED,
            LedgerKind.TAILGATED,
            LedgerKind.GATE_EXITED,
        )
        query = sa.select(EVENTS.c.stamp_ns).where(EVENTS.c.kind.in_([kind.value for kind in kinds]))
        rows = self._read(query.order_by(EVENTS.c.sequence.desc()).limit(1))
        return int(rows[0].stamp_ns) if rows else -1

    def session(self, session_id: str) -> Session | None:
        """Return a session by its id."""
        rows = self._read(sa.select(SESSIONS).where(SESSIONS.c.session_id == session_id))
        return _session(rows[0]) if rows else None

    def sessions(self, *states: SessionState) -> list[Session]:
        """Return the sessions in these states, oldest authorisation first."""
        query = sa.select(SESSIONS).where(SESSIONS.c.state.in_([state.value for state in states]))
        return [_session(row) for row in self._read(query.order_by(SESSIONS.c.authorised_ns, SESSIONS.c.session_id))]

    def receipt(self, receipt_id: str) -> Receipt | None:
        """Return a receipt with the present state of its payment."""
        rows = self._read(sa.select(RECEIPTS).where(RECEIPTS.c.receipt_id == receipt_id))
        return _receipt(rows[0]) if rows else None

    def receipts(self, session_id: str = "", limit: int = 100) -> list[Receipt]:
        """Return the newest receipts, or those of one session, newest first."""
        query = sa.select(RECEIPTS)
        if session_id:
            query = query.where(RECEIPTS.c.session_id == session_id)
        query = query.order_by(RECEIPTS.c.stamp_ns.desc(), RECEIPTS.c.receipt_id.desc()).limit(limit)
        return [_receipt(row) for row in self._read(query)]

    def undelivered_receipts(self) -> list[Receipt]:
        """Return the receipts that nobody was told of since they were issued or their payment changed."""
        query = sa.select(RECEIPTS).where(RECEIPTS.c.delivered.is_(False)).order_by(RECEIPTS.c.stamp_ns)
        return [_receipt(row) for row in self._read(query)]

    def pending_payments(self) -> list[PaymentRequest]:
        """Return what the payment provider still has to do, oldest first."""
        rows = self._read(sa.select(OUTBOX).where(OUTBOX.c.done.is_(False)).order_by(OUTBOX.c.sequence))
        return [
            PaymentRequest(
                row.key,
                row.operation,
                row.session_id,
                row.receipt_id,
                row.authorisation,
                row.amount_minor,
                row.currency,
            )
            for row in rows
        ]

    def review(self, review_id: str) -> Review | None:
        """Return a review by its id."""
        rows = self._read(sa.select(REVIEWS).where(REVIEWS.c.review_id == review_id))
        return review_from(rows[0].document, rows[0].state) if rows else None

    def reviews(self, state: ReviewState = ReviewState.OPEN) -> list[Review]:
        """Return the reviews in a state."""
        query = sa.select(REVIEWS).where(REVIEWS.c.state == int(state)).order_by(REVIEWS.c.review_id)
        return [review_from(row.document, row.state) for row in self._read(query)]

    def rebuild(self) -> None:
        """Compute all projections anew from the events."""
        with self._writer.begin() as connection:
            _lock(connection)
            for table in PROJECTIONS:
                connection.execute(table.delete())
            rows = connection.execute(sa.select(EVENTS).order_by(EVENTS.c.sequence)).all()
            for row in rows:
                _project(connection, _event(row))

    def projections(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return the rows of every projection, to compare them before and after ``rebuild``."""
        result = {}
        for table in PROJECTIONS:
            key = next(iter(table.primary_key.columns))
            result[table.name] = [tuple(row) for row in self._read(sa.select(table).order_by(key))]
        return result

    def _read(self, query: sa.Select[Any]) -> list[sa.Row[Any]]:
        with self._engine.connect() as connection:
            return list(connection.execute(query).all())


def _migrate(connection: sa.Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
    if MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision() == REVISION:
        return
    with resources.as_file(resources.files("walkout.carts.migrations")) as folder:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _lock(connection: sa.Connection) -> None:
    # SQLite has taken its write lock at BEGIN IMMEDIATE; PostgreSQL numbers entries under this one.
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("LOCK TABLE ledger_events IN EXCLUSIVE MODE"))


def _number_of(connection: sa.Connection, key: str | None) -> int | None:
    if key is None:
        return None
    found = connection.execute(sa.select(EVENTS.c.sequence).where(EVENTS.c.key == key)).scalar()
    return None if found is None else int(found)


def _write(connection: sa.Connection, entry: Entry) -> int:
    newest = connection.execute(sa.select(sa.func.max(EVENTS.c.sequence))).scalar()
    event = LedgerEvent(int(newest or 0) + 1, entry.kind, entry.stamp_ns, entry.session_id, entry.key, entry.payload)
    connection.execute(
        EVENTS.insert().values(
            sequence=event.sequence,
            kind=event.kind.value,
            stamp_ns=event.stamp_ns,
            session_id=event.session_id,
            key=event.key,
            payload=event.payload,
        )
    )
    _project(connection, event)
    return event.sequence


def _project(connection: sa.Connection, event: LedgerEvent) -> None:
    """Bring the projections up to date with one more event."""
    payload, session_id = event.payload, event.session_id
    if event.kind is LedgerKind.SESSION_AUTHORISED:
        _open_session(connection, event)
    elif event.kind is LedgerKind.SESSION_ENTERED:
        _open_session(connection, event)
        _change_session(connection, session_id, state=SessionState.ENTERED.value, entered_ns=event.stamp_ns)
    elif event.kind is LedgerKind.SESSION_EXPIRED:
        _change_session(connection, session_id, state=SessionState.EXPIRED.value)
    elif event.kind is LedgerKind.TRACKS_BOUND:
        _change_session(connection, session_id, track_ids=payload["track_ids"])
    elif event.kind is LedgerKind.SESSION_EXITED:
        _change_session(connection, session_id, state=SessionState.EXITED.value, exited_ns=event.stamp_ns)
    elif event.kind is LedgerKind.SESSION_CLOSED:
        _change_session(connection, session_id, state=SessionState.CLOSED.value)
    elif event.kind is LedgerKind.RECEIPT_ISSUED:
        _issue_receipt(connection, event)
    elif event.kind is LedgerKind.RECEIPT_DELIVERED:
        _deliver_receipt(connection, payload)
    elif event.kind is LedgerKind.PAYMENT_REQUESTED:
        connection.execute(
            OUTBOX.insert().values(sequence=event.sequence, session_id=session_id, done=False, **payload)
        )
    elif event.kind is LedgerKind.PAYMENT_SETTLED:
        _settle_payment(connection, payload)
    elif event.kind is LedgerKind.REVIEW_OPENED:
        connection.execute(
            REVIEWS.insert().values(
                review_id=payload["review_id"],
                receipt_id=payload["receipt_id"],
                state=int(ReviewState.OPEN),
                document=payload,
            )
        )
    elif event.kind is LedgerKind.REVIEW_RESOLVED:
        mine = REVIEWS.c.review_id == payload["review_id"]
        connection.execute(REVIEWS.update().where(mine).values(state=payload["state"]))


def _open_session(connection: sa.Connection, event: LedgerEvent) -> None:
    known = connection.execute(sa.select(SESSIONS.c.state).where(SESSIONS.c.session_id == event.session_id)).scalar()
    if known is not None:
        return
    connection.execute(
        SESSIONS.insert().values(
            session_id=event.session_id,
            gate_id=event.payload.get("gate_id", ""),
            state=SessionState.AUTHORISED.value,
            party_kind=event.payload.get("party_kind", int(PartyKind.SHOPPER)),
            authorisation=event.payload.get("authorisation", ""),
            authorised_ns=event.stamp_ns,
            entered_ns=0,
            exited_ns=0,
            track_ids=[],
        )
    )


def _change_session(connection: sa.Connection, session_id: str, **values: object) -> None:
    connection.execute(SESSIONS.update().where(SESSIONS.c.session_id == session_id).values(**values))


def _issue_receipt(connection: sa.Connection, event: LedgerEvent) -> None:
    document = event.payload["receipt"]
    connection.execute(
        RECEIPTS.insert().values(
            receipt_id=document["receipt_id"],
            session_id=document["session_id"],
            kind=document["kind"],
            stamp_ns=document["stamp_ns"],
            corrects_receipt_id=document["corrects_receipt_id"],
            payment_state=int(PaymentState.PENDING),
            payment_reference="",
            delivered=False,
            document=document,
        )
    )
    if document["kind"] == int(ReceiptKind.SALE):
        _change_session(connection, event.session_id, state=SessionState.SETTLED.value)


def _deliver_receipt(connection: sa.Connection, payload: Document) -> None:
    # A payment that changed after the receipt went out makes the receipt news again.
    same = (RECEIPTS.c.receipt_id == payload["receipt_id"]) & (RECEIPTS.c.payment_state == payload["payment_state"])
    connection.execute(RECEIPTS.update().where(same).values(delivered=True))


def _settle_payment(connection: sa.Connection, payload: Document) -> None:
    connection.execute(OUTBOX.update().where(OUTBOX.c.key == payload["key"]).values(done=True))
    if payload["receipt_id"]:
        connection.execute(
            RECEIPTS.update()
            .where(RECEIPTS.c.receipt_id == payload["receipt_id"])
            .values(payment_state=payload["payment_state"], payment_reference=payload["reference"], delivered=False)
        )


def _event(row: sa.Row[Any]) -> LedgerEvent:
    return LedgerEvent(row.sequence, LedgerKind(row.kind), row.stamp_ns, row.session_id, row.key, row.payload)


def _session(row: sa.Row[Any]) -> Session:
    return Session(
        row.session_id,
        row.gate_id,
        SessionState(row.state),
        PartyKind(row.party_kind),
        row.authorisation,
        row.authorised_ns,
        row.entered_ns,
        row.exited_ns,
        tuple(row.track_ids),
    )


def _receipt(row: sa.Row[Any]) -> Receipt:
    return receipt_from(row.document, row.payment_state, row.payment_reference)
