"""Sessions, carts and receipts as the gate, the cart manager and the web application exchange them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class GateEventKind(IntEnum):
    """What happened at a gate, after the payment provider was asked."""

    UNKNOWN = 0
    AUTHORISED = 1
    DENIED = 2
    ENTERED = 3
    EXITED = 4
    TAILGATED = 5
    EXPIRED = 6


class PartyKind(IntEnum):
    """Who a party is to the store."""

    UNKNOWN = 0
    SHOPPER = 1
    STAFF = 2


@dataclass(frozen=True)
class GateEvent:
    """One event at a gate. ``session_id`` names the authorised visit ("" for an exit: the tracker knows who left)."""

    event_id: str
    gate_id: str
    stamp_ns: int
    kind: GateEventKind
    session_id: str = ""
    party_kind: PartyKind = PartyKind.UNKNOWN
    reason: str = ""


@dataclass(frozen=True)
class CartLine:
    """So many pieces of one product, with the probability that exactly this line is right and its evidence."""

    sku: str
    name: str
    quantity: int
    unit_price_minor: int
    probability: float
    interaction_ids: tuple[str, ...] = ()
    camera_ids: tuple[str, ...] = ()

    @property
    def total_minor(self) -> int:
        """The line's price in minor units."""
        return self.quantity * self.unit_price_minor


class CartState(IntEnum):
    """The life of a cart."""

    UNKNOWN = 0
    OPEN = 1
    SETTLING = 2
    SETTLED = 3
    IN_REVIEW = 4


@dataclass(frozen=True)
class Cart:
    """The live cart of one party. ``track_ids`` are the shoppers who fill it."""

    cart_id: str
    session_id: str
    party_kind: PartyKind
    state: CartState
    stamp_ns: int
    opened_ns: int
    track_ids: tuple[int, ...]
    lines: tuple[CartLine, ...]
    currency: str

    @property
    def total_minor(self) -> int:
        """The running total in minor units."""
        return sum(line.total_minor for line in self.lines)


class PaymentState(IntEnum):
    """What became of a receipt's payment."""

    UNKNOWN = 0
    PENDING = 1
    CAPTURED = 2
    FAILED = 3
    RELEASED = 4
    REFUNDED = 5


class ReceiptKind(IntEnum):
    """Receipts never change; a correction or a refund is a new document that names the first."""

    UNKNOWN = 0
    SALE = 1
    CORRECTION = 2
    REFUND = 3


@dataclass(frozen=True)
class Receipt:
    """An immutable itemised receipt. ``needs_review`` says that a line was too uncertain to be charged unseen."""

    receipt_id: str
    kind: ReceiptKind
    cart_id: str
    session_id: str
    stamp_ns: int
    entered_ns: int
    exited_ns: int
    lines: tuple[CartLine, ...]
    total_minor: int
    currency: str
    payment_state: PaymentState
    payment_reference: str
    needs_review: bool = False
    corrects_receipt_id: str = ""


class ReviewState(IntEnum):
    """The life of a review."""

    UNKNOWN = 0
    OPEN = 1
    CONFIRMED = 2
    CHANGED = 3
    DISMISSED = 4


@dataclass(frozen=True)
class Review:
    """Something that a person should look at.

    ``proposed_lines`` are the most probable ones, ``at_stake_minor`` is what deciding without a look may cost.
    """

    review_id: str
    state: ReviewState
    receipt_id: str
    session_id: str
    stamp_ns: int
    proposed_lines: tuple[CartLine, ...]
    interaction_ids: tuple[str, ...]
    at_stake_minor: int
    currency: str
    reason: str
