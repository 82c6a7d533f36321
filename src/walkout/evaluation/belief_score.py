"""How honest the tracker is about what it does not know: covariances and identity probabilities against the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from walkout.evaluation.group_score import group_figures
from walkout.evaluation.movement import Compared, Placed, matched_pairs
from walkout.evaluation.statistics import Claim, expected_calibration_error, reliability
from walkout.evaluation.wrist_views import WristSightings

FloatArray = NDArray[np.float64]

WITHIN_95 = {2: 5.991, 3: 7.815}
MEDIAN = {2: 1.386, 3: 2.366}
"""95 % quantiles and medians of chi squared by degrees of freedom."""
VIEWS = (("0", 0, 0), ("1", 1, 1), ("2", 2, 2), ("3+", 3, 10_000))
DOUBTFUL = (0.05, 0.95)
"""Identity probabilities between these say that the tracker is not sure."""


@dataclass(frozen=True)
class WristSample:
    """One known wrist: how far off (m), its normalised square (error over standard deviation, 3 axes), views of it."""

    error_m: float
    nees: float
    views: int


@dataclass(frozen=True)
class BeliefFigures:
    """Samples that add up over runs, ten a second and matched shopper.

    ``place_errors_m`` are distances on the floor, ``place_nees`` their normalised estimation error squared (2 degrees
    of freedom; Bar-Shalom, Li and Kirubarajan 2001, 5.4). ``identities`` are the claims "this track is so-and-so", of
    the track's own identity and of the others that it names. ``groups`` are claims that two people came together, one a
    pair, as they stood when the two were last in the store at the same time.
    """

    place_errors_m: tuple[float, ...] = ()
    place_nees: tuple[float, ...] = ()
    wrists: tuple[WristSample, ...] = ()
    identities: tuple[Claim, ...] = ()
    groups: tuple[Claim, ...] = ()

    def __add__(self, other: BeliefFigures) -> BeliefFigures:
        """Return the samples of both."""
        return BeliefFigures(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def to_json(self) -> dict[str, Any]:
        """Return all figures: errors in centimetres, NEES over its degrees of freedom (1: honest); None of nothing."""
        bins = reliability(self.identities)
        error = expected_calibration_error(bins)
        doubtful = [c for c in self.identities if DOUBTFUL[0] <= c.probability <= DOUBTFUL[1]]
        return {
            "place_error_cm_p50": _percentile_cm(self.place_errors_m, 50),
            "place_nees": honesty(self.place_nees, 2),
            "wrists_by_views": {
                name: self._wrists([w for w in self.wrists if low <= w.views <= high]) for name, low, high in VIEWS
            },
            "identity_calibration_error": _rounded(error, 4),
            "identity_claims": len(self.identities),
            "identity_doubtful": {
                "count": len(doubtful),
                "mean_probability": _mean([c.probability for c in doubtful]),
                "share_right": _mean([float(c.right) for c in doubtful]),
            },
            "groups": group_figures(self.groups),
        }

    def _wrists(self, chosen: Sequence[WristSample]) -> dict[str, Any]:
        errors = [w.error_m for w in chosen]
        return {
            "count": len(chosen),
            "error_cm_p50": _percentile_cm(errors, 50),
            "error_cm_p95": _percentile_cm(errors, 95),
            **honesty([w.nees for w in chosen], 3),
        }


def honesty(nees: Sequence[float], dof: int) -> dict[str, float | None]:
    """Return the mean of NEES over its degrees of freedom, its median over chi squared's, and the share within 95 %.

    All but the last are 1 for an honest covariance, above when it promises too much; the last is then below 0.95. The
    median does not mind the few who are at quite another place.
    """
    if not len(nees):
        return {"nees_per_dof": None, "nees_median_ratio": None, "within_95": None}
    values = np.asarray(nees, dtype=float)
    return {
        "nees_per_dof": _rounded(float(values.mean()) / dof),
        "nees_median_ratio": _rounded(float(np.median(values)) / MEDIAN[dof]),
        "within_95": _rounded(float((values <= WITHIN_95[dof]).mean()), 4),
    }


def score_beliefs(compared: Sequence[Compared], sightings: WristSightings | None = None) -> BeliefFigures:
    """Return the figures of a run, in the order of time.

    The views of a wrist are the cameras that show it, or, without ``sightings``, those bound to its shopper.
    """
    errors: list[float] = []
    nees: list[float] = []
    wrists: list[WristSample] = []
    claims: list[Claim] = []
    names: dict[int, int] = {}
    for pair in compared:
        truth, tracks = pair.truth, pair.tracks
        if tracks.beliefs is None:
            continue
        rows, columns = matched_pairs(pair)
        views = np.zeros((len(truth.ids), 2), dtype=np.int64) if sightings is None else sightings.count(truth)
        if sightings is None:
            views[rows] = tracks.beliefs.views[columns][:, None]
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            _name(names, int(truth.ids[row]), int(tracks.ids[column]))
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            off = truth.positions[row] - tracks.positions[column]
            errors.append(round(float(np.linalg.norm(off)), 4))
            nees.append(round(float(off @ np.linalg.solve(tracks.beliefs.covariances[column], off)), 3))
            wrists += _wrist_samples(truth, row, tracks, column, views[row])
            claims += [
                Claim(min(round(float(probability), 3), 1.0), names.get(int(truth.ids[row])) == identity)
                for identity, probability in tracks.beliefs.identities[column]
            ]
    return BeliefFigures(tuple(errors), tuple(nees), tuple(wrists), tuple(claims))


def right_identities(compared: Sequence[Compared]) -> dict[int, int]:
    """Return the right track id of every person who was ever followed."""
    names: dict[int, int] = {}
    for pair in compared:
        for row, column in zip(*matched_pairs(pair), strict=True):
            _name(names, int(pair.truth.ids[row]), int(pair.tracks.ids[column]))
    return names


def _name(names: dict[int, int], person: int, identity: int) -> None:
    """Note the first identity that began on a person; one that began on somebody else is theirs."""
    if person not in names and identity not in names.values():
        names[person] = identity


def _wrist_samples(truth: Placed, row: int, tracks: Placed, column: int, views: NDArray[np.int64]) -> list[WristSample]:
    assert tracks.beliefs is not None
    samples = []
    for side in range(2):
        error = float(np.linalg.norm(truth.wrists[row, side] - tracks.wrists[column, side]))
        sd = float(tracks.beliefs.wrist_sd[column, side])
        if np.isfinite(error) and np.isfinite(sd):
            samples.append(WristSample(round(error, 4), round((error / sd) ** 2, 3), int(views[side])))
    return samples


def _percentile_cm(errors_m: Sequence[float], percent: float) -> float | None:
    return _rounded(100 * float(np.percentile(errors_m, percent))) if errors_m else None


def _mean(values: Sequence[float]) -> float | None:
    return _rounded(float(np.mean(values)), 4) if values else None


def _rounded(value: float | None, digits: int = 2) -> float | None:
    return None if value is None else round(value, digits)
