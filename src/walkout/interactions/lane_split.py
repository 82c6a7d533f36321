"""One step over several plates: an item that lies on two of them, or takes from neighbouring lanes at one moment.

The shelf monitor merges neighbours that change together, because it knows no products. Here the weights decide: the
parts of a step of an item across plates fit nothing by themselves, the takes of two hands fit the lanes' own products.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from walkout.interactions.likelihoods import WeightModel
from walkout.interactions.planogram_belief import PlanogramBelief
from walkout.interactions.types import WeightEvent

FloatArray = NDArray[np.float64]
_MOST_LANES = 5


class LaneSplitter:
    """Tells which lanes of an event moved for a reason of their own."""

    def __init__(self, together: float, unexplained: float, weights: WeightModel, belief: PlanogramBelief) -> None:
        """Judge by weights and planogram; hands are in neighbouring lanes at one moment with odds ``together``.

        ``unexplained`` are the odds that no product made a step.
        """
        self._log_together = float(np.log(together))
        self._log_unexplained = float(np.log(unexplained))
        self._weights, self._belief = weights, belief

    def split(self, event: WeightEvent) -> tuple[WeightEvent, ...]:
        """Return the event, or one event for every group of its lanes that moved together.

        The group of the lane that changed most keeps the event's id, the others get their first lane's added.
        """
        count = len(event.lane_ids)
        if not 2 <= count <= _MOST_LANES:
            return (event,)
        best, chosen = -np.inf, [(0, count)]
        for cuts in range(1 << (count - 1)):
            edges = [0, *(place + 1 for place in range(count - 1) if cuts >> place & 1), count]
            groups = list(pairwise(edges))
            score = sum(self._score(event, *group) for group in groups) + self._log_together * (len(groups) - 1)
            if score > best:
                best, chosen = score, groups
        if len(chosen) == 1:
            return (event,)
        sizes = [abs(sum(event.lane_deltas_g[a:b])) for a, b in chosen]
        main = sizes.index(max(sizes))
        return tuple(self._part(event, a, b, index == main) for index, (a, b) in enumerate(chosen))

    def _score(self, event: WeightEvent, first: int, last: int) -> float:
        """Return the log density of the deltas of lanes first:last, had they one cause."""
        deltas = event.lane_deltas_g[first:last]
        whole, sd = sum(deltas), event.sd_g * float(np.sqrt((last - first) / len(event.lane_ids)))
        if whole == 0:
            return -np.inf
        main = event.lane_ids[first + int(np.argmax(np.abs(deltas)))]
        odds = self._belief.take_log_odds(main) if whole < 0 else self._belief.return_log_odds(main)
        fits = self._weights.log_likelihood(whole, sd) + odds[:, None]
        nothing = self._weights.unexplained(whole) + self._log_unexplained
        # An item across plates may lie on them in any proportion.
        proportion = -(last - first - 1) * float(np.log(abs(whole)))
        return float(np.logaddexp(np.logaddexp.reduce(fits, axis=None), nothing)) + proportion

    def _part(self, event: WeightEvent, first: int, last: int, main: bool) -> WeightEvent:
        deltas = event.lane_deltas_g[first:last]
        return replace(
            event,
            event_id=event.event_id if main else f"{event.event_id}+{event.lane_ids[first]}",
            lane_ids=event.lane_ids[first:last],
            lane_deltas_g=deltas,
            delta_g=sum(deltas),
            sd_g=event.sd_g * float(np.sqrt((last - first) / len(event.lane_ids))),
        )
