"""How well the tracker has followed simulated shoppers: MOTA, IDF1, HOTA, the error of the place and of the wrists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from walkout.evaluation.belief_score import BeliefFigures, score_beliefs
from walkout.evaluation.movement import THRESHOLD_M, Compared, Movement, Placed, matched_pairs
from walkout.evaluation.wrist_views import WristSightings
from walkout.simulation.truth import Truth
from walkout.store.model import Store

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class MovementFigures:
    """Counts that add up over runs. ``people`` and ``found`` are true and tracked places, one per person and time.

    ``identified`` are those under the identity that fits best over a whole run (IDTP); ``hota_sum`` is HOTA weighted by
    ``people``; ``error_sum_m`` the distances of matched pairs. ``wrist_errors_m`` are those of wrists that the tracker
    knew, of ``wrists`` of matched shoppers; ``reach_errors_m`` those of hands in a shelf. ``beliefs`` tell how honest
    covariances and identity probabilities are.
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
    reach_errors_m: tuple[float, ...] = ()
    beliefs: BeliefFigures = field(default_factory=BeliefFigures)

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
        return {
            "threshold_m": THRESHOLD_M,
            "people": self.people,
            "mota": round(self.mota, 4),
            "idf1": round(self.idf1, 4),
            "hota": round(self.hota, 4),
            "switches": self.switches,
            "error_cm": round(100 * self.error_sum_m / matched, 2) if matched else None,
            "wrist_error_cm": _percentile_cm(self.wrist_errors_m, 50),
            "wrist_error_cm_p95": _percentile_cm(self.wrist_errors_m, 95),
            "wrist_known": round(_share(len(self.wrist_errors_m), self.wrists), 4),
            "reaching_wrist_error_cm": _percentile_cm(self.reach_errors_m, 50),
            "reaching_wrist_error_cm_p95": _percentile_cm(self.reach_errors_m, 95),
            **self.beliefs.to_json(),
        }


@dataclass(frozen=True)
class Reach:
    """A hand that was in a shelf from one time to another; ``place`` (3,) is the lane, store metres."""

    visit_id: int
    from_ns: int
    to_ns: int
    place: FloatArray


def reaches_of(truth: Truth, store: Store) -> list[Reach]:
    """Return all reaches of a run, touches included."""
    return [
        Reach(true.visit_id, true.hand_in_ns, true.hand_out_ns, store.lane_sites[true.lane_id].position)
        for true in truth.interactions
    ]


def score_movement(
    movement: Movement, reaches: Sequence[Reach] = (), sightings: WristSightings | None = None
) -> MovementFigures:
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
        reach_errors(compared, reaches),
        score_beliefs(compared, sightings),
    )


def wrist_errors(compared: Sequence[Compared]) -> tuple[int, tuple[float, ...]]:
    """Return how many true wrists matched shoppers have, and the distances in metres of those that are known."""
    count, errors = 0, []
    for pair in compared:
        rows, columns = matched_pairs(pair)
        distance = np.linalg.norm(pair.truth.wrists[rows] - pair.tracks.wrists[columns], axis=2).ravel()
        count += len(distance)
        errors += np.round(distance[np.isfinite(distance)], 4).tolist()
    return count, tuple(errors)


def reach_errors(compared: Sequence[Compared], reaches: Sequence[Reach]) -> tuple[float, ...]:
    """Return the distances in metres of known wrists while they reach: of the true wrist that is nearer to the lane."""
    errors = []
    for pair in compared:
        now = [reach for reach in reaches if reach.from_ns <= pair.tracks.stamp_ns <= reach.to_ns]
        if not now:
            continue
        for row, column in zip(*matched_pairs(pair), strict=True):
            for reach in now:
                if reach.visit_id == pair.truth.ids[row]:
                    true = pair.truth.wrists[row]
                    side = int(np.linalg.norm(true - reach.place, axis=1).argmin())
                    errors.append(float(np.linalg.norm(true[side] - pair.tracks.wrists[column, side])))
    return tuple(round(error, 4) for error in errors if np.isfinite(error))


def _percentile_cm(errors_m: Sequence[float], percent: float) -> float | None:
    return round(100 * float(np.percentile(errors_m, percent)), 2) if len(errors_m) else None


def _places(placed: Placed) -> Any:
    from walkout.evaluation.tracking_sequence import Places

    return Places(placed.ids, placed.positions)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
