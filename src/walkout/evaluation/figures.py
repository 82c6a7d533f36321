"""All figures of a run, as sums and samples that add up over runs."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from walkout.evaluation.movement_score import MovementFigures
from walkout.evaluation.receipt_metrics import ReceiptScore
from walkout.evaluation.statistics import Claim, expected_calibration_error, percentiles, reliability


@dataclass(frozen=True)
class Latencies:
    """Seconds per event or receipt, two ways.

    Store time runs from the true moment (the hand let go; the shopper passed the exit) to the newest measurement when
    the cart or the receipt came; it is the same on every machine. The CPU time is that of the stages for the one
    measurement which brought it, from the frame or the readings to the cart.
    """

    event_to_cart_s: tuple[float, ...] = ()
    event_to_cart_cpu_s: tuple[float, ...] = ()
    exit_to_receipt_s: tuple[float, ...] = ()
    exit_to_receipt_cpu_s: tuple[float, ...] = ()

    def __add__(self, other: Latencies) -> Latencies:
        """Return the samples of both."""
        return Latencies(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


@dataclass(frozen=True)
class RunFigures:
    """Everything measured in one or several runs. ``claims`` are the stated probabilities of receipt lines."""

    score: ReceiptScore = field(default_factory=ReceiptScore)
    claims: tuple[Claim, ...] = ()
    latencies: Latencies = field(default_factory=Latencies)
    movement: MovementFigures = field(default_factory=MovementFigures)

    def __add__(self, other: RunFigures) -> RunFigures:
        """Return the figures of both."""
        return RunFigures(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def to_json(self) -> dict[str, Any]:
        """Return all figures; those that depend on the machine are ``real_time_factor`` and what has cpu or elapsed."""
        bins = reliability(self.claims)
        error = expected_calibration_error(bins)
        return self.score.to_json() | {
            "calibration_error": None if error is None else round(error, 4),
            "reliability": [
                {
                    "low": chosen.low,
                    "high": chosen.high,
                    "count": chosen.count,
                    "mean_probability": round(chosen.mean_probability, 4),
                    "share_right": round(chosen.share_right, 4),
                }
                for chosen in bins
            ],
            "tracking": self.movement.to_json(),
            "latency": {f.name: percentiles(getattr(self.latencies, f.name)) for f in fields(self.latencies)},
        }
