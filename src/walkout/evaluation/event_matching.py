"""Which reported event is which true one: the assignment with the least disagreement in time and weight."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from walkout.interactions.types import WeightEvent
from walkout.simulation.truth import TrueInteraction

MATCH_S = 6.0
"""A reported event may lie so far from the true one: the hand's push is felt before, settling lasts longer."""

_GRAMS_PER_S = 100.0
"""So many grams of disagreement count as much as a second: tells two events on one lane apart."""
_MOST_FOR_WEIGHT = 2.0
_FORBIDDEN = 1e6


def match_events(true: Sequence[TrueInteraction], reported: Sequence[WeightEvent]) -> dict[int, int]:
    """Return index of reported by index of true: one to one, on the same lane, within MATCH_S.

    As many pairs as possible, and among those assignments the one with the least sum of seconds and weight errors.
    """
    if not true or not reported:
        return {}
    cost = np.full((len(true), len(reported)), _FORBIDDEN)
    for row, wanted in enumerate(true):
        for column, event in enumerate(reported):
            if wanted.lane_id not in event.lane_ids:
                continue
            gap_s = distance_s(wanted.stamp_ns, event)
            if gap_s < MATCH_S:
                weight = abs(event.delta_g - wanted.delta_g) / _GRAMS_PER_S if event.weighed else _MOST_FOR_WEIGHT
                cost[row, column] = gap_s + min(weight, _MOST_FOR_WEIGHT)
    rows, columns = linear_sum_assignment(cost)
    return {int(row): int(column) for row, column in zip(rows, columns, strict=True) if cost[row, column] < _FORBIDDEN}


def distance_s(stamp_ns: int, event: WeightEvent) -> float:
    """Return how far a stamp lies outside an event, in seconds; 0 within."""
    if event.onset_ns <= stamp_ns <= event.end_ns:
        return 0.0
    return min(abs(stamp_ns - event.onset_ns), abs(stamp_ns - event.end_ns)) * 1e-9
