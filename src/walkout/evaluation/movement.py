"""Where everybody was and where the tracker had them: kept during a run, aligned in time afterwards."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from walkout.perception.types import Keypoint
from walkout.simulation.truth import TrueShopper
from walkout.tracking.types import Shoppers, ShopperState, TrackState

FloatArray = NDArray[np.float64]

PERIOD_NS = 100_000_000
"""Positions are kept and compared ten times a second."""
_WRISTS = [Keypoint.LEFT_WRIST, Keypoint.RIGHT_WRIST]
THRESHOLD_M = 1.0
"""A track and a person can match when they stand this near, as on WILDTRACK."""
_SAME_M = 1.0
"""A track this near somebody who is not in the store yet (or any more) belongs to them and is not judged."""


@dataclass(frozen=True)
class Beliefs:
    """How sure the tracker was of n shoppers.

    ``covariances`` (n, 2, 2) are of the places (m^2), ``wrist_sd`` (n, 2) of the wrists per axis (m, NaN: unknown);
    ``views`` (n,) counts the cameras bound to each; ``identities`` (n) has pairs of a track id and how probable it is
    that this is the one.
    """

    covariances: FloatArray
    wrist_sd: FloatArray
    views: NDArray[np.int64]
    identities: tuple[tuple[tuple[int, float], ...], ...]

    @staticmethod
    def of_shoppers(shoppers: Sequence[ShopperState]) -> Beliefs:
        """Return what the tracker published of these."""
        return Beliefs(
            np.array([s.covariance[:2, :2] for s in shoppers], dtype=float).reshape(-1, 2, 2),
            np.array([s.keypoint_sd[_WRISTS] for s in shoppers], dtype=float).reshape(-1, 2),
            np.array([len(s.views) for s in shoppers], dtype=np.int64),
            tuple(tuple(zip(s.candidate_ids, s.candidate_probabilities, strict=True)) for s in shoppers),
        )

    def of(self, chosen: NDArray[np.bool_]) -> Beliefs:
        """Return those of some of them."""
        kept = tuple(self.identities[k] for k in np.flatnonzero(chosen))
        return Beliefs(self.covariances[chosen], self.wrist_sd[chosen], self.views[chosen], kept)


@dataclass(frozen=True)
class Placed:
    """Who was where at one time: ``ids`` (n,), ``positions`` (n, 2) and ``wrists`` (n, 2, 3) in store metres.

    Wrists are left and right, NaN where unknown. ``inside`` (n,) tells who counts. ``beliefs`` are a tracker's.
    """

    stamp_ns: int
    ids: NDArray[np.int64]
    positions: FloatArray
    wrists: FloatArray
    inside: NDArray[np.bool_]
    beliefs: Beliefs | None = None

    def of(self, chosen: NDArray[np.bool_]) -> Placed:
        """Return some of them."""
        beliefs = None if self.beliefs is None else self.beliefs.of(chosen)
        return Placed(
            self.stamp_ns,
            self.ids[chosen],
            self.positions[chosen],
            self.wrists[chosen],
            self.inside[chosen],
            beliefs,
        )


@dataclass(frozen=True)
class Compared:
    """Truth and tracks at the same time."""

    truth: Placed
    tracks: Placed


@dataclass
class Movement:
    """The paths of a run: ``truth`` and ``tracks`` in the order of time."""

    truth: list[Placed] = field(default_factory=list)
    tracks: list[Placed] = field(default_factory=list)

    def due(self, now_ns: int) -> bool:
        """Return whether the truth should be noted again."""
        return not self.truth or now_ns - self.truth[-1].stamp_ns >= PERIOD_NS

    def note_truth(self, now_ns: int, people: Sequence[TrueShopper]) -> None:
        """Note where everybody is."""
        ids = np.array([person.visit_id for person in people], dtype=np.int64)
        positions = np.array([person.position for person in people], dtype=float).reshape(-1, 2)
        wrists = np.array([person.joints[_WRISTS] for person in people], dtype=float).reshape(-1, 2, 3)
        inside = np.array([person.inside for person in people], dtype=bool)
        self.truth.append(Placed(now_ns, ids, positions, wrists, inside))

    def note_tracks(self, snapshots: Iterable[Shoppers]) -> None:
        """Note what the tracker says of confirmed shoppers."""
        for shoppers in snapshots:
            if self.tracks and shoppers.stamp_ns - self.tracks[-1].stamp_ns < PERIOD_NS:
                continue
            seen = [shopper for shopper in shoppers.shoppers if shopper.state is TrackState.CONFIRMED]
            ids = np.array([shopper.track_id for shopper in seen], dtype=np.int64)
            positions = np.array([shopper.mean[:2] for shopper in seen], dtype=float).reshape(-1, 2)
            wrists = np.array([shopper.keypoints[_WRISTS] for shopper in seen], dtype=float).reshape(-1, 2, 3)
            everybody = np.ones(len(seen), dtype=bool)
            beliefs = Beliefs.of_shoppers(seen)
            self.tracks.append(Placed(shoppers.stamp_ns, ids, positions, wrists, everybody, beliefs))

    def truth_at(self, stamp_ns: int) -> Placed | None:
        """Return the truth between the two notes around a time, None outside them. Who is in one only is left out."""
        after = bisect_left(self.truth, stamp_ns, key=lambda placed: placed.stamp_ns)
        if after == len(self.truth):
            return None
        late = self.truth[after]
        if late.stamp_ns == stamp_ns:
            return late
        if after == 0:
            return None
        early = self.truth[after - 1]
        share = (stamp_ns - early.stamp_ns) / (late.stamp_ns - early.stamp_ns)
        ids, one, two = np.intersect1d(early.ids, late.ids, return_indices=True)
        return Placed(
            stamp_ns,
            ids,
            (1 - share) * early.positions[one] + share * late.positions[two],
            (1 - share) * early.wrists[one] + share * late.wrists[two],
            early.inside[one] & late.inside[two],
        )

    def compare(self) -> list[Compared]:
        """Return tracks and the truth at their times: people inside the store alone, and no tracks of the others."""
        result = []
        for tracks in self.tracks:
            truth = self.truth_at(tracks.stamp_ns)
            if truth is not None:
                result.append(Compared(truth.of(truth.inside), tracks.of(~_of_outsiders(truth, tracks))))
        return result


def matched_pairs(pair: Compared) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the indices of true people and of the tracks that follow them."""
    truth, tracks = pair.truth, pair.tracks
    apart = np.linalg.norm(truth.positions[:, None] - tracks.positions[None], axis=2)
    rows, columns = linear_sum_assignment(np.minimum(apart, 2 * THRESHOLD_M))
    near = apart[rows, columns] <= THRESHOLD_M
    return rows[near], columns[near]


def _of_outsiders(truth: Placed, tracks: Placed) -> NDArray[np.bool_]:
    """Return which tracks belong to people outside: nearest to them in the best assignment of all."""
    mine = np.zeros(len(tracks.ids), dtype=bool)
    if len(truth.ids) and len(tracks.ids):
        distance = np.linalg.norm(truth.positions[:, None] - tracks.positions[None], axis=2)
        # Beyond reach all pairs cost the same, so that a far pair is never bought with a worse near one.
        rows, columns = linear_sum_assignment(np.minimum(distance, 2 * _SAME_M))
        near = distance[rows, columns] < _SAME_M
        mine[columns[near & ~truth.inside[rows]]] = True
    return mine
