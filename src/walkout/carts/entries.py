"""What is written into the ledger, and what is read from it: entries, events, sessions, payment requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from walkout.carts.documents import Document
from walkout.carts.types import PartyKind


class LedgerKind(str, Enum):
    """What an entry of the ledger says."""

    CLOCK_SET_BACK = "clock_set_back"
    TAP_RECEIVED = "tap_received"
    SESSION_DENIED = "session_denied"
    SESSION_AUTHORISED = "session_authorised"
    SESSION_EXPIRED = "session_expired"
    SESSION_ENTERED = "session_entered"
    SESSION_EXITED = "session_exited"
    SESSION_CLOSED = "session_closed"
    GATE_EXITED = "gate_exited"
    TAILGATED = "tailgated"
    TRACKS_BOUND = "tracks_bound"
    WEIGHT_EVENT = "weight_event"
    EVIDENCE = "evidence"
    HANDS_MET = "hands_met"
    PLANOGRAM_BELIEF = "planogram_belief"
    RECEIPT_ISSUED = "receipt_issued"
    RECEIPT_DELIVERED = "receipt_delivered"
    PAYMENT_REQUESTED = "payment_requested"
    PAYMENT_SETTLED = "payment_settled"
    REVIEW_OPENED = "review_opened"
    REVIEW_RESOLVED = "review_resolved"


class SessionState(str, Enum):
    """The life of a session."""

    AUTHORISED = "authorised"
    EXPIRED = "expired"
    ENTERED = "entered"
    EXITED = "exited"
    SETTLED = "settled"
    CLOSED = "closed"


@dataclass(frozen=True)
class Entry:
    """Something to write down. ``key`` makes it unique: a second entry with the same key is not written."""

    kind: LedgerKind
    stamp_ns: int
    session_id: str = ""
    payload: Document = field(default_factory=dict)
    key: str | None = None


@dataclass(frozen=True)
class LedgerEvent:
    """An entry as it stands in the ledger."""

    sequence: int
    kind: LedgerKind
    stamp_ns: int
    session_id: str
    key: str | None
    payload: Document


@dataclass(frozen=True)
class Session:
    """One authorised visit; stamps are 0 while they have not come."""

    session_id: str
    gate_id: str
    state: SessionState
    party_kind: PartyKind
    authorisation: str
    authorised_ns: int
    entered_ns: int
    exited_ns: int
    track_ids: tuple[int, ...]


@dataclass(frozen=True)
class PaymentRequest:
    """Something that the payment provider must do exactly once; ``key`` is the idempotency key."""

    key: str
    operation: str
    session_id: str
    receipt_id: str
    authorisation: str
    amount_minor: int
    currency: str


def payment_request(stamp_ns: int, request: PaymentRequest) -> Entry:
    """Return the entry that asks for a payment operation."""
    payload = {
        "key": request.key,
        "operation": request.operation,
        "receipt_id": request.receipt_id,
        "authorisation": request.authorisation,
        "amount_minor": request.amount_minor,
        "currency": request.currency,
    }
    return Entry(
        LedgerKind.PAYMENT_REQUESTED, stamp_ns, request.session_id, payload, key=f"payment_requested:{request.key}"
    )
