"""The last half minute of everybody's hands, so that an event can be explained once its weight has settled."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from walkout.interactions.likelihoods import HandTrack
from walkout.perception.types import Keypoint
from walkout.tracking.types import Shoppers, ShopperState

FloatArray = NDArray[np.float64]
_WRISTS = (Keypoint.LEFT_WRIST, Keypoint.RIGHT_WRIST)
_ELBOWS = (Keypoint.LEFT_ELBOW, Keypoint.RIGHT_ELBOW)


@dataclass(frozen=True)
class _Sample:
    stamp_ns: int
    hands: FloatArray
    hand_sds: FloatArray
    body: FloatArray
    body_sd: float
    views: tuple[str, ...]
    identity: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class TrackWindow:
    """One track around an event: its hands and body, who it may be (track id, probability), which cameras saw it."""

    track_id: int
    track: HandTrack
    identity: tuple[tuple[int, float], ...]
    views: tuple[str, ...]


class ShopperHistory:
    """Keeps the recent past of every track."""

    def __init__(self, keep_s: float, forearm_share: float) -> None:
        """Keep ``keep_s`` seconds; the hand lies beyond the wrist by ``forearm_share`` of the forearm."""
        self._keep_ns = int(keep_s * 1e9)
        self._forearm_share = forearm_share
        self._samples: dict[int, deque[_Sample]] = {}
        self.newest_ns = -1
        self._first_ns: int | None = None

    def covers(self, stamp_ns: int) -> bool:
        """Whether shoppers were watched at this time (also when there were none)."""
        return self._first_ns is not None and self._first_ns <= stamp_ns

    def tracks(self) -> set[int]:
        """Return the tracks that were seen lately."""
        return set(self._samples)

    def add(self, shoppers: Shoppers) -> None:
        """Remember the shoppers at their stamp; a stamp older than the newest is ignored."""
        if shoppers.stamp_ns <= self.newest_ns:
            return
        self.newest_ns = shoppers.stamp_ns
        self._first_ns = shoppers.stamp_ns if self._first_ns is None else self._first_ns
        for state in shoppers.shoppers:
            self._samples.setdefault(state.track_id, deque()).append(self._sample(shoppers.stamp_ns, state))
        oldest_ns = self.newest_ns - self._keep_ns
        for track_id in list(self._samples):
            samples = self._samples[track_id]
            while samples and samples[0].stamp_ns < oldest_ns:
                samples.popleft()
            if not samples:
                del self._samples[track_id]

    def around(self, from_ns: int, to_ns: int) -> list[TrackWindow]:
        """Return every track with a sample in [from_ns, to_ns], by track id."""
        windows = []
        for track_id in sorted(self._samples):
            inside = [s for s in self._samples[track_id] if from_ns <= s.stamp_ns <= to_ns]
            if inside:
                windows.append(_window(track_id, inside))
        return windows

    def _sample(self, stamp_ns: int, state: ShopperState) -> _Sample:
        hands, sds = hands_of(state, self._forearm_share)
        identity = tuple(zip(state.candidate_ids, state.candidate_probabilities, strict=True))
        body_sd = float(np.sqrt(max(0.0, (state.covariance[0, 0] + state.covariance[1, 1]) / 2)))
        body = state.mean[:2].astype(float)
        return _Sample(stamp_ns, hands, sds, body, body_sd, state.views, identity or ((state.track_id, 1.0),))


def hands_of(state: ShopperState, forearm_share: float) -> tuple[FloatArray, FloatArray]:
    """Return the left and right hand (2, 3) in store metres, beyond the wrist by this share of the forearm.

    With them come their standard deviations (2,).
    """
    wrists, elbows = state.keypoints[list(_WRISTS)], state.keypoints[list(_ELBOWS)]
    forearm = wrists - elbows
    known = np.isfinite(forearm).all(axis=1, keepdims=True)
    hands = wrists + np.where(known, forearm_share * forearm, 0.0)
    return np.asarray(hands), state.keypoint_sd[list(_WRISTS)].astype(float)


def _window(track_id: int, samples: list[_Sample]) -> TrackWindow:
    track = HandTrack(
        np.array([s.stamp_ns for s in samples], np.int64),
        np.stack([s.hands for s in samples]),
        np.stack([s.hand_sds for s in samples]),
        np.stack([s.body for s in samples]),
        np.array([s.body_sd for s in samples]),
    )
    views = sorted({view for sample in samples for view in sample.views})
    return TrackWindow(track_id, track, samples[len(samples) // 2].identity, tuple(views))
