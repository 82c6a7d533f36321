"""What is written down when a visit is settled: the receipt, the payment to be made, what a person should look at."""

from __future__ import annotations

from dataclasses import dataclass

from walkout.carts.documents import receipt_document, review_document
from walkout.carts.entries import Entry, LedgerKind, PaymentRequest, payment_request
from walkout.carts.outbox import CAPTURE, RELEASE
from walkout.carts.party import Party
from walkout.carts.settlement import Settlement
from walkout.carts.types import PaymentState, Receipt, ReceiptKind, Review, ReviewState


@dataclass(frozen=True)
class Sale:
    """A settled visit. ``entries`` belong into the ledger in one transaction."""

    receipt: Receipt
    reviews: tuple[Review, ...]
    entries: tuple[Entry, ...]


def make_sale(
    party: Party, settlement: Settlement, now_ns: int, currency: str, met_carts: tuple[str, ...] = ()
) -> Sale:
    """Return the sale of a party's visit.

    A party that nobody was seen to follow, or that was lost on the way, is for a person to look at. A review names
    ``met_carts``, those of shoppers with whom something may have changed hands.
    """
    lost = not party.track_ids
    receipt = Receipt(
        receipt_id=f"{party.session_id}-r1",
        kind=ReceiptKind.SALE,
        cart_id=party.cart_id,
        session_id=party.session_id,
        stamp_ns=now_ns,
        entered_ns=party.entered_ns,
        exited_ns=party.exited_ns,
        lines=settlement.lines,
        total_minor=settlement.total_minor,
        currency=currency,
        payment_state=PaymentState.PENDING,
        payment_reference="",
        needs_review=bool(settlement.doubts) or lost or party.deduced,
    )
    issued = Entry(
        LedgerKind.RECEIPT_ISSUED,
        now_ns,
        party.session_id,
        {"receipt": receipt_document(receipt)},
        key=f"sale:{party.session_id}",
    )
    reviews = (_review(receipt, settlement, party, met_carts),) if receipt.needs_review else ()
    opened = [
        Entry(LedgerKind.REVIEW_OPENED, now_ns, party.session_id, review_document(r), key=f"review:{r.review_id}")
        for r in reviews
    ]
    return Sale(receipt, reviews, (issued, *_payment(party, receipt, now_ns), *opened))


def release(party: Party, receipt_id: str, now_ns: int) -> list[Entry]:
    """Return the entries that let go of the party's authorisation."""
    if not party.authorisation:
        return []
    key = f"release:{party.session_id}"
    request = PaymentRequest(key, RELEASE, party.session_id, receipt_id, party.authorisation, 0, "")
    return [payment_request(now_ns, request)]


def _payment(party: Party, receipt: Receipt, now_ns: int) -> list[Entry]:
    if receipt.total_minor == 0 and receipt.needs_review:
        # The hold stays until somebody has looked, or what they find could not be charged.
        return []
    if receipt.total_minor == 0:
        return release(party, receipt.receipt_id, now_ns)
    request = PaymentRequest(
        f"capture:{receipt.receipt_id}",
        CAPTURE,
        party.session_id,
        receipt.receipt_id,
        party.authorisation,
        receipt.total_minor,
        receipt.currency,
    )
    return [payment_request(now_ns, request)]


def _review(receipt: Receipt, settlement: Settlement, party: Party, met_carts: tuple[str, ...]) -> Review:
    proposed = tuple(doubt.proposed for doubt in settlement.doubts)
    reasons = [f"not certain enough: {', '.join(line.name for line in proposed)}"] if proposed else []
    if not party.track_ids:
        reasons = ["nobody was seen to follow this authorisation"]
    if party.deduced:
        reasons.append("out of sight for a while, known again because nobody else can have left")
    if met_carts:
        reasons.append(f"hands met with {', '.join(met_carts)}, something may have changed hands: look at both")
    return Review(
        review_id=f"{receipt.receipt_id}-review",
        state=ReviewState.OPEN,
        receipt_id=receipt.receipt_id,
        session_id=receipt.session_id,
        stamp_ns=receipt.stamp_ns,
        proposed_lines=proposed,
        interaction_ids=tuple(dict.fromkeys(i for line in proposed for i in line.interaction_ids)),
        at_stake_minor=sum(doubt.at_stake_minor for doubt in settlement.doubts),
        currency=receipt.currency,
        reason="; ".join(reasons),
    )
