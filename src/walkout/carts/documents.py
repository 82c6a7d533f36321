"""Receipts, reviews and weight events as plain documents for the ledger, and back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from walkout.carts.types import CartLine, PaymentState, Receipt, ReceiptKind, Review, ReviewState
from walkout.interactions.types import WeightEvent

Document = dict[str, Any]


def receipt_document(receipt: Receipt) -> Document:
    """Return the immutable part of a receipt; what became of the payment is kept beside it."""
    document = asdict(receipt)
    document["kind"] = int(receipt.kind)
    document["lines"] = [line_document(line) for line in receipt.lines]
    del document["payment_state"], document["payment_reference"]
    return document


def receipt_from(document: Document, payment_state: int, payment_reference: str) -> Receipt:
    """Return the receipt of a document with the present state of its payment."""
    fields = {**document, "kind": ReceiptKind(document["kind"])}
    fields["lines"] = tuple(line_from(line) for line in document["lines"])
    return Receipt(**fields, payment_state=PaymentState(payment_state), payment_reference=payment_reference)


def line_document(line: CartLine) -> Document:
    """Return a line as a document."""
    document = asdict(line)
    document["interaction_ids"] = list(line.interaction_ids)
    document["camera_ids"] = list(line.camera_ids)
    return document


def line_from(document: Document) -> CartLine:
    """Return the line of a document."""
    fields = dict(document)
    fields["interaction_ids"] = tuple(document["interaction_ids"])
    fields["camera_ids"] = tuple(document.get("camera_ids", ()))
    return CartLine(**fields)


def review_document(review: Review) -> Document:
    """Return the immutable part of a review."""
    document = asdict(review)
    document["proposed_lines"] = [line_document(line) for line in review.proposed_lines]
    document["interaction_ids"] = list(review.interaction_ids)
    del document["state"]
    return document


def review_from(document: Document, state: int) -> Review:
    """Return the review of a document with its present state."""
    fields = dict(document)
    fields["proposed_lines"] = tuple(line_from(line) for line in document["proposed_lines"])
    fields["interaction_ids"] = tuple(document["interaction_ids"])
    return Review(**fields, state=ReviewState(state))


def weight_document(event: WeightEvent) -> Document:
    """Return a weight event as a document."""
    document = asdict(event)
    document["lane_ids"] = list(event.lane_ids)
    document["lane_deltas_g"] = list(event.lane_deltas_g)
    return document


def weight_from(document: Document) -> WeightEvent:
    """Return the weight event of a document."""
    lists = {"lane_ids": tuple(document["lane_ids"]), "lane_deltas_g": tuple(document["lane_deltas_g"])}
    return WeightEvent(**{**document, **lists})
