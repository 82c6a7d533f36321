"""Stacks of tracks moved through time: their bodies, joints and public states at a common stamp."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from walkout.tracking.filter import predict
from walkout.tracking.heading import KNOWN, mean_heading, predict_heading
from walkout.tracking.identity import published_identity
from walkout.tracking.joints import JointFilter, joint_sd, turn_round
from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.track import Track
from walkout.tracking.types import ShopperState

FloatArray = NDArray[np.float64]

_JOINT_FRESH_NS = 1_000_000_000
_MIN_VIEW_NS = 250_000_000
_FACING = 0.9
"""A mean direction this long is sure enough to put left and right of the joints right."""


def move(
    tracks: Sequence[Track], dt: float, parameters: TrackerParameters
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return states, covariances and heading beliefs of tracks after ``dt`` seconds."""
    body = np.stack([t.mean for t in tracks])
    mean, covariance = predict(
        body, np.stack([t.covariance for t in tracks]), np.array([t.stature for t in tracks]), dt, parameters
    )
    return mean, covariance, predict_heading(np.stack([t.heading for t in tracks]), body[:, 2:4], dt)


def move_joints(
    tracks: Sequence[Track], mean: FloatArray, heading: FloatArray, now_ns: int, joint_filter: JointFilter
) -> tuple[FloatArray, FloatArray]:
    """Return the joints and covariances of tracks at ``now_ns``, given their states and heading beliefs then."""
    angle, length = mean_heading(heading)
    return joint_filter.predict(
        np.stack([t.joints for t in tracks]),
        np.stack([t.joints_covariance for t in tracks]),
        mean,
        np.where(length > KNOWN, angle, np.nan),
        np.array([max(now_ns - t.joints_ns, 0) / 1e9 for t in tracks]),
    )


def refine_joints(tracks: Sequence[Track], now_ns: int, joint_filter: JointFilter) -> None:
    """Let the sights of all cameras refine the joints of tracks that have some; the joints' time becomes ``now_ns``."""
    if not tracks:
        return
    belief = np.stack([t.heading for t in tracks])
    joints, covariance = move_joints(tracks, np.stack([t.mean for t in tracks]), belief, now_ns, joint_filter)
    stature = np.array([t.stature for t in tracks])
    joints, covariance, seen_ns = joint_filter.update(joints, covariance, [t.sights for t in tracks], stature, now_ns)
    heading, length = mean_heading(belief)
    turn_round(joints, covariance, heading, length > _FACING)
    for k, track in enumerate(tracks):
        track.joints, track.joints_covariance, track.joints_ns = joints[k], covariance[k], now_ns
        track.joints_seen_ns = np.maximum(track.joints_seen_ns, seen_ns[k])
        track.sights = []


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
    moved: list[tuple[FloatArray, ...]] = []
    if live:
        mean, covariance, heading = move(live, dt, parameters)
        joints, spread = move_joints(live, mean, heading, stamp_ns, joint_filter)
        moved.extend(zip(mean, covariance, joints, spread, heading, strict=True))
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
