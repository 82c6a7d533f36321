"""Who came together: a probability for every two shoppers, from how they came in and how they move."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from walkout.settings import setting, settings_of
from walkout.tracking.types import Shoppers, ShopperState, TrackState

LOOK_S = 0.2
"""Pairs are looked at about so often: people do not move apart faster."""
LONGEST_GAP_S = 20.0
"""Entries further apart than this are all the same: nothing in common."""


@dataclass(frozen=True)
class GroupParameters:
    """What makes two shoppers a group.

    The weights are those of a logistic regression, fitted to true paths of simulated shoppers; see docs/tracking.md.

    Raises:
        ValueError: a value outside its range.
    """

    near_m: float = setting(1.5, "shoppers nearer than this are side by side", unit="m", range=(0.3, 10.0))
    walking: float = setting(0.3, "shoppers faster than this walk", unit="m/s", range=(0.05, 3.0))
    alike: float = setting(0.4, "velocities that differ by less than this are alike", unit="m/s", range=(0.05, 3.0))
    settle_s: float = setting(10.0, "time of nothing in common assumed beforehand", unit="s", range=(0.1, 600.0))
    least_s: float = setting(3.0, "shoppers followed together for less are no group yet", unit="s", range=(0.0, 600.0))
    bias: float = setting(1.8, "log odds of two who came in at once, with nothing else", unit="1", range=(-50.0, 50.0))
    gap_weight: float = setting(-0.55, "log odds per second between their entries", unit="1/s", range=(-50.0, 0.0))
    near_weight: float = setting(3.0, "log odds for being side by side all the time", unit="1", range=(0.0, 100.0))
    alike_weight: float = setting(1.3, "log odds for walking alike, side by side", unit="1", range=(0.0, 100.0))

    def __post_init__(self) -> None:
        """Check the ranges."""
        for item in settings_of(type(self)):
            item.check(getattr(self, item.name))


@dataclass
class _Pair:
    """Seconds that two shoppers were both followed, were side by side, walked both, and walked alike side by side."""

    both_s: float = 0.0
    near_s: float = 0.0
    walking_s: float = 0.0
    alike_s: float = 0.0


class GroupFinder:
    """Watches every two confirmed shoppers and names those who belong together.

    Without payment data nothing else tells: who came in close behind each other, keeps side by side and walks at the
    same pace in the same direction. Cost grows with the pairs, and pairs are looked at five times a second.
    """

    def __init__(self, parameters: GroupParameters = GroupParameters()) -> None:
        self.parameters = parameters
        self.clear()

    def clear(self) -> None:
        """Forget everybody (the clock jumped back)."""
        self._entered_ns: dict[int, int] = {}
        self._pairs: dict[tuple[int, int], _Pair] = {}
        self._last_ns: int | None = None
        self._ties: dict[int, tuple[int, float]] = {}

    def update(self, shoppers: Shoppers) -> Shoppers:
        """Take a snapshot and return it with ``group_id`` and ``group_probability`` of everybody.

        A group has the smallest track id of its members; the probability is that of a member's strongest tie.
        """
        followed = [s for s in shoppers.shoppers if s.state is TrackState.CONFIRMED]
        for state in followed:
            self._entered_ns.setdefault(state.track_id, shoppers.stamp_ns)
        last = self._last_ns
        if last is None or not 0 <= shoppers.stamp_ns - last < LOOK_S * 1e9:
            self._last_ns = shoppers.stamp_ns
            if last is not None and shoppers.stamp_ns > last:
                self._watch(followed, min((shoppers.stamp_ns - last) * 1e-9, 5 * LOOK_S))
            self._forget({s.track_id for s in shoppers.shoppers if s.state is not TrackState.CLOSED})
            self._ties = self._find_ties()
        return replace(shoppers, shoppers=tuple(_with_group(s, self._ties) for s in shoppers.shoppers))

    def probability(self, first: int, second: int) -> float:
        """Return how probable it is that two tracks belong to people who came together; 0 where little is known."""
        pair = self._pairs.get((min(first, second), max(first, second)))
        p = self.parameters
        if pair is None or pair.both_s < p.least_s:
            return 0.0
        gap = min(abs(self._entered_ns[first] - self._entered_ns[second]) * 1e-9, LONGEST_GAP_S)
        near = pair.near_s / (pair.both_s + p.settle_s)
        alike = pair.alike_s / (pair.walking_s + p.settle_s / 2)
        return _sigmoid(p.bias + p.gap_weight * gap + p.near_weight * near + p.alike_weight * alike)

    def pairs(self) -> list[tuple[int, int]]:
        """Return all pairs of tracks that were followed at the same time and are not gone."""
        return sorted(self._pairs)

    def _watch(self, followed: list[ShopperState], seconds: float) -> None:
        p = self.parameters
        if len(followed) < 2:
            return
        ids = [s.track_id for s in followed]
        places = np.array([s.mean[:2] for s in followed])
        speeds = np.array([s.mean[2:4] for s in followed])
        near = np.linalg.norm(places[:, None] - places[None], axis=2) < p.near_m
        like = np.linalg.norm(speeds[:, None] - speeds[None], axis=2) < p.alike
        walks = np.linalg.norm(speeds, axis=1) > p.walking
        for i, j in combinations(range(len(ids)), 2):
            if followed[i].from_entry != followed[j].from_entry:
                continue  # of one of them nobody saw how they came in
            pair = self._pairs.setdefault((min(ids[i], ids[j]), max(ids[i], ids[j])), _Pair())
            pair.both_s += seconds
            pair.near_s += seconds * bool(near[i, j])
            if walks[i] and walks[j]:
                pair.walking_s += seconds
                pair.alike_s += seconds * bool(near[i, j] and like[i, j])

    def _forget(self, present: set[int]) -> None:
        self._entered_ns = {i: ns for i, ns in self._entered_ns.items() if i in present}
        self._pairs = {ids: pair for ids, pair in self._pairs.items() if present.issuperset(ids)}

    def _find_ties(self) -> dict[int, tuple[int, float]]:
        """Return the group and the strongest tie of everybody who has one that is more probable than not."""
        group: dict[int, int] = {}
        tie: dict[int, float] = {}
        for first, second in self.pairs():
            probability = self.probability(first, second)
            if probability <= 0.5:
                continue
            one, other = group.setdefault(first, first), group.setdefault(second, second)
            low, high = min(one, other), max(one, other)
            group = {member: low if name == high else name for member, name in group.items()}
            for member in (first, second):
                tie[member] = max(tie.get(member, 0.0), probability)
        return {member: (name, tie[member]) for member, name in group.items()}


def _with_group(state: ShopperState, ties: dict[int, tuple[int, float]]) -> ShopperState:
    group_id, probability = ties.get(state.track_id, (0, 0.0))
    return replace(state, group_id=group_id, group_probability=probability)


def _sigmoid(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-min(max(value, -60.0), 60.0)))
