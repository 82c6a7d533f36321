from dataclasses import replace
from pathlib import Path

import pytest
from shop import S, Shop, Visit, script

from walkout.carts.checkout import make_sale
from walkout.carts.corrections import CorrectionError, Corrections
from walkout.carts.entries import Entry, LedgerKind, SessionState
from walkout.carts.party import Party
from walkout.carts.settlement import Doubt, Settlement
from walkout.carts.types import CartLine, PaymentState, Receipt, ReceiptKind, ReviewState


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A shop in which somebody has bought one sku3 and two sku6."""
    shop = Shop(tmp_path)
    shop.play(script([Visit(7, 2.0, 8.0, [(2.0, 3, -1, 3), (4.0, 6, -2, 6)])], 17.0, frame_s=0.4))
    return shop


def the_sale(shop: Shop) -> Receipt:
    return next(receipt for receipt in shop.ledger.receipts() if receipt.kind is ReceiptKind.SALE)


def balance(shop: Shop) -> int:
    return sum(
        shop.provider.balance_minor(session.authorisation) for session in shop.ledger.sessions(SessionState.SETTLED)
    )


def test_a_line_is_refunded_once_by_a_document_of_its_own(shop: Shop) -> None:
    sale = the_sale(shop)
    line = next(line for line in sale.lines if line.sku == "sku6")
    for _ in range(2):
        Corrections(shop.ledger).refund("r1", sale.receipt_id, (replace(line, quantity=1),), "broken", 60 * S)
        shop.manager.advance(62 * S)
    refund = shop.ledger.receipts()[0]
    assert (refund.kind, refund.corrects_receipt_id) == (ReceiptKind.REFUND, sale.receipt_id)
    assert refund.total_minor == -line.unit_price_minor
    assert refund.payment_state is PaymentState.REFUNDED
    assert the_sale(shop) == sale
    assert balance(shop) == sale.total_minor - line.unit_price_minor


def test_the_whole_rest_is_refunded_and_no_more(shop: Shop) -> None:
    sale = the_sale(shop)
    corrections = Corrections(shop.ledger)
    corrections.refund("r1", sale.receipt_id, (replace(sale.lines[0], quantity=1),), "", 60 * S)
    corrections.refund("r2", sale.receipt_id, (), "", 61 * S)
    shop.manager.advance(63 * S)
    assert balance(shop) == 0
    with pytest.raises(CorrectionError, match="has 0 of"):
        corrections.refund("r3", sale.receipt_id, (sale.lines[0],), "", 64 * S)
    with pytest.raises(CorrectionError, match="no sale"):
        corrections.refund("r4", "nothing", (), "", 64 * S)


def doubtful_sale(shop: Shop) -> str:
    """Another visit whose one product was left out for a person to look at; returns the review's id."""
    payload = {"gate_id": "in", "party_kind": 1, "authorisation": shop.provider.authorise("card-ok-9", "k").reference}
    shop.ledger.append(Entry(LedgerKind.SESSION_AUTHORISED, 70 * S, "test-x", payload))
    shop.ledger.append(Entry(LedgerKind.SESSION_ENTERED, 71 * S, "test-x", payload))
    session = shop.ledger.session("test-x")
    assert session is not None
    line = CartLine("sku4", "Product 4", 1, 248, 0.6, ("i:1",))
    sale = make_sale(Party.of(session), Settlement((), (Doubt(line, 90),)), 80 * S, "EUR")
    shop.ledger.append(*sale.entries)
    return sale.reviews[0].review_id


def test_a_confirmed_review_charges_what_was_left_out(shop: Shop) -> None:
    review_id = doubtful_sale(shop)
    shop.manager.advance(82 * S)
    receipt = Corrections(shop.ledger).resolve_review("q1", review_id, ReviewState.CONFIRMED, (), "anna", 90 * S)
    assert receipt is not None
    assert (receipt.kind, receipt.total_minor) == (ReceiptKind.CORRECTION, 248)
    shop.manager.advance(92 * S)
    session = shop.ledger.session("test-x")
    assert session is not None
    assert shop.ledger.review(review_id).state is ReviewState.CONFIRMED  # type: ignore[union-attr]
    assert shop.provider.balance_minor(session.authorisation) == 248


def test_a_dismissed_review_changes_nothing_and_is_decided(shop: Shop) -> None:
    review_id = doubtful_sale(shop)
    corrections = Corrections(shop.ledger)
    assert corrections.resolve_review("q1", review_id, ReviewState.DISMISSED, (), "anna", 90 * S) is None
    shop.manager.advance(92 * S)
    (doubtful,) = shop.ledger.receipts("test-x")
    assert doubtful.payment_state is PaymentState.RELEASED
    with pytest.raises(CorrectionError, match="decided already"):
        corrections.resolve_review("q2", review_id, ReviewState.CONFIRMED, (), "anna", 91 * S)


def test_a_changed_review_charges_what_the_operator_saw(shop: Shop) -> None:
    review_id = doubtful_sale(shop)
    seen = CartLine("sku4", "Product 4", 2, 248, 1.0)
    receipt = Corrections(shop.ledger).resolve_review("q1", review_id, ReviewState.CHANGED, (seen,), "anna", 90 * S)
    assert receipt is not None
    assert receipt.total_minor == 2 * 248
