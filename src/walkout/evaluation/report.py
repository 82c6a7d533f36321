"""The report of an evaluation: one HTML page that needs nothing else, with the pictures of what went wrong in it."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from walkout.errors import UserError
from walkout.evaluation.evidence import MomentEvidence
from walkout.evaluation.figures import RunFigures
from walkout.evaluation.judging import WrongTrip
from walkout.evaluation.plots import class_plot, reliability_plot
from walkout.evaluation.receipts import ScenarioResult
from walkout.evaluation.results import figures_by_class, percent, total_of
from walkout.evaluation.statistics import expected_calibration_error, reliability, wilson_interval

PAGE = "index.html"


@dataclass(frozen=True)
class _Error:
    """One wrong trip as the page shows it."""

    anchor: str
    result: ScenarioResult
    trip: WrongTrip
    moments: tuple[MomentEvidence, ...]


def prepare_folder(folder: Path) -> None:
    """Make the report's folder, before the work rather than after it.

    Raises:
        UserError: it cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / PAGE).touch()
    except OSError as error:
        raise UserError(f"--report {folder}: cannot be written: {error.strerror}; give another folder") from error


def write_report(folder: Path, results: Sequence[ScenarioResult], about: Mapping[str, Any]) -> Path:
    """Write the page and return its path."""
    environment = Environment(
        loader=PackageLoader("walkout.evaluation", "templates"), autoescape=True, trim_blocks=True
    )
    environment.filters |= {"percent": _percent, "picture": _data_uri, "svg": Markup}
    total = total_of(results)
    by_class = figures_by_class(results)
    bins = reliability(total.claims)
    page = environment.get_template("report.html.j2").render(
        about=about,
        total=total,
        tiles=_tiles(total),
        rows=[*by_class.items(), ("all", total)] if len(by_class) > 1 else list(by_class.items()),
        class_plot=Markup(class_plot([(name, figures.score) for name, figures in by_class.items()])),
        reliability_plot=Markup(reliability_plot(bins)) if bins else "",
        calibration_error=expected_calibration_error(bins),
        values=total.to_json(),
        share=percent,
        interval=wilson_interval,
        errors=_errors(results),
    )
    path = folder / PAGE
    path.write_text(page, encoding="utf-8")
    return path


def _percent(value: float) -> str:
    return f"{value:.1%}"


def _data_uri(jpeg: bytes) -> Markup:
    return Markup("data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii"))


def _tiles(total: RunFigures) -> list[tuple[str, str, str]]:
    """Return the headline figures: name, value, remark."""
    score, values = total.score, total.to_json()
    low, high = wilson_interval(score.exact_receipts, score.trips)
    receipt_s = values["latency"]["exit_to_receipt_s"]
    tiles = [
        (
            "exact receipts",
            percent(score.exact_receipts, score.trips),
            f"{score.exact_receipts} of {score.trips} trips; 95 %: {low:.0%} to {high:.0%}",
        ),
        ("item F1", f"{score.item_f1:.1%}", f"precision {score.item_precision:.1%}, recall {score.item_recall:.1%}"),
        (
            "shopper given event",
            f"{score.shopper_accuracy:.1%}",
            f"product {score.product_accuracy:.1%}, of {score.events_found} events",
        ),
        (
            "over-charged",
            percent(score.overcharge_minor, score.value_minor),
            f"under-charged {percent(score.undercharge_minor, score.value_minor)} of the value",
        ),
        ("reviews", f"{score.reviews_per_1000:.0f}", "of 1,000 trips"),
    ]
    if receipt_s["count"]:
        tiles.append(("exit to receipt", f"{receipt_s['p95']:.1f} s", "95 of 100 receipts, store time"))
    return tiles


def _errors(results: Sequence[ScenarioResult]) -> list[_Error]:
    errors = []
    for result in results:
        moments = {evidence.trip: evidence.moments for evidence in result.evidence}
        for trip in result.wrong_trips:
            anchor = f"{result.scenario}-{result.seed}-{'-'.join(map(str, trip.visit_ids))}"
            errors.append(_Error(anchor, result, trip, moments.get(trip, ())))
    return errors
