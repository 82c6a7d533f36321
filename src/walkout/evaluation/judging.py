"""Hold what a run has brought against the truth: trips, events, probabilities, latencies, and what went wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from walkout.carts.types import Receipt, Review
from walkout.evaluation.event_matching import match_events
from walkout.evaluation.figures import Latencies, RunFigures
from walkout.evaluation.receipt_metrics import EventJudgement, Trip, score_events, score_trips
from walkout.evaluation.record import RunRecord
from walkout.evaluation.statistics import Claim
from walkout.interactions.types import Interaction, InteractionKind
from walkout.simulation.truth import TrueInteraction, TrueVisit, Truth, VisitKind
from walkout.store.model import Store


@dataclass(frozen=True)
class Moment:
    """A moment of a wrong trip worth looking at; ``lane_id`` is "" away from the shelves."""

    stamp_ns: int
    lane_id: str
    visit_id: int
    text: str


@dataclass(frozen=True)
class WrongTrip:
    """A trip whose receipt is not exact. ``differences`` maps SKU to (carried out, charged)."""

    visit_ids: tuple[int, ...]
    track_ids: tuple[int, ...]
    entered_ns: int
    left_ns: int
    has_receipt: bool
    in_review: bool
    differences: Mapping[str, tuple[int, int]] = field(hash=False)
    moments: tuple[Moment, ...]

    @property
    def summary(self) -> str:
        """One line: what is missing and what is too much."""
        who = f"visit {', '.join(map(str, self.visit_ids))}"
        if not self.has_receipt:
            return f"{who}: no receipt"
        parts = [f"{charged - carried:+d} {sku}" for sku, (carried, charged) in sorted(self.differences.items())]
        return f"{who}: {', '.join(parts)}" + (" (in review)" if self.in_review else "")


@dataclass(frozen=True)
class _TrueTrip:
    """Everybody who shops on one payment, with the sessions that were opened for them."""

    sessions: tuple[str, ...]
    visits: tuple[TrueVisit, ...]

    @property
    def basket(self) -> Counter[str]:
        return sum((visit.basket for visit in self.visits if visit.kind is not VisitKind.STAFF), Counter())

    @property
    def left_ns(self) -> int:
        return max(visit.left_ns for visit in self.visits)


@dataclass(frozen=True)
class _Verdict:
    """What became of one true take or return."""

    true: TrueInteraction
    found: Interaction | None
    right_shopper: bool = False
    right_product: bool = False
    right_quantity: bool = False

    @property
    def wrong(self) -> bool:
        return not (self.found and self.right_shopper and self.right_product and self.right_quantity)


def judge(store: Store, truth: Truth, record: RunRecord) -> tuple[RunFigures, tuple[WrongTrip, ...]]:
    """Score all trips that are over and return what is needed to look into the wrong ones."""
    price_minor = {product.sku: product.price_minor for product in store.products}
    verdicts, false_alarms = _judge_events(truth, record)
    trips, wrong, claims = [], [], []
    reviews = {review.session_id: review for review in record.reviews}
    for true_trip in _trips(truth, record):
        receipts = [record.receipts[session] for session in true_trip.sessions if session in record.receipts]
        charged = sum((_counted(receipt) for receipt in receipts), Counter()) if receipts else None
        trip = Trip(true_trip.basket, charged, any(receipt.needs_review for receipt in receipts))
        trips.append(trip)
        if len(receipts) == 1:
            claims += line_claims(true_trip.basket, receipts[0], reviews.get(receipts[0].session_id))
        if not trip.exact:
            wrong.append(_explain(true_trip, trip, verdicts, false_alarms, record))
    judgements = [
        EventJudgement(v.found is not None, v.right_shopper, v.right_product, v.right_quantity) for v in verdicts
    ]
    score = score_trips(trips, price_minor) + score_events(judgements, len(false_alarms))
    return RunFigures(score, tuple(claims), _latencies(truth, record, verdicts)), tuple(wrong)


def _counted(receipt: Receipt) -> Counter[str]:
    return Counter({line.sku: line.quantity for line in receipt.lines})


def line_claims(basket: Counter[str], receipt: Receipt, review: Review | None = None) -> list[Claim]:
    """Return what the lines of a receipt, and those proposed for review instead, claim of their products."""
    lines = {(line.sku, line.quantity): line.probability for line in receipt.lines}
    if review is not None:
        lines |= {(line.sku, line.quantity): line.probability for line in review.proposed_lines}
    return [
        Claim(min(max(probability, 0.0), 1.0), basket[sku] == quantity)
        for (sku, quantity), probability in lines.items()
    ]


def _trips(truth: Truth, record: RunRecord) -> list[_TrueTrip]:
    """Return the trips that are over. Staff count only when somebody charged them, and owe nothing.

    Who slipped in without a token makes no trip: nobody can be charged for what they carry out.
    """
    by_token: dict[str, list[TrueVisit]] = {}
    for visit in truth.visits.values():
        if visit.entered_ns >= 0 and not visit.tailgated:
            by_token.setdefault(visit.token or f"visit {visit.visit_id}", []).append(visit)
    trips = []
    for token, visits in by_token.items():
        sessions = record.sessions_by_token.get(token, ())
        unpaid = record.staff_sessions.issuperset(sessions) and not record.receipts.keys() & set(sessions)
        if not (sessions and unpaid) and all(visit.left_ns >= 0 for visit in visits):
            trips.append(_TrueTrip(sessions, tuple(visits)))
    return trips


def _judge_events(truth: Truth, record: RunRecord) -> tuple[list[_Verdict], list[Interaction]]:
    """Return what became of every true take and return, and the reported ones that have no true counterpart."""
    true = [event for event in truth.interactions if event.kind is not InteractionKind.TOUCH]
    reported = list(record.interactions.values())
    pairs = match_events(true, [interaction.event for interaction in reported])
    verdicts = [
        _verdict(event, reported[pairs[i]] if i in pairs else None, truth, record) for i, event in enumerate(true)
    ]
    matched = set(pairs.values())
    real = (InteractionKind.TAKE, InteractionKind.RETURN)
    false_alarms = [r for i, r in enumerate(reported) if i not in matched and r.best.kind in real]
    return verdicts, false_alarms


def _verdict(true: TrueInteraction, found: Interaction | None, truth: Truth, record: RunRecord) -> _Verdict:
    if found is None:
        return _Verdict(true, None)
    best = found.best
    visit = truth.visits[true.visit_id]
    if visit.tailgated:
        # Right is whoever is in nobody's cart.
        right = best.track_id not in record.tracks_of(record.tracks_by_session)
    else:
        right = best.track_id in record.tracks_of(record.sessions_by_token.get(visit.token, ()))
    return _Verdict(
        true,
        found,
        right_shopper=right,
        right_product=best.sku == true.sku and best.kind is true.kind,
        right_quantity=best.quantity == true.quantity,
    )


def _latencies(truth: Truth, record: RunRecord, verdicts: list[_Verdict]) -> Latencies:
    to_cart, to_cart_cpu, to_receipt, to_receipt_cpu = [], [], [], []
    for verdict in verdicts:
        if verdict.found is not None:
            arrived = record.interaction_arrived[verdict.found.interaction_id]
            to_cart.append((arrived.now_ns - verdict.true.stamp_ns) * 1e-9)
            to_cart_cpu.append(arrived.cpu_s)
    for trip in _trips(truth, record):
        told = [record.receipt_arrived[session] for session in trip.sessions if session in record.receipt_arrived]
        if told:
            last = max(told, key=lambda arrived: arrived.now_ns)
            to_receipt.append((last.now_ns - trip.left_ns) * 1e-9)
            to_receipt_cpu.append(last.cpu_s)
    return Latencies(tuple(to_cart), tuple(to_cart_cpu), tuple(to_receipt), tuple(to_receipt_cpu))


# ---- what went wrong


def _explain(
    true_trip: _TrueTrip, trip: Trip, verdicts: list[_Verdict], false_alarms: list[Interaction], record: RunRecord
) -> WrongTrip:
    charged = Counter(trip.charged or {})
    skus = sorted({sku for sku in {**trip.truth, **charged} if trip.truth.get(sku, 0) != charged[sku]})
    differences = {sku: (trip.truth.get(sku, 0), charged[sku]) for sku in skus}
    visit_ids = tuple(visit.visit_id for visit in true_trip.visits)
    tracks = record.tracks_of(true_trip.sessions)
    moments = _own_moments(visit_ids, differences, verdicts)
    moments += _foreign_moments(visit_ids, tracks, differences, verdicts, false_alarms)
    entered_ns = min(visit.entered_ns for visit in true_trip.visits)
    if trip.charged is None or not moments:
        first = visit_ids[0]
        moments += [Moment(entered_ns, "", first, "came in"), Moment(true_trip.left_ns, "", first, "left")]
    return WrongTrip(
        visit_ids,
        tracks,
        entered_ns,
        true_trip.left_ns,
        trip.charged is not None,
        trip.needs_review,
        differences,
        tuple(sorted(moments, key=lambda moment: moment.stamp_ns)),
    )


def _own_moments(
    visit_ids: tuple[int, ...], differences: dict[str, tuple[int, int]], verdicts: list[_Verdict]
) -> list[Moment]:
    """Return the shoppers' own takes and returns that were judged wrong, or else all of the products concerned."""
    mine = [v for v in verdicts if v.true.visit_id in visit_ids and v.true.sku in differences]
    return [
        Moment(v.true.stamp_ns, v.true.lane_id, v.true.visit_id, f"{_true_text(v.true)}: {_verdict_text(v)}")
        for v in [v for v in mine if v.wrong] or mine
    ]


def _foreign_moments(
    visit_ids: tuple[int, ...],
    tracks: tuple[int, ...],
    differences: dict[str, tuple[int, int]],
    verdicts: list[_Verdict],
    false_alarms: list[Interaction],
) -> list[Moment]:
    """Return what was put down to these shoppers though somebody else, or nobody, did it."""
    moments = []
    for v in verdicts:
        if v.found and v.true.visit_id not in visit_ids and v.found.best.track_id in tracks:
            text = f"{_true_text(v.true)}, but was put down to this shopper: {_found_text(v.found)}"
            moments.append(Moment(v.true.stamp_ns, v.true.lane_id, v.true.visit_id, text))
    for alarm in false_alarms:
        if alarm.best.track_id in tracks and alarm.best.sku in differences:
            text = f"nothing was moved, but reported: {_found_text(alarm)}"
            moments.append(Moment(alarm.event.end_ns, alarm.event.lane_ids[0], visit_ids[0], text))
    return moments


def _true_text(true: TrueInteraction) -> str:
    done = "took" if true.kind is InteractionKind.TAKE else "put down"
    return f"visit {true.visit_id} {done} {true.quantity} × {true.sku} ({true.delta_g:+.0f} g)"


def _verdict_text(verdict: _Verdict) -> str:
    if verdict.found is None:
        return "not noticed"
    wrong = [
        name
        for name, right in (
            ("shopper", verdict.right_shopper),
            ("product", verdict.right_product),
            ("quantity", verdict.right_quantity),
        )
        if not right
    ]
    judged = f"wrong {' and '.join(wrong)}" if wrong else "rightly noticed, lost at settlement"
    return f"{judged}: {_found_text(verdict.found)}"


def _found_text(found: Interaction) -> str:
    shown = [
        f"{_NAMES[h.kind]} {h.quantity} × {h.sku} by track {h.track_id or 'nobody'} ({h.probability:.0%})"
        for h in found.hypotheses[:3]
    ]
    grams = f"{found.event.delta_g:+.0f} ± {found.event.sd_g:.0f} g" if found.event.weighed else "not weighed"
    return f"{grams}; " + ", ".join(shown)


_NAMES = {
    InteractionKind.TAKE: "take",
    InteractionKind.RETURN: "return",
    InteractionKind.TOUCH: "touch",
    InteractionKind.UNKNOWN: "unknown",
}
