"""How right the receipts are: pure counting on what was charged and what was true.

The figures are those of the autonomous-checkout literature: exact receipts per trip, and precision, recall and F1 of
the items, where an item is one piece of one SKU on one trip.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from walkout.evaluation.statistics import wilson_interval

_RATIOS = (
    *("item_precision", "item_recall", "item_f1", "shopper_accuracy", "product_accuracy", "quantity_accuracy"),
    *("event_precision", "event_recall", "reviews_per_1000", "cpu_s_per_store_minute", "real_time_factor"),
)


@dataclass(frozen=True)
class Trip:
    """One visit: pieces truly carried out and charged, by SKU. ``charged`` is None when there is no receipt."""

    truth: Mapping[str, int]
    charged: Mapping[str, int] | None
    needs_review: bool = False

    @property
    def exact(self) -> bool:
        """Whether the receipt lists exactly what was carried out."""
        return self.charged is not None and _positive(self.charged) == _positive(self.truth)


@dataclass(frozen=True)
class EventJudgement:
    """What became of one true take or return: was it noticed, given to the right shopper, named rightly."""

    found: bool
    right_shopper: bool = False
    right_product: bool = False
    right_quantity: bool = False


@dataclass(frozen=True)
class ReceiptScore:
    """Counts that add up over trips, and the ratios made of them. Money in minor units, times in seconds.

    ``elapsed_s`` is the wall clock of the whole run, simulator and renderer included; ``stage_cpu_s`` the CPU time of
    the store's own stages.
    """

    trips: int = 0
    exact_receipts: int = 0
    missing_receipts: int = 0
    reviews: int = 0
    true_items: int = 0
    charged_items: int = 0
    right_items: int = 0
    value_minor: int = 0
    overcharge_minor: int = 0
    undercharge_minor: int = 0
    events: int = 0
    events_found: int = 0
    events_right_shopper: int = 0
    events_right_product: int = 0
    events_right_quantity: int = 0
    false_events: int = 0
    simulated_s: float = 0.0
    elapsed_s: float = 0.0
    stage_cpu_s: float = 0.0

    @property
    def item_precision(self) -> float:
        """Right items of those charged; 1 when nothing was charged."""
        return _ratio(self.right_items, self.charged_items, 1.0)

    @property
    def item_recall(self) -> float:
        """Right items of those carried out; 1 when nothing was carried out."""
        return _ratio(self.right_items, self.true_items, 1.0)

    @property
    def item_f1(self) -> float:
        """Harmonic mean of item precision and recall."""
        total = self.true_items + self.charged_items
        return _ratio(2 * self.right_items, total, 1.0)

    @property
    def shopper_accuracy(self) -> float:
        """Right shopper of the true events that were noticed."""
        return _ratio(self.events_right_shopper, self.events_found, 1.0)

    @property
    def product_accuracy(self) -> float:
        """Right product of the true events that were noticed."""
        return _ratio(self.events_right_product, self.events_found, 1.0)

    @property
    def quantity_accuracy(self) -> float:
        """Right number of pieces of the true events that were noticed."""
        return _ratio(self.events_right_quantity, self.events_found, 1.0)

    @property
    def event_precision(self) -> float:
        """Reported takes and returns that belong to a true one; 1 when nothing was reported."""
        return _ratio(self.events_found, self.events_found + self.false_events, 1.0)

    @property
    def event_recall(self) -> float:
        """True events that were noticed."""
        return _ratio(self.events_found, self.events, 1.0)

    @property
    def reviews_per_1000(self) -> float:
        """Trips with a line for a person to look at, of a thousand."""
        return 1000 * _ratio(self.reviews, self.trips, 0.0)

    @property
    def cpu_s_per_store_minute(self) -> float:
        """CPU seconds of the stages for a minute of the store."""
        return 60 * _ratio(self.stage_cpu_s, self.simulated_s, 0.0)

    @property
    def real_time_factor(self) -> float:
        """Simulated seconds per second."""
        return _ratio(self.simulated_s, self.elapsed_s, 0.0)

    def __add__(self, other: ReceiptScore) -> ReceiptScore:
        """Return the sum of two scores."""
        return ReceiptScore(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def to_json(self) -> dict[str, Any]:
        """Return all counts and ratios, and the 95 % interval of the share of exact receipts."""
        values: dict[str, Any] = asdict(self)
        values |= {name: round(getattr(self, name), 4) for name in _RATIOS}
        values["exact_share"] = round(_ratio(self.exact_receipts, self.trips, 0.0), 4)
        values["exact_interval"] = [round(end, 4) for end in wilson_interval(self.exact_receipts, self.trips)]
        values["overcharge_share"] = round(_ratio(self.overcharge_minor, self.value_minor, 0.0), 4)
        values["undercharge_share"] = round(_ratio(self.undercharge_minor, self.value_minor, 0.0), 4)
        for name in ("simulated_s", "elapsed_s", "stage_cpu_s"):
            values[name] = round(values[name], 3)
        return values


def score_trips(trips: Iterable[Trip], price_minor: Mapping[str, int]) -> ReceiptScore:
    """Score trips; ``price_minor`` gives the price of every SKU.

    Raises:
        KeyError: a SKU without a price.
    """
    total = ReceiptScore()
    for trip in trips:
        total += _score_trip(trip, price_minor)
    return total


def score_events(judgements: Iterable[EventJudgement], false_events: int = 0) -> ReceiptScore:
    """Score what became of the true events."""
    listed = list(judgements)
    return ReceiptScore(
        events=len(listed),
        events_found=sum(j.found for j in listed),
        events_right_shopper=sum(j.right_shopper for j in listed),
        events_right_product=sum(j.right_product for j in listed),
        events_right_quantity=sum(j.right_quantity for j in listed),
        false_events=false_events,
    )


def _score_trip(trip: Trip, price_minor: Mapping[str, int]) -> ReceiptScore:
    truth, charged = _positive(trip.truth), _positive(trip.charged or {})
    right, over, under = truth & charged, charged - truth, truth - charged
    return ReceiptScore(
        trips=1,
        exact_receipts=int(trip.exact),
        missing_receipts=int(trip.charged is None),
        reviews=int(trip.needs_review),
        true_items=truth.total(),
        charged_items=charged.total(),
        right_items=right.total(),
        value_minor=_value(truth, price_minor),
        overcharge_minor=_value(over, price_minor),
        undercharge_minor=_value(under, price_minor),
    )


def _positive(counts: Mapping[str, int]) -> Counter[str]:
    return Counter({sku: count for sku, count in counts.items() if count > 0})


def _value(counts: Counter[str], price_minor: Mapping[str, int]) -> int:
    return sum(count * price_minor[sku] for sku, count in counts.items())


def _ratio(part: float, whole: float, empty: float) -> float:
    return part / whole if whole else empty
