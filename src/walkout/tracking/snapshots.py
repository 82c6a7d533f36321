"""Stacks of tracks moved through time: their bodies, joints and public states at a common stamp."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from walkout.perception.types import KEYPOINT_COUNT
from walkout.tracking.filter import predict
from walkout.tracking.heading import BINS, KNOWN, mean_heading, predict_heading
from walkout.tracking.identity import published_identity
from walkout.tracking.joints import JointFilter, joint_sd, turn_round
from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.small_arrays import stacked
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
    body = stacked([t.mean for t in tracks], 5)
    mean, covariance = predict(
        body, stacked([t.covariance for t in tracks], 5, 5), np.array([t.stature for t in tracks]), dt, parameters
    )
    return mean, covariance, predict_heading(stacked([t.heading for t in tracks], BINS), body[:, 2:4], dt)


def move_joints(
    tracks: Sequence[Track], mean: FloatArray, heading: FloatArray, now_ns: int, joint_filter: JointFilter
) -> tuple[FloatArray, FloatArray]:
    """Return the joints and covariances of tracks at ``now_ns``, given their states and heading beliefs then."""
    angle, length = mean_heading(heading)
    return joint_filter.predict(
        stacked([t.joints for t in tracks], KEYPOINT_COUNT, 6),
        stacked([t.joints_covariance for t in tracks], KEYPOINT_COUNT, 6, 6),
        mean,
        np.where(length > KNOWN, angle, np.nan),
        np.array([max(now_ns - t.joints_ns, 0) / 1e9 for t in tracks]),
    )


def refine_joints(tracks: Sequence[Track], now_ns: int, joint_filter: JointFilter) -> None:
    """Let the sights of all cameras refine the joints of tracks that have some; the joints' time becomes ``now_ns``."""
    if not tracks:
        return
    belief = stacked([t.heading for t in tracks], BINS)
    joints, covariance = move_joints(tracks, stacked([t.mean for t in tracks], 5), belief, now_ns, joint_filter)
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
    mean, covariance, heading = move(live, dt, parameters)
    joints, spread = move_joints(live, mean, heading, stamp_ns, joint_filter)
    stack = _Stack(
        np.concatenate([mean, stacked([t.mean for t in still], 5)]),
        np.concatenate([covariance, stacked([t.covariance for t in still], 5, 5)]),
        np.concatenate([joints, stacked([t.joints for t in still], KEYPOINT_COUNT, 6)])[..., :3],
        np.concatenate([joint_sd(spread), np.full((len(still), KEYPOINT_COUNT), np.inf)]),
        mean_heading(np.concatenate([heading, stacked([t.heading for t in still], BINS)]))[0],
    )
    stack.covariance[:, [0, 1], [0, 1]] += parameters.place_floor_sd**2
    seen_ns = stacked([t.joints_seen_ns for t in live + still], KEYPOINT_COUNT)
    unknown = (seen_ns < 0) | (stamp_ns - seen_ns >= _JOINT_FRESH_NS) | ~(stack.sd < parameters.max_joint_sd)
    stack.joints[unknown] = stack.sd[unknown] = np.nan
    states = [_state(track, stack, place, stamp_ns - window) for place, track in enumerate(live + still)]
    return sorted(states, key=lambda state: state.track_id)


@dataclass(frozen=True)
class _Stack:
    """States of n tracks at one time: bodies (n, 5), (n, 5, 5), joints (n, 12, 3), ``sd`` (n, 12), heading (n,)."""

    mean: FloatArray
    covariance: FloatArray
    joints: FloatArray
    sd: FloatArray
    heading: FloatArray


def _state(track: Track, stack: _Stack, place: int, since_ns: int) -> ShopperState:
    """Return a track's public state, which stands at one place of the stack; views count ``since_ns``."""
    ids, probabilities = published_identity(track)
    views = sorted(c for c, t in track.hit_by_camera.items() if t >= since_ns) if track.live else []
    return ShopperState(
        track_id=track.track_id,
        state=track.state,
        existence_probability=track.existence,
        mean=stack.mean[place],
        covariance=stack.covariance[place],
        keypoints=stack.joints[place],
        keypoint_sd=stack.sd[place],
        heading=float(stack.heading[place]),
        views=tuple(views),
        candidate_ids=ids,
        candidate_probabilities=probabilities,
        from_entry=track.from_entry,
        revision=track.revision,
    )
