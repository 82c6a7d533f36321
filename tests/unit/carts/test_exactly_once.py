"""Whatever dies, and whenever: nothing is lost and nobody is charged twice."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from shop import CrashPlan, Shop, Visit, script

from walkout.carts.entries import LedgerKind
from walkout.carts.types import PaymentState, ReceiptKind

VISIT = Visit(7, 2.0, 8.0, [(2.0, 3, -1, 3), (4.0, 6, -2, 6)])
PRICE_MINOR = (100 + 37 * 3) + 2 * (100 + 37 * 6)
INPUTS = script([VISIT], 17.0, frame_s=0.4)


def run(folder: Path, *steps: int) -> Shop:
    folder.mkdir(parents=True, exist_ok=True)
    shop = Shop(folder, CrashPlan(*steps))
    shop.play(INPUTS)
    return shop


def check(shop: Shop) -> None:
    (receipt,) = shop.ledger.receipts()
    (session_event,) = shop.ledger.events(LedgerKind.SESSION_ENTERED)
    session = shop.ledger.session(session_event.session_id)
    assert session is not None
    assert receipt.kind is ReceiptKind.SALE
    assert receipt.total_minor == sum(line.total_minor for line in receipt.lines)
    assert shop.provider.balance_minor(session.authorisation) == receipt.total_minor
    assert shop.ledger.pending_payments() == []
    assert receipt in shop.told
    before = shop.ledger.projections()
    shop.ledger.rebuild()
    assert shop.ledger.projections() == before


def close(shop: Shop) -> None:
    shop.ledger.close()
    shop.provider.close()


def test_a_crash_at_any_single_step(tmp_path: Path) -> None:
    calm = run(tmp_path / "calm")
    check(calm)
    assert calm.ledger.receipts()[0].total_minor == PRICE_MINOR
    steps = calm.plan.count
    close(calm)
    assert steps > 20
    for step in range(1, steps + 1):
        shop = run(tmp_path / str(step), step)
        assert shop.restarts >= 1
        check(shop)
        (receipt,) = shop.ledger.receipts()
        assert receipt.total_minor == PRICE_MINOR, f"crash at step {step}"
        assert receipt.payment_state is PaymentState.CAPTURED
        close(shop)


@settings(max_examples=12, deadline=None)
@given(steps=st.lists(st.integers(1, 60), min_size=2, max_size=6, unique=True))
def test_several_crashes(tmp_path_factory: object, steps: list[int]) -> None:
    folder = tmp_path_factory.mktemp("crashes")  # type: ignore[attr-defined]
    shop = run(folder, *steps)
    check(shop)
    assert shop.ledger.receipts()[0].total_minor <= PRICE_MINOR
    close(shop)
