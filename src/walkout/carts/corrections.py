"""Refunds and decided reviews. A receipt never changes: what changes a sale is a new document that names it.

The lines of a refund or a correction say by how many pieces the sale changes, so that all documents of a sale add up.
"""

from __future__ import annotations

from dataclasses import replace

from walkout.carts.documents import receipt_document
from walkout.carts.entries import Entry, LedgerKind, PaymentRequest, Session, payment_request
from walkout.carts.ledger import Ledger
from walkout.carts.outbox import CAPTURE, REFUND, RELEASE
from walkout.carts.types import CartLine, PaymentState, Receipt, ReceiptKind, ReviewState


class CorrectionError(ValueError):
    """A refund or a decision that cannot be carried out; the text says why."""


class Corrections:
    """Writes refunds and corrections. Every call is idempotent by its ``request_id``."""

    def __init__(self, ledger: Ledger) -> None:
        """Work on ``ledger``; its outbox carries out the payments."""
        self._ledger = ledger

    def refund(
        self, request_id: str, receipt_id: str, lines: tuple[CartLine, ...], reason: str, now_ns: int
    ) -> Receipt:
        """Give back the money for some lines of a sale, or for all that is left of it when ``lines`` is empty.

        Raises CorrectionError when the sale does not exist or has less than that.
        """
        done = self._done(request_id)
        if done is not None:
            return done
        sale = self._sale(receipt_id)
        left = self._left(sale)
        wanted = lines or tuple(left.values())
        for line in wanted:
            available = left[line.sku].quantity if line.sku in left else 0
            if not 0 < line.quantity <= available:
                raise CorrectionError(
                    f"receipt {receipt_id} has {available} of {line.sku}: {line.quantity} cannot be refunded"
                )
        changes = tuple(replace(left[line.sku], quantity=-line.quantity) for line in wanted)
        return self._issue(request_id, sale, ReceiptKind.REFUND, changes, reason, now_ns)

    def resolve_review(
        self,
        request_id: str,
        review_id: str,
        state: ReviewState,
        lines: tuple[CartLine, ...],
        operator_id: str,
        now_ns: int,
    ) -> Receipt | None:
        """Decide a review and return the correction when the sale changes.

        CONFIRMED charges the proposed lines, CHANGED the given ones in their place, DISMISSED leaves the receipt alone.
        Raises CorrectionError when the review does not exist or was decided already.
        """
        done = self._done(request_id)
        if done is not None:
            return done
        review = self._ledger.review(review_id)
        if review is None:
            raise CorrectionError(f"there is no review {review_id}")
        if review.state is not ReviewState.OPEN:
            raise CorrectionError(f"review {review_id} was decided already ({review.state.name.lower()})")
        decided = Entry(
            LedgerKind.REVIEW_RESOLVED,
            now_ns,
            review.session_id,
            {"review_id": review_id, "state": int(state), "operator_id": operator_id, "request_id": request_id},
            key=f"resolved:{review_id}",
        )
        sale = self._sale(review.receipt_id)
        if state is ReviewState.DISMISSED:
            self._ledger.append(decided, *self._let_go(sale, now_ns))
            return None
        wanted = review.proposed_lines if state is ReviewState.CONFIRMED else lines
        changes = _changes(self._left(sale), wanted, {line.sku for line in review.proposed_lines})
        if not changes:
            self._ledger.append(decided, *self._let_go(sale, now_ns))
            return None
        reason = f"review {review_id}"
        return self._issue(request_id, sale, ReceiptKind.CORRECTION, changes, reason, now_ns, decided)

    def _done(self, request_id: str) -> Receipt | None:
        for event in self._ledger.events(LedgerKind.RECEIPT_ISSUED):
            if event.key == f"request:{request_id}":
                return self._ledger.receipt(event.payload["receipt"]["receipt_id"])
        return None

    def _sale(self, receipt_id: str) -> Receipt:
        sale = self._ledger.receipt(receipt_id)
        if sale is None or sale.kind is not ReceiptKind.SALE:
            raise CorrectionError(f"there is no sale {receipt_id}")
        return sale

    def _left(self, sale: Receipt) -> dict[str, CartLine]:
        """Return the lines of a sale after all its refunds and corrections, by product."""
        left = {line.sku: line for line in sale.lines}
        for document in self._ledger.receipts(sale.session_id, limit=10_000):
            if document.corrects_receipt_id != sale.receipt_id:
                continue
            for line in document.lines:
                before = left[line.sku].quantity if line.sku in left else 0
                left[line.sku] = replace(line, quantity=before + line.quantity)
        return {sku: line for sku, line in sorted(left.items()) if line.quantity > 0}

    def _issue(
        self,
        request_id: str,
        sale: Receipt,
        kind: ReceiptKind,
        lines: tuple[CartLine, ...],
        reason: str,
        now_ns: int,
        *more: Entry,
    ) -> Receipt:
        number = len(self._ledger.receipts(sale.session_id, limit=10_000)) + 1
        receipt = replace(
            sale,
            receipt_id=f"{sale.session_id}-r{number}",
            kind=kind,
            stamp_ns=now_ns,
            lines=lines,
            total_minor=sum(line.total_minor for line in lines),
            payment_state=PaymentState.PENDING,
            payment_reference="",
            needs_review=False,
            corrects_receipt_id=sale.receipt_id,
        )
        payload = {"receipt": receipt_document(receipt), "reason": reason, "request_id": request_id}
        issued = Entry(LedgerKind.RECEIPT_ISSUED, now_ns, sale.session_id, payload, key=f"request:{request_id}")
        self._ledger.append(issued, self._payment(receipt, now_ns), *more)
        return receipt

    def _let_go(self, sale: Receipt, now_ns: int) -> list[Entry]:
        """Return the entry that releases the hold of a sale of nothing whose review has found nothing."""
        if sale.total_minor > 0:
            return []
        hold = self._session(sale).authorisation
        key = f"release:{sale.session_id}"
        request = PaymentRequest(key, RELEASE, sale.session_id, sale.receipt_id, hold, 0, "")
        return [payment_request(now_ns, request)] if hold else []

    def _session(self, receipt: Receipt) -> Session:
        session = self._ledger.session(receipt.session_id)
        if session is None:
            raise CorrectionError(f"receipt {receipt.receipt_id} belongs to no session of this ledger")
        return session

    def _payment(self, receipt: Receipt, now_ns: int) -> Entry:
        session = self._session(receipt)
        operation = CAPTURE if receipt.total_minor > 0 else REFUND
        request = PaymentRequest(
            f"{operation}:{receipt.receipt_id}",
            operation,
            receipt.session_id,
            receipt.receipt_id,
            session.authorisation,
            abs(receipt.total_minor),
            receipt.currency,
        )
        return payment_request(now_ns, request)


def _changes(left: dict[str, CartLine], wanted: tuple[CartLine, ...], judged: set[str]) -> tuple[CartLine, ...]:
    """Return by how much each judged product changes to become what is wanted."""
    target = {line.sku: line for line in wanted}
    changes = []
    for sku in sorted(judged | set(target)):
        before = left[sku].quantity if sku in left else 0
        after = target[sku].quantity if sku in target else 0
        if after != before:
            changes.append(replace(target.get(sku) or left[sku], quantity=after - before))
    return tuple(changes)
