"""The public states of tracks, predicted to a common stamp."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from walkout.tracking.filter import predict
from walkout.tracking.heading import KNOWN, mean_heading, predict_heading
from walkout.tracking.identity import published_identity
from walkout.tracking.joints import JointFilter, joint_sd
from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.track import Track
from walkout.tracking.types import ShopperState

FloatArray = NDArray[np.float64]

_JOINT_FRESH_NS = 1_000_000_000
_MIN_VIEW_NS = 250_000_000


def move(
    tracks: Sequence[Track], dt: float, joint_filter: JointFilter, parameters: TrackerParameters
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return states, covariances, joints, their covariances and heading beliefs of tracks after ``dt`` seconds."""
    body = np.stack([t.mean for t in tracks])
    mean, covariance = predict(
        body, np.stack([t.covariance for t in tracks]), np.array([t.stature for t in tracks]), dt, parameters
    )
    belief = predict_heading(np.stack([t.heading for t in tracks]), body[:, 2:4], dt)
    angle, length = mean_heading(belief)
    joints, spread = joint_filter.predict(
        np.stack([t.joints for t in tracks]),
        np.stack([t.joints_covariance for t in tracks]),
        body,
        np.where(length > KNOWN, angle, np.nan),
        dt,
    )
    return mean, covariance, joints, spread, belief


def public_states(
    tracks: Sequence[Track],
    stamp_ns: int,
    dt: float,
    frame_period_s: float,
    joint_filter: JointFilter,
    parameters: TrackerParameters,
) -> list[ShopperState]:
    """Return the states at ``stamp_ns``, ``dt`` seconds after the tracks' own time; lost tracks do not move.

    A view counts as bound when it has found the shopper within one and a half frame periods.
    """
    window = max(_MIN_VIEW_NS, int(1.5e9 * frame_period_s))
    live = [t for t in tracks if t.live]
    still = [t for t in tracks if not t.live]
    moved = list(zip(*move(live, dt, joint_filter, parameters), strict=True)) if live else []
    moved += [(t.mean, t.covariance, t.joints, t.joints_covariance, t.heading) for t in still]
    states = [_state(t, m, stamp_ns, window, parameters) for t, m in zip(live + still, moved, strict=True)]
    return sorted(states, key=lambda state: state.track_id)


def _state(
    track: Track, moved: tuple[FloatArray, ...], stamp_ns: int, window_ns: int, parameters: TrackerParameters
) -> ShopperState:
    mean, covariance, joints, spread, belief = moved
    sd = joint_sd(spread)
    known = (track.joints_seen_ns >= 0) & (stamp_ns - track.joints_seen_ns < _JOINT_FRESH_NS) & track.live
    known &= sd < parameters.max_joint_sd
    heading, _ = mean_heading(belief[None])
    ids, probabilities = published_identity(track)
    views = sorted(c for c, t in track.hit_by_camera.items() if stamp_ns - t <= window_ns) if track.live else []
    return ShopperState(
        track_id=track.track_id,
        state=track.state,
        existence_probability=track.existence,
        mean=mean.copy(),
        covariance=covariance.copy(),
        keypoints=np.where(known[:, None], joints[:, :3], np.nan),
        keypoint_sd=np.where(known, sd, np.nan),
        heading=float(heading[0]),
        views=tuple(views),
        candidate_ids=ids,
        candidate_probabilities=probabilities,
        from_entry=track.from_entry,
    )
