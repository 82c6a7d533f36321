"""How well the tracker has followed simulated shoppers: MOTA, IDF1, HOTA, the error of the place and of the wrists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from walkout.evaluation.movement import Compared, Movement, Placed

FloatArray = NDArray[np.float64]

THRESHOLD_M = 1.0
"""A track and a person can match when they stand this near, as on WILDTRACK."""


@dataclass(frozen=True)
class MovementFigures:
    """Counts that add up over runs. ``people`` and ``found`` are true and tracked places, one per person and time.

    ``identified`` are those under the identity that fits best over a whole run (IDTP); ``hota_sum`` is HOTA weighted by
    ``people``; ``error_sum_m`` the distances of matched pairs. ``wrist_errors_m`` are those of wrists that the tracker
    knew, of ``wrists`` of matched shoppers.
    """

    people: int = 0
    found: int = 0
    misses: int = 0
    false_positives: int = 0
    switches: int = 0
    identified: float = 0.0
    hota_sum: float = 0.0
    error_sum_m: float = 0.0
    wrists: int = 0
    wrist_errors_m: tuple[float, ...] = ()

    def __add__(self, other: MovementFigures) -> MovementFigures:
        """Return the sum of both."""
        return MovementFigures(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def mota(self) -> float:
        """1 less misses, false positives and switches per person and time."""
        return 1 - _share(self.misses + self.false_positives + self.switches, self.people)

    @property
    def idf1(self) -> float:
        """Harmonic mean of identity precision and recall."""
        return _share(2 * self.identified, self.people + self.found)

    @property
    def hota(self) -> float:
        """HOTA; over several runs the mean weighted by people."""
        return _share(self.hota_sum, self.people)

    def to_json(self) -> dict[str, Any]:
        """Return all figures, errors in centimetres; None where nothing was matched."""
        matched = self.people - self.misses
        wrists = np.array(self.wrist_errors_m) * 100
        return {
            "threshold_m": THRESHOLD_M,
            "people": self.people,
            "mota": round(self.mota, 4),
            "idf1": round(self.idf1, 4),
            "hota": round(self.hota, 4),
            "switches": self.switches,
            "error_cm": round(100 * self.error_sum_m / matched, 2) if matched else None,
            "wrist_error_cm": round(float(np.median(wrists)), 2) if len(wrists) else None,
            "wrist_error_cm_p95": round(float(np.percentile(wrists, 95)), 2) if len(wrists) else None,
            "wrist_known": round(_share(len(wrists), self.wrists), 4),
        }


def score_movement(movement: Movement) -> MovementFigures:
    """Return the figures of a run."""
    from walkout.evaluation.tracking_metrics import score_tracks  # brings pandas with it

    compared = movement.compare()
    truth = {number: _places(pair.truth) for number, pair in enumerate(compared)}
    tracks = {number: _places(pair.tracks) for number, pair in enumerate(compared)}
    people = sum(len(places.ids) for places in truth.values())
    found = sum(len(places.ids) for places in tracks.values())
    if people == 0:
        return MovementFigures(found=found, false_positives=found)
    score = score_tracks(truth, tracks, range(len(compared)), THRESHOLD_M)
    matched = people - score.misses
    wrists, errors = wrist_errors(compared)
    return MovementFigures(
        people,
        found,
        score.misses,
        score.false_positives,
        score.switches,
        score.idf1 * (people + found) / 2,
        score.hota * people,
        score.error_m * matched if matched else 0.0,
        wrists,
        errors,
    )


def wrist_errors(compared: Sequence[Compared]) -> tuple[int, tuple[float, ...]]:
    """Return how many true wrists matched shoppers have, and the distances in metres of those that are known."""
    count, errors = 0, []
    for pair in compared:
        truth, tracks = pair.truth, pair.tracks
        if not len(truth.ids) or not len(tracks.ids):
            continue
        apart = np.linalg.norm(truth.positions[:, None] - tracks.positions[None], axis=2)
        rows, columns = linear_sum_assignment(np.minimum(apart, 2 * THRESHOLD_M))
        near = apart[rows, columns] <= THRESHOLD_M
        rows, columns = rows[near], columns[near]
        distance = np.linalg.norm(truth.wrists[rows] - tracks.wrists[columns], axis=2).ravel()
        count += len(distance)
        errors += np.round(distance[np.isfinite(distance)], 4).tolist()
    return count, tuple(errors)


def _places(placed: Placed) -> Any:
    from walkout.evaluation.tracking_sequence import Places

    return Places(placed.ids, placed.positions)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
