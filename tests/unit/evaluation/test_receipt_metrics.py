import pytest
from hypothesis import given
from hypothesis import strategies as st

from walkout.evaluation.receipt_metrics import EventJudgement, ReceiptScore, Trip, score_events, score_trips

PRICES = {"milk": 129, "bread": 249, "soap": 80}
baskets = st.dictionaries(st.sampled_from(sorted(PRICES)), st.integers(0, 4))


def test_hand_computed_case():
    trips = [
        Trip(truth={"milk": 2, "bread": 1}, charged={"milk": 2, "bread": 1}),
        Trip(truth={"milk": 1, "soap": 1}, charged={"milk": 2}),
        Trip(truth={"bread": 1}, charged=None),
    ]
    score = score_trips(trips, PRICES)
    assert (score.trips, score.exact_receipts, score.missing_receipts) == (3, 1, 1)
    assert (score.true_items, score.charged_items, score.right_items) == (6, 5, 4)
    assert score.item_precision == pytest.approx(4 / 5)
    assert score.item_recall == pytest.approx(4 / 6)
    assert score.item_f1 == pytest.approx(8 / 11)
    assert score.value_minor == 2 * 129 + 249 + 129 + 80 + 249
    assert score.overcharge_minor == 129
    assert score.undercharge_minor == 80 + 249


def test_empty_trip_charged_nothing_is_exact():
    assert Trip(truth={}, charged={}).exact
    assert Trip(truth={}, charged={"milk": 0}).exact
    assert not Trip(truth={}, charged=None).exact


def test_events():
    score = score_events(
        [
            EventJudgement(found=True, right_shopper=True, right_product=True),
            EventJudgement(found=True),
            EventJudgement(False),
        ],
        false_events=2,
    )
    assert score.event_recall == pytest.approx(2 / 3)
    assert score.shopper_accuracy == pytest.approx(1 / 2)
    assert score.false_events == 2


def test_unknown_price_is_an_error():
    with pytest.raises(KeyError):
        score_trips([Trip(truth={"gold": 1}, charged={})], PRICES)


@given(st.lists(st.tuples(baskets, baskets), max_size=5))
def test_exact_trips_have_no_wrong_money_and_scores_add_up(pairs):
    trips = [Trip(truth, charged) for truth, charged in pairs]
    score = score_trips(trips, PRICES)
    parts = sum((score_trips([trip], PRICES) for trip in trips), ReceiptScore())
    assert parts == score
    if score.exact_receipts == score.trips:
        assert score.overcharge_minor == score.undercharge_minor == 0
        assert score.item_f1 == 1.0
    assert 0 <= score.item_precision <= 1
    assert 0 <= score.item_recall <= 1
