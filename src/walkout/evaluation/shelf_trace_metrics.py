"""How well events agree with the known changes of a trace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from walkout.evaluation.made_traces import TrueChange
from walkout.evaluation.shelf_trace import TraceEvent


@dataclass(frozen=True)
class TraceScore:
    """Counts of one or several traces; ``errors_g`` of the matched events, ``right`` with a right weight."""

    true: int = 0
    found: int = 0
    matched: int = 0
    right: int = 0
    errors_g: tuple[float, ...] = ()

    def __add__(self, other: TraceScore) -> TraceScore:
        """Return the counts of both."""
        return TraceScore(
            self.true + other.true,
            self.found + other.found,
            self.matched + other.matched,
            self.right + other.right,
            self.errors_g + other.errors_g,
        )

    @property
    def precision(self) -> float:
        """Share of the events that are true changes."""
        return self.matched / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Share of the true changes that are events."""
        return self.matched / self.true if self.true else 1.0

    @property
    def right_share(self) -> float:
        """Share of the matched events whose weight is right."""
        return self.right / self.matched if self.matched else 1.0

    @property
    def error_p50_g(self) -> float:
        """Median of the absolute errors of the grams."""
        return float(np.median(np.abs(self.errors_g))) if self.errors_g else 0.0

    @property
    def error_p95_g(self) -> float:
        """95th percentile of the absolute errors of the grams."""
        return float(np.percentile(np.abs(self.errors_g), 95)) if self.errors_g else 0.0

    def to_json(self) -> dict[str, float]:
        """Return the figures as a document."""
        return {
            "changes": self.true,
            "events": self.found,
            "precision": self.precision,
            "recall": self.recall,
            "right": self.right_share,
            "error_p50_g": self.error_p50_g,
            "error_p95_g": self.error_p95_g,
        }


def score_events(
    truth: Sequence[TrueChange], events: Sequence[TraceEvent], names: Sequence[str], tolerance_s: float = 2.0
) -> TraceScore:
    """Match each true change to the event nearest in grams with a plate in common, the same sign and near in time.

    An event is near when the change lies between ``tolerance_s`` before its onset and as much after its onset or
    settling. Its weight is right within 4 g or 2 %, whichever is more.
    """
    left = list(events)
    matched = right = 0
    errors = []
    for change in sorted(truth, key=lambda c: -abs(c.delta_g)):
        plates = {names[plate] for plate in change.plates}
        fitting = [
            event
            for event in left
            if plates & set(event.plates)
            and event.delta_g * change.delta_g > 0
            and event.onset_s - tolerance_s <= change.at_s <= max(event.onset_s + tolerance_s, event.end_s + 0.2)
        ]
        if not fitting:
            continue
        best = min(fitting, key=lambda event: abs(event.delta_g - change.delta_g))
        left.remove(best)
        error = best.delta_g - change.delta_g
        errors.append(error)
        matched += 1
        right += abs(error) <= max(4.0, 0.02 * abs(change.delta_g))
    return TraceScore(len(truth), len(events), matched, right, tuple(errors))
