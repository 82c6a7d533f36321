"""The best figures that others have published, beside which ours are put. Their data and ours are not the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from walkout.evaluation.figures import RunFigures
from walkout.evaluation.movement import THRESHOLD_M
from walkout.evaluation.receipts import ScenarioResult
from walkout.evaluation.results import percent, total_of

AUTOCHECKOUT = "winner of the AutoCheckout competition, CPS-IoT Week 2020"


@dataclass(frozen=True)
class Comparison:
    """One line of the table: what, the public figure, whose it is, and ours ("not measured here" when it is not)."""

    what: str
    public: str
    source: str
    ours: str


Results = Sequence[ScenarioResult]


@dataclass(frozen=True)
class _Row:
    what: str
    public: str
    source: str
    ours: Callable[[Results], str]


def compare_with_public(results: Results) -> list[Comparison]:
    """Return the table for the results of the suite."""
    return [Comparison(row.what, row.public, row.source, row.ours(results)) for row in _ROWS]


def _exact(results: Results) -> str:
    score = total_of(results).score
    return f"{percent(score.exact_receipts, score.trips)} of {score.trips} trips" if score.trips else "-"


def _several(results: Results) -> list[ScenarioResult]:
    return [result for result in results if result.score.trips > 1]


def _items(results: Results) -> str:
    score = total_of(results).score
    return f"{score.item_precision:.1%} / {score.item_recall:.1%} / {score.item_f1:.1%}" if score.trips else "-"


def _shopper(results: Results) -> str:
    score = total_of(results).score
    return f"{score.shopper_accuracy:.1%} of {score.events_found} events" if score.events_found else "-"


def _product(results: Results) -> str:
    score = total_of(results).score
    return f"{score.product_accuracy:.1%} of {score.events_found} events" if score.events_found else "-"


def _few(results: Results) -> list[ScenarioResult]:
    return [result for result in results if 1 <= result.score.trips <= 2]


def _crowd(results: Results) -> list[ScenarioResult]:
    return [result for result in results if result.score.trips >= 6]


def _class_f1(*words: str) -> Callable[[Results], str]:
    """Return the item F1 of the classes whose name holds one of the words."""

    def ours(results: Results) -> str:
        chosen = [result for result in results if any(word in result.scenario_class.lower() for word in words)]
        if not chosen:
            return "not measured here"
        names = sorted({result.scenario_class for result in chosen})
        return f"{total_of(chosen).score.item_f1:.2f} ({', '.join(names)})"

    return ours


def _receipt_s(results: Results) -> str:
    found = total_of(results).to_json()["latency"]["exit_to_receipt_s"]
    return f"p50 {found['p50']:.1f} s, p95 {found['p95']:.1f} s" if found["count"] else "-"


def _reviews(results: Results) -> str:
    return f"{total_of(results).score.reviews_per_1000:.0f} of 1,000"


def _shrink(results: Results) -> str:
    score = total_of(results).score
    over = percent(score.overcharge_minor, score.value_minor)
    return f"under-charged {percent(score.undercharge_minor, score.value_minor)} of the value, over-charged {over}"


def _tracking(results: Results) -> str:
    return tracking_text(total_of(results))


def tracking_text(figures: RunFigures) -> str:
    """Return IDF1 and HOTA of simulated shoppers, "-" without any."""
    found = figures.movement
    if not found.people:
        return "-"
    return f"IDF1 {found.idf1:.1%}, HOTA {100 * found.hota:.1f} at {THRESHOLD_M:g} m on simulated shoppers"


def _unmeasured(results: Results) -> str:
    return "not measured here"


_ROWS = (
    _Row("exact receipts", "60 % of 30 trips", AUTOCHECKOUT, _exact),
    _Row("exact receipts, several shoppers", "33 % of 6 trips", AUTOCHECKOUT, lambda r: _exact(_several(r))),
    _Row(
        "items: precision / recall / F1",
        "87.5 / 92.6 / 90.0 % (84.4 % F1 at the event)",
        "the winning team's own report",
        _items,
    ),
    _Row(
        "product, given the event",
        "93.2 % (weight alone 68 %, place alone 76 %, both 92 %)",
        "AIM3S, BuildSys 2019",
        _product,
    ),
    _Row("shopper, given the event, one or two people", "97.3 %", "AIM3S, BuildSys 2019", lambda r: _shopper(_few(r))),
    _Row(
        "shopper, given the event, six or more people",
        "76.3 % recall (one camera, a crowd)",
        "Sensors 24(2) 367",
        lambda r: _shopper(_crowd(r)),
    ),
    _Row("item F1, two people close together", "0.83", "competition results", _class_f1("shoulder")),
    _Row("item F1, the same product at once", "0.67", "competition results", _class_f1("same product")),
    _Row("item F1, swap between shoppers", "0.5", "competition results", _class_f1("swap")),
    _Row(
        "item F1, several people, many events",
        "0.29 (three people, 33 events)",
        "competition results",
        _class_f1("busy"),
    ),
    _Row("exit to receipt", "30 s", "Trigo at Tesco", _receipt_s),
    _Row("trips looked at by people", "700 of 1,000 in 2022, target below 50", "Just Walk Out, in the press", _reviews),
    _Row("shrink", "below 1 %", "Just Walk Out", _shrink),
    _Row("uptime", "99.9 % over 12 months", "Just Walk Out", _unmeasured),
    _Row("works offline for", "6 h", "Zippin", _unmeasured),
    _Row(
        "tracking people",
        "IDF1 95.6 % on WILDTRACK, HOTA 81.2 on AI City 2024",
        "MCBLT",
        _tracking,
    ),
)
