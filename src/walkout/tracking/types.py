"""What the tracker delivers: shoppers on the floor with their joints in 3D."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


class TrackState(IntEnum):
    """The life of a track."""

    UNKNOWN = 0
    TENTATIVE = 1
    CONFIRMED = 2
    LOST = 3
    CLOSED = 4


@dataclass(frozen=True)
class Revision:
    """What is known now, when a doubt has ended, of whose body a track has followed from ``since_ns`` on until now.

    ``candidate_ids`` and ``candidate_probabilities`` are an identity posterior like that of ``ShopperState``.
    """

    since_ns: int
    candidate_ids: tuple[int, ...]
    candidate_probabilities: tuple[float, ...]


@dataclass(frozen=True)
class ShopperState:
    """One shopper at one time, store frame, metres and seconds.

    ``mean`` (5,) is x, y, vx, vy, height with ``covariance`` (5, 5). ``keypoints`` (12, 3) are the joints in 3D (order
    of perception.types.Keypoint; NaN where unknown) with ``keypoint_sd`` (12,) the standard deviation per axis in
    metres. ``views`` are the cameras bound at this time. ``candidate_ids`` and ``candidate_probabilities`` are the
    identity posterior: whose track this may be (its own id first); they sum to at most 1, the rest is nobody known.
    ``group_id`` names those who came together (0: none) with ``group_probability`` of the strongest tie. ``revision``
    corrects, once, what the posterior has said of the past.
    """

    track_id: int
    state: TrackState
    existence_probability: float
    mean: FloatArray
    covariance: FloatArray
    keypoints: FloatArray
    keypoint_sd: FloatArray
    heading: float
    views: tuple[str, ...] = ()
    candidate_ids: tuple[int, ...] = ()
    candidate_probabilities: tuple[float, ...] = ()
    from_entry: bool = False
    group_id: int = 0
    group_probability: float = 0.0
    revision: Revision | None = None

    @property
    def heir(self) -> int | None:
        """The track whose shopper this one was all the time, when it was closed for that reason."""
        if self.state is not TrackState.CLOSED or len(self.candidate_ids) < 2 or self.candidate_probabilities[0] > 0:
            return None
        return self.candidate_ids[1]


@dataclass(frozen=True)
class Shoppers:
    """All shoppers at ``stamp_ns``; a track id is never given twice."""

    stamp_ns: int
    shoppers: tuple[ShopperState, ...]
