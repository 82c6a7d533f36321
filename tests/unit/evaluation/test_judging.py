from collections import Counter

import pytest

from walkout.carts.types import (
    Cart,
    CartLine,
    CartState,
    GateEvent,
    GateEventKind,
    PartyKind,
    PaymentState,
    Receipt,
    ReceiptKind,
    Review,
    ReviewState,
)
from walkout.drivers.types import GateSignal, GateSignalKind
from walkout.evaluation.event_matching import match_events
from walkout.evaluation.judging import judge, line_claims
from walkout.evaluation.pipeline import PipelineOutput
from walkout.evaluation.record import RunRecord
from walkout.interactions.types import Hypothesis, Interaction, InteractionKind, WeightEvent
from walkout.simulation.truth import TrueInteraction, TrueVisit, Truth, VisitKind
from walkout.store.loader import load_store

S = 1_000_000_000
TAKE, RETURN, TOUCH = InteractionKind.TAKE, InteractionKind.RETURN, InteractionKind.TOUCH


@pytest.fixture(scope="module")
def store():
    return load_store("kiosk")


def true(number, visit, kind, sku, lane, at_s, quantity=1, grams=-100.0):
    return TrueInteraction(number, visit, visit, kind, sku, quantity, lane, at_s * S, at_s * S, at_s * S, grams)


def event(name, lane, start_s, end_s, grams=-100.0):
    return WeightEvent(name, "g1", (lane,), (grams,), round(start_s * S), round(end_s * S), grams, 2.0)


def explained(name, lane, at_s, track, sku, kind=TAKE, quantity=1, grams=-100.0):
    best = Hypothesis(track, sku, quantity, kind, 0.9)
    return Interaction(name, event(name, lane, at_s - 0.2, at_s + 0.8, grams), (best,))


def line(sku, quantity, probability):
    return CartLine(sku, sku, quantity, 100, probability)


def receipt(session, *lines, review=False):
    return Receipt(
        f"{session}-r1", ReceiptKind.SALE, session, session, 60 * S, 1 * S, 50 * S, tuple(lines), 0, "EUR",
        PaymentState.CAPTURED, "", review,
    )  # fmt: skip


class TestMatching:
    def test_events_on_other_lanes_or_long_after_are_others(self):
        truth = [true(1, 1, TAKE, "a", "g1/0/0", 10)]
        assert match_events(truth, [event("e", "g1/0/1", 9, 11)]) == {}
        assert match_events(truth, [event("e", "g1/0/0", 17, 18)]) == {}
        assert match_events(truth, [event("e", "g1/0/0", 15, 18)]) == {0: 0}

    def test_two_at_once_are_told_apart_by_weight(self):
        truth = [true(1, 1, TAKE, "a", "g1/0/0", 10, grams=-100.0), true(2, 2, RETURN, "a", "g1/0/0", 10, grams=100.0)]
        reported = [event("back", "g1/0/0", 9, 11, 99.0), event("out", "g1/0/0", 9, 11, -101.0)]
        assert match_events(truth, reported) == {0: 1, 1: 0}

    def test_an_early_event_leaves_the_late_one_to_who_needs_it(self):
        truth = [true(1, 1, TAKE, "a", "g1/0/0", 10), true(2, 1, TAKE, "a", "g1/0/0", 15)]
        reported = [event("first", "g1/0/0", 4.5, 5), event("second", "g1/0/0", 9.5, 10.5)]
        assert match_events(truth, reported) == {0: 0, 1: 1}


def build(visits, interactions, sessions, staff=()):
    truth = Truth()
    for number, (token, basket) in enumerate(visits, start=1):
        truth.visits[number] = TrueVisit(number, number, token, 0, 1 * S, 50 * S, basket=Counter(basket))
    truth.interactions = list(interactions)
    record = RunRecord()
    for token, (session, tracks) in sessions.items():
        kind = PartyKind.STAFF if token in staff else PartyKind.SHOPPER
        tap = GateSignal("gate_in", 1 * S, GateSignalKind.TAP, token)
        admitted = GateEvent("g", "gate_in", 1 * S, GateEventKind.AUTHORISED, session, kind)
        cart = Cart(session, session, kind, CartState.OPEN, 2 * S, S, tracks, (), "EUR")
        record.note(PipelineOutput(gate_events=[admitted], carts=[cart]), tap, 2 * S)
    return truth, record


def test_a_right_trip_and_a_wrong_one(store):
    honey, dark = "honey-blossom", "chocolate-dark"
    truth, record = build(
        [("card-1", {honey: 1}), ("card-2", {dark: 2})],
        [
            true(1, 1, TAKE, honey, "g1/0/0", 10),
            true(2, 2, TAKE, dark, "g1/0/1", 20, quantity=2, grams=-200.0),
            true(3, 2, TOUCH, dark, "g1/0/1", 25, quantity=0, grams=0.0),
        ],
        {"card-1": ("s1", (7,)), "card-2": ("s2", (8,))},
    )
    found = PipelineOutput(interactions=[explained("i1", "g1/0/0", 10, 7, honey)])
    record.note(found, None, 12 * S, 0.010)
    wrong = explained("i2", "g1/0/1", 20, 8, dark, quantity=1, grams=-200.0)
    alarm = explained("i3", "g1/1/0", 30, 8, honey)
    record.note(PipelineOutput(interactions=[wrong, alarm]), None, 21 * S, 0.030)
    receipts = [receipt("s1", line(honey, 1, 0.99)), receipt("s2", line(dark, 1, 0.8), line(honey, 1, 0.7))]
    record.note(PipelineOutput(receipts=receipts), None, 53 * S, 0.002)

    figures, wrong_trips = judge(store, truth, record)
    score = figures.score
    assert (score.trips, score.exact_receipts, score.true_items, score.charged_items, score.right_items) == (
        2,
        1,
        3,
        3,
        2,
    )
    assert (score.events, score.events_found, score.events_right_quantity, score.false_events) == (2, 2, 1, 1)
    assert score.event_precision == pytest.approx(2 / 3)
    assert score.shopper_accuracy == 1.0
    prices = store.product_by_sku
    assert score.overcharge_minor == prices[honey].price_minor
    assert score.undercharge_minor == prices[dark].price_minor
    assert sorted((c.probability, c.right) for c in figures.claims) == [(0.7, False), (0.8, False), (0.99, True)]
    assert figures.latencies.event_to_cart_s == pytest.approx((2.0, 1.0))
    assert figures.latencies.event_to_cart_cpu_s == pytest.approx((0.010, 0.030))
    assert figures.latencies.exit_to_receipt_s == pytest.approx((3.0, 3.0))
    (trip,) = wrong_trips
    assert trip.summary == "visit 2: -1 chocolate-dark, +1 honey-blossom"
    assert trip.track_ids == (8,)
    assert [(m.lane_id, m.stamp_ns) for m in trip.moments] == [("g1/0/1", 20 * S), ("g1/1/0", 30.8 * S)]
    assert "wrong quantity" in trip.moments[0].text
    assert "nothing was moved" in trip.moments[1].text


def test_newest_state_of_an_interaction_counts_and_its_first_arrival(store):
    truth, record = build(
        [("card-1", {"honey-blossom": 1})], [true(1, 1, TAKE, "honey-blossom", "g1/0/0", 10)], {"card-1": ("s1", (7,))}
    )
    first = explained("i1", "g1/0/0", 10, 99, "honey-blossom")
    record.note(PipelineOutput(interactions=[first]), None, 11 * S)
    record.note(PipelineOutput(interactions=[explained("i1", "g1/0/0", 10, 7, "honey-blossom")]), None, 30 * S)
    figures, _ = judge(store, truth, record)
    assert figures.score.shopper_accuracy == 1.0
    assert figures.latencies.event_to_cart_s == pytest.approx((1.0,))


def test_what_another_took_is_shown_with_the_trip_that_paid_for_it(store):
    honey = "honey-blossom"
    truth, record = build(
        [("card-1", {honey: 1}), ("card-2", {})],
        [true(1, 1, TAKE, honey, "g1/0/0", 10)],
        {"card-1": ("s1", (7,)), "card-2": ("s2", (8,))},
    )
    record.note(PipelineOutput(interactions=[explained("i1", "g1/0/0", 10, 8, honey)]), None, 12 * S)
    record.note(PipelineOutput(receipts=[receipt("s1"), receipt("s2", line(honey, 1, 0.9))]), None, 53 * S)
    figures, wrong_trips = judge(store, truth, record)
    assert figures.score.shopper_accuracy == 0.0
    assert [trip.visit_ids for trip in wrong_trips] == [(1,), (2,)]
    assert "wrong shopper" in wrong_trips[0].moments[0].text
    assert "put down to this shopper" in wrong_trips[1].moments[0].text


def test_shoppers_on_one_payment_are_one_trip(store):
    honey, dark = "honey-blossom", "chocolate-dark"
    truth, record = build([("card-1", {honey: 1}), ("card-1", {dark: 1})], [], {"card-1": ("s1", (7, 8))})
    lines = [line(honey, 1, 0.9), line(dark, 1, 0.9)]
    record.note(PipelineOutput(receipts=[receipt("s1", *lines)]), None, 53 * S)
    figures, wrong_trips = judge(store, truth, record)
    assert (figures.score.trips, figures.score.exact_receipts) == (1, 1)
    assert wrong_trips == ()


def test_the_sessions_of_one_payment_are_charged_together(store):
    honey, dark = "honey-blossom", "chocolate-dark"
    truth, record = build([("card-1", {honey: 1}), ("card-1", {dark: 1})], [], {"card-1": ("s1", (7,))})
    second = GateEvent("g", "gate_in", 3 * S, GateEventKind.AUTHORISED, "s2", PartyKind.SHOPPER)
    tap = GateSignal("gate_in", 3 * S, GateSignalKind.TAP, "card-1")
    cart = Cart("s2", "s2", PartyKind.SHOPPER, CartState.OPEN, 4 * S, S, (8,), (), "EUR")
    record.note(PipelineOutput(gate_events=[second], carts=[cart]), tap, 4 * S)
    receipts = [receipt("s1", line(honey, 1, 0.9)), receipt("s2", line(dark, 1, 0.9))]
    record.note(PipelineOutput(receipts=receipts), None, 55 * S)
    figures, wrong = judge(store, truth, record)
    assert (figures.score.trips, figures.score.exact_receipts) == (1, 1)
    assert wrong == ()
    assert record.tracks_of(["s1", "s2"]) == (7, 8)


def test_a_tailgater_is_no_trip_and_right_is_that_nobody_pays(store):
    honey = "honey-blossom"
    for track, right in ((9, 1.0), (7, 0.0)):
        truth, record = build([("card-1", {}), ("", {honey: 1})], [true(1, 2, TAKE, honey, "g1/0/0", 10)],
                              {"card-1": ("s1", (7,))})  # fmt: skip
        truth.visits[2].kind = VisitKind.TAILGATER
        record.note(PipelineOutput(interactions=[explained("i1", "g1/0/0", 10, track, honey)]), None, 12 * S)
        record.note(PipelineOutput(receipts=[receipt("s1")]), None, 55 * S)
        figures, _ = judge(store, truth, record)
        assert (figures.score.trips, figures.score.exact_receipts) == (1, 1)
        assert figures.score.shopper_accuracy == right


def test_staff_are_no_trip_unless_somebody_charges_them(store):
    truth, record = build([("staff-1", {})], [], {"staff-1": ("s1", (7,))}, staff=("staff-1",))
    assert judge(store, truth, record)[0].score.trips == 0
    record.note(PipelineOutput(receipts=[receipt("s1", line("honey-blossom", 1, 0.9))]), None, 53 * S)
    figures, _ = judge(store, truth, record)
    assert (figures.score.trips, figures.score.exact_receipts) == (1, 0)


def test_a_trip_without_receipt_shows_entry_and_exit(store):
    truth, record = build([("card-1", {"honey-blossom": 1})], [], {})
    figures, (trip,) = judge(store, truth, record)
    assert figures.score.missing_receipts == 1
    assert trip.summary == "visit 1: no receipt"
    assert [moment.text for moment in trip.moments] == ["came in", "left"]


def test_lines_proposed_for_review_are_claims_too():
    proposed = Review(
        "r", ReviewState.OPEN, "s1-r1", "s1", 60 * S, (line("tea", 1, 0.5), line("milk", 2, 0.9)), (), 100, "EUR", ""
    )
    claims = line_claims(Counter(tea=1, milk=2), receipt("s1", line("milk", 2, 0.9), review=True), proposed)
    assert sorted((claim.probability, claim.right) for claim in claims) == [(0.5, True), (0.9, True)]
