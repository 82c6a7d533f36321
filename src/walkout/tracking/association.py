"""Which detection of one camera belongs to which shopper, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from walkout.tracking.filter import BODY, bend_of, pair_cost
from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.small_arrays import stacked
from walkout.tracking.track import Track
from walkout.tracking.view import Observations, Prediction, View

FloatArray = NDArray[np.float64]

_FORBIDDEN = 1e6
_OUT_OF_QUESTION = 40.0
"""A cost that rises by more is a likelihood that falls by a factor of 5e8."""


@dataclass(frozen=True)
class Assignment:
    """``tracks`` (m,) and ``detections`` (m,) are matched indices; ``cost`` (t, d) negative where plausible.

    Without ``cost`` the match does not rest on this camera alone and says nothing of how it might have been otherwise.
    """

    tracks: NDArray[np.intp]
    detections: NDArray[np.intp]
    cost: FloatArray | None


def assign(
    view: View,
    tracks: Sequence[Track],
    prediction: Prediction,
    seen: NDArray[np.bool_],
    handicap: FloatArray,
    observations: Observations,
    parameters: TrackerParameters,
) -> Assignment:
    """Match shoppers and detections of one camera by the Hungarian algorithm under the gate.

    A pair's cost is its misfit (two times the negative log-likelihood) less what a detection of nobody known would
    cost, which is set by the gate: ``gate_sigma``^2 / 2 per observed row, plus the shopper's ``handicap`` (t,). Only
    pairs below zero are matched.
    """
    if not tracks or not len(observations):
        none = np.zeros(0, dtype=np.intp)
        return Assignment(none, none, np.zeros((len(tracks), len(observations))))
    covariance = stacked([t.covariance for t in tracks], 5, 5)[:, BODY[:, None], BODY]
    bend = bend_of(np.array([t.mean[4] for t in tracks]), np.array([t.stature for t in tracks]))
    misfit, rows = pair_cost(view, covariance, prediction, observations, seen, bend, parameters.robust_sigma)
    cost = misfit - rows * parameters.gate_sigma**2 / 2
    cost += parameters.appearance_weight * _look_costs(tracks, observations, parameters)
    cost += handicap[:, None]
    cost[rows < 2] = _FORBIDDEN
    cost[~np.isfinite(cost)] = _FORBIDDEN
    chosen, detections = linear_sum_assignment(np.minimum(cost, 0.0))
    good = cost[chosen, detections] < 0
    return Assignment(chosen[good], detections[good], cost)


def _look_costs(tracks: Sequence[Track], observations: Observations, parameters: TrackerParameters) -> FloatArray:
    """Return the squared normalised clothing distances (t, d), centred so that a typical match costs nothing."""
    size = observations.appearance.shape[1]
    cost = np.zeros((len(tracks), len(observations)))
    if not size:
        return cost
    known = [k for k, t in enumerate(tracks) if t.appearance is not None and len(t.appearance) == size]
    if known:
        looks = stacked([look for k in known if (look := tracks[k].appearance) is not None], size)
        apart = np.clip((1.0 - looks @ observations.appearance.T) / parameters.appearance_match_sd, 0.0, 3.0) ** 2
        cost[known] = np.where(np.isnan(apart), 0.0, apart)
    return cost


def exchange_costs(assignment: Assignment) -> FloatArray | None:
    """Return by how much the cost would rise (t, t) if two of the t tracks swapped detections, if known.

    Of two only one of whom has a detection, the other would take it. Infinite where nothing is known of a pair: neither
    has a detection, or only one, and that is out of the question for the other.
    """
    cost, matched = assignment.cost, assignment.tracks
    if cost is None or len(cost) < 2 or not len(matched):
        return None
    given = cost[:, assignment.detections]
    kept = given[matched, np.arange(len(matched))]
    rise = np.full((len(cost), len(cost)), np.inf)
    taken = given - kept
    one = np.where(taken < _OUT_OF_QUESTION, taken, np.inf)
    rise[:, matched], rise[matched] = one, one.T
    crossed = given[matched]
    rise[matched[:, None], matched] = crossed + crossed.T - kept[:, None] - kept
    np.fill_diagonal(rise, np.inf)
    return rise
