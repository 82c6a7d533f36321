"""Drawings: of the report as SVG text that goes straight into the page, of the commands as PNG."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.patches import Polygon
from numpy.typing import NDArray

from walkout.evaluation.judging import Moment, WrongTrip
from walkout.evaluation.movement import Movement, Placed
from walkout.evaluation.receipt_metrics import ReceiptScore
from walkout.evaluation.statistics import ReliabilityBin, wilson_interval
from walkout.store.floor import footprint
from walkout.store.model import FixtureType, Store

FloatArray = NDArray[np.float64]

INK, FAINT, TRUE, FOUND, BAD = "#26323d", "#b9c1c9", "#2e7d52", "#1769aa", "#c62f3b"
TRAIL_S = 3.0
_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "walkout",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
}


def class_plot(scores: Sequence[tuple[str, ReceiptScore]]) -> str:
    """Return exact receipts by class, a dot with its 95 % interval (Wilson)."""
    with mpl.rc_context(_STYLE):
        figure, axes = _figure(7.6, 0.8 + 0.3 * len(scores))
        for row, (_, score) in enumerate(scores):
            low, high = wilson_interval(score.exact_receipts, score.trips)
            share = score.exact_receipts / score.trips if score.trips else np.nan
            axes.plot([100 * low, 100 * high], [row, row], color=FOUND, linewidth=4, alpha=0.28, solid_capstyle="round")
            axes.plot([100 * share], [row], "o", color=FOUND, markersize=6)
            axes.text(102, row, f"{score.exact_receipts}/{score.trips}", va="center", fontsize=8)
        axes.set_yticks(range(len(scores)), [name for name, _ in scores])
        axes.invert_yaxis()
        axes.set_xlim(-2, 110)
        axes.set_xticks(range(0, 101, 20))
        axes.set_xlabel("exact receipts, % of trips, with 95 % confidence interval")
        axes.grid(axis="x", color="#e8ebee")
        axes.set_axisbelow(True)
        axes.spines["left"].set_visible(False)
        axes.tick_params(left=False)
        return _svg(figure)


def reliability_plot(bins: Sequence[ReliabilityBin]) -> str:
    """Return what the line probabilities promised against what came true, with the counts below."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(4.6, 4.4))
        FigureCanvasSVG(figure)
        above, below = figure.subplots(2, 1, height_ratios=[4, 1], sharex=True)
        above.plot([0, 1], [0, 1], color=FAINT, linestyle="--", linewidth=1)
        for chosen in bins:
            right = round(chosen.share_right * chosen.count)
            low, high = wilson_interval(right, chosen.count)
            above.plot([chosen.mean_probability] * 2, [low, high], color=FOUND, linewidth=3, alpha=0.28)
            above.plot([chosen.mean_probability], [chosen.share_right], "o", color=FOUND)
        above.set_ylabel("lines that were right")
        above.set_ylim(-0.03, 1.03)
        centres = [(chosen.low + chosen.high) / 2 for chosen in bins]
        below.bar(centres, [chosen.count for chosen in bins], width=0.09, color=FOUND, alpha=0.5)
        below.set_ylabel("lines")
        below.set_xlabel("stated probability")
        below.set_xlim(-0.02, 1.02)
        figure.tight_layout()
        return _svg(figure)


def identity_plot(during: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> bytes:
    """Return a PNG of what identity claims promised against what came true, with the counts below.

    Claims repeat ten times a second, so no confidence interval is drawn.
    """
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(4.6, 4.4))
        FigureCanvasAgg(figure)
        above, below = figure.subplots(2, 1, height_ratios=[4, 1], sharex=True)
        above.plot([0, 1], [0, 1], color=FAINT, linestyle="--", linewidth=1)
        for bins, colour, name in ((during, TRUE, "until they part"), (after, FOUND, "afterwards")):
            mean = [chosen["mean_probability"] for chosen in bins]
            above.plot(mean, [b["share_right"] for b in bins], "o-", color=colour, label=name)
            below.plot(mean, [b["count"] for b in bins], "o-", color=colour, markersize=3)
        above.set_ylabel("claims that were right")
        above.set_ylim(-0.03, 1.03)
        above.legend(frameon=False)
        below.set_ylabel("claims")
        below.set_yscale("log")
        below.set_xlabel("published probability of an identity")
        below.set_xlim(-0.02, 1.02)
        figure.tight_layout()
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=110)
        return buffer.getvalue()


def weight_plot(
    seconds: FloatArray, grams: FloatArray, at_s: float, events: Sequence[tuple[float, float, float]]
) -> str:
    """Return a lane's weight over time; the true moment is a line, reported events (start, end, grams) are bands."""
    with mpl.rc_context(_STYLE):
        figure, axes = _figure(5.2, 2.3)
        # Every third sample is enough to see by.
        axes.plot(seconds[::3] - at_s, grams[::3], color=INK, linewidth=0.9)
        axes.axvline(0.0, color=TRUE, linewidth=1.4)
        known = grams[np.isfinite(grams)]  # a dead plate says nothing
        low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
        margin = max(0.08 * (high - low), 2.0)
        axes.set_ylim(low - margin, high + 2.5 * margin)
        for start, end, delta in events:
            axes.axvspan(start - at_s, end - at_s, color=FOUND, alpha=0.13, linewidth=0)
            middle = float(np.clip((start + end) / 2 - at_s, seconds[0] - at_s, seconds[-1] - at_s))
            axes.text(middle, high + margin, f"{delta:+.0f} g", color=FOUND, ha="center", fontsize=8)
        axes.set_xlim(seconds[0] - at_s, seconds[-1] - at_s)
        axes.set_xlabel("seconds from the true moment")
        axes.set_ylabel("grams on the lane")
        figure.tight_layout()
        return _svg(figure)


def where_plot(store: Store, movement: Movement, moment: Moment, trip: WrongTrip) -> str:
    """Return the floor with everybody's true and tracked places at a moment and their paths before and after."""
    with mpl.rc_context(_STYLE):
        x0, y0, x1, y1 = store.floor
        scale = 3.3 / max(x1 - x0, y1 - y0)
        figure, axes = _figure(scale * (x1 - x0) + 0.3, scale * (y1 - y0) + 0.3)
        for fixture in store.fixtures:
            colour = "#eef6f0" if fixture.type is FixtureType.GATE else "#e7e2d8"
            axes.add_patch(Polygon(footprint(fixture), facecolor=colour, edgecolor=FAINT, linewidth=0.6))
        site = store.lane_sites.get(moment.lane_id)
        if site is not None:
            axes.plot(*site.position[:2], "s", color=BAD, markersize=5)
        _draw_paths(axes, movement.truth, moment.stamp_ns, TRUE, trip.visit_ids, "o", "visit")
        _draw_paths(axes, movement.tracks, moment.stamp_ns, FOUND, trip.track_ids, "x", "track")
        axes.set_xlim(x0 - 0.05, x1 + 0.05)
        axes.set_ylim(y0 - 0.05, y1 + 0.05)
        axes.set_aspect("equal")
        axes.spines[["top", "right"]].set_visible(True)
        axes.set_xticks([])
        axes.set_yticks([])
        figure.tight_layout(pad=0.3)
        return _svg(figure)


def _draw_paths(
    axes: Axes, notes: Sequence[Placed], at_ns: int, colour: str, mine: Sequence[int], mark: str, name: str
) -> None:
    """Draw the paths around a time; those of the trip are strong and named."""
    window = [placed for placed in notes if abs(placed.stamp_ns - at_ns) <= TRAIL_S * 1e9]
    for number in sorted({int(number) for placed in window for number in placed.ids}):
        points = [(p.stamp_ns, *p.positions[p.ids == number][0]) for p in window if number in p.ids]
        stamps, x, y = np.array(points, dtype=float).T
        strong = number in mine
        alpha = 1.0 if strong else 0.45
        axes.plot(x, y, color=colour, linewidth=1.6 if strong else 0.9, alpha=0.6 * alpha)
        now = int(np.abs(stamps - at_ns).argmin())
        axes.plot(x[now], y[now], mark, color=colour, markersize=7, alpha=alpha, markeredgewidth=1.6)
        away = (6, 4) if mark == "o" else (6, -10)
        axes.annotate(
            f"{name} {number}",
            (x[now], y[now]),
            away,
            textcoords="offset points",
            color=colour,
            fontsize=7,
            alpha=alpha,
        )


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height))
    FigureCanvasSVG(figure)
    return figure, figure.subplots()


def _svg(figure: Figure) -> str:
    """Return the drawing without XML header, without a date, scaling with the page."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", bbox_inches="tight", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    return re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
