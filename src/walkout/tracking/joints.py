"""Joints in 3D: one Kalman filter per joint, fed by all bound cameras, each sight at its own stamp.

A joint's state is position and velocity (6,). Its velocity relaxes towards the body's; a weak pull towards its place of
rest (anthropometric, relative to the body and, for arms, to the shoulder) supplies a plausible depth while only one
camera sees it, with an honestly large covariance along that camera's ray. The cameras' sights enter together
(``joint_views``); then elbows and wrists are fitted to the length of their bones.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from walkout.perception.types import KEYPOINT_COUNT, Keypoint
from walkout.tracking.joint_views import LEFT, MIRROR, RIGHT, KeypointNoise, Sight, fuse
from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.view import View

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_REST = np.array(
    [
        [0.03, 0.0, 0.93],
        [0.0, 0.0, 0.84],
        [0.0, 0.10, 0.81],
        [0.0, -0.10, 0.81],
        [0.0, 0.03, -0.17],
        [0.0, -0.03, -0.17],
        [0.06, 0.03, -0.30],
        [0.06, -0.03, -0.30],
        [0.0, 0.055, 0.52],
        [0.0, -0.055, 0.52],
        [0.0, 0.06, 0.04],
        [0.0, -0.06, 0.04],
    ]
)
"""Places of rest as fractions of the height: forward, left, up; elbows and wrists relative to their shoulder."""
_REST_SD = np.array([0.12, 0.08, 0.09, 0.09, 0.18, 0.18, 0.26, 0.26, 0.08, 0.08, 0.20, 0.20])
"""How far joints stray from there, metres per axis."""
_PLACE, _SPEED = np.arange(3), np.arange(3, 6)
_WRISTS = (Keypoint.LEFT_WRIST, Keypoint.RIGHT_WRIST)
_ARM = np.array([Keypoint.LEFT_ELBOW, Keypoint.RIGHT_ELBOW, Keypoint.LEFT_WRIST, Keypoint.RIGHT_WRIST])
_SHOULDER = np.array([Keypoint.LEFT_SHOULDER, Keypoint.RIGHT_SHOULDER] * 2)
_BONES = (
    (2, 4, 0.16, 0.04, True),
    (3, 5, 0.16, 0.04, True),
    (4, 6, 0.145, 0.04, True),
    (5, 7, 0.145, 0.04, True),
    (2, 6, 0.33, 0.03, False),
    (3, 7, 0.33, 0.03, False),
)
"""Inner joint, outer joint, length as a fraction of the stature, its sd (m), whether it is that long or at most."""
_SHORTEST_M = 0.08
_CONTRADICTION_M = 0.10
_DOUBT = 4.3
"""How fast keypoints get worse as the network gets less sure of them: so many e-folds from certain to impossible.

Measured on the arm finder's judging pictures, where it holds from 0.97 (1 % of the box's height) to 0.15 (19 %).
"""
_JOINT_NOISE = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.5, 2.5, 2.5, 2.5])
"""Noise of the keypoints, when the network is sure, relative to the head's; hips and feet get no second look."""
_VELOCITY_DECAY_S = 0.25
_CAUTION = 1.4
_ARM_CAUTION = (1.0, 1.8)
_ARM_CAUTION_M = (0.03, 0.045)
"""Measured with a detector on simulated shoppers: by so much errors exceed what the filter expects.

Arms that views show well are as exact as it expects. Where it is less sure than by so many metres an arm is hidden, and
then a mistake stays for a whole reach and is the same in several views.
"""


def rest_places(body: FloatArray, heading: FloatArray, joints: FloatArray) -> FloatArray:
    """Return where the joints of bodies (t, 5) rest, (t, 12, 3), given headings (t,) and current joints (t, 12, 6).

    Where the heading is NaN (unknown), left and right rest on the body's axis.
    """
    known = np.isfinite(heading)
    angle = np.where(known, heading, 0.0)
    offset = _REST[None] * body[:, 4, None, None]
    offset[~known, :, :2] = 0.0
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    places = np.stack(
        [cos * offset[..., 0] - sin * offset[..., 1], sin * offset[..., 0] + cos * offset[..., 1], offset[..., 2]],
        axis=2,
    )
    trunk = np.zeros((len(body), 1, 3))
    trunk[:, 0, :2] = body[:, :2]
    arms = places[:, _ARM] + joints[:, _SHOULDER, :3]
    places = places + trunk
    places[:, _ARM] = arms
    return places


def initial_joints(body: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the joints (12, 6) and covariances (12, 6, 6) of a body (5,) nothing is known about yet."""
    joints = np.zeros((1, KEYPOINT_COUNT, 6))
    unknown = np.array([np.nan])
    for _ in range(2):  # the second pass hangs the arms from the shoulders of the first
        joints[..., :3] = rest_places(body[None], unknown, joints)
    joints[..., 3:5] = body[2:4]
    covariance = np.zeros((KEYPOINT_COUNT, 6, 6))
    axis = np.arange(3)
    covariance[:, axis, axis] = (2 * _REST_SD[:, None]) ** 2
    covariance[:, axis + 3, axis + 3] = 1.0
    return joints[0], covariance


class JointFilter:
    """The joint filters of many shoppers at once; holds parameters and what it has learnt of the network's noise."""

    def __init__(self, parameters: TrackerParameters) -> None:
        self._p = parameters
        self._noise = KeypointNoise()
        density = np.full(KEYPOINT_COUNT, parameters.trunk_acceleration_sd)
        density[[Keypoint.LEFT_ELBOW, Keypoint.RIGHT_ELBOW]] = parameters.elbow_acceleration_sd
        density[[*_WRISTS, Keypoint.LEFT_FOOT, Keypoint.RIGHT_FOOT]] = parameters.wrist_acceleration_sd
        self._density = density**2

    def predict(
        self, joints: FloatArray, covariance: FloatArray, body: FloatArray, heading: FloatArray, dt: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return joints (t, 12, 6) and covariances (t, 12, 6, 6) after ``dt`` (t,) seconds, pulled a little to rest."""
        if not len(joints):
            return joints, covariance
        dt = np.maximum(dt, 1e-6)[:, None, None]
        fade = np.exp(-dt / _VELOCITY_DECAY_S)
        reach = _VELOCITY_DECAY_S * (1 - fade)
        drift = np.zeros((len(body), 1, 3))
        drift[:, 0, :2] = body[:, 2:4]
        moved = np.empty_like(joints)
        relative = joints[..., 3:] - drift
        moved[..., :3] = joints[..., :3] + drift * dt + reach * relative
        moved[..., 3:] = drift + fade * relative

        dt, fade, reach = dt[..., None], fade[..., None], reach[..., None]
        half = np.concatenate(
            [covariance[..., :3, :] + reach * covariance[..., 3:, :], fade * covariance[..., 3:, :]], 2
        )
        grown = np.concatenate([half[..., :3] + reach * half[..., 3:], fade * half[..., 3:]], axis=3)
        noise, span = self._density[:, None], dt[..., 0]
        grown[..., _PLACE, _PLACE] += noise * span**3 / 3
        grown[..., _PLACE, _SPEED] += noise * span**2 / 2
        grown[..., _SPEED, _PLACE] += noise * span**2 / 2
        grown[..., _SPEED, _SPEED] += noise * span

        rest = rest_places(body, heading, moved)
        innovation = grown[..., :3, :3].copy()
        innovation[..., _PLACE, _PLACE] += _REST_SD[:, None] ** 2 * self._p.joint_memory_s / span
        gain = np.linalg.solve(innovation, grown[..., :3, :]).swapaxes(-1, -2)
        moved += (gain @ (rest - moved[..., :3])[..., None])[..., 0]
        grown -= gain @ grown[..., :3, :]
        return moved, grown

    def pixel_sd(self, view: View, confidence: FloatArray, box_height: FloatArray) -> FloatArray:
        """Return the standard deviation in pixels (m, 12) of keypoints with confidence (m, 12); infinite where 0."""
        base = np.hypot(view.pixel_sd, self._p.joint_noise * box_height)[:, None] * _JOINT_NOISE
        return np.where(confidence > 0, base * np.exp(_DOUBT * (1 - confidence)), np.inf)

    def update(
        self,
        joints: FloatArray,
        covariance: FloatArray,
        sights: Sequence[Sequence[Sight]],
        stature: FloatArray,
        now_ns: int,
    ) -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
        """Give m shoppers of ``stature`` (m,) what cameras saw of them since the last time; see ``fuse``."""
        joints, covariance, seen_ns = fuse(joints, covariance, sights, now_ns, self._noise, self._p)
        joints, covariance = _fit_bones(joints, covariance, stature)
        return joints, (covariance + covariance.swapaxes(-1, -2)) / 2, seen_ns


def turn_round(joints: FloatArray, covariance: FloatArray, heading: FloatArray, known: BoolArray) -> BoolArray:
    """Exchange left and right in place where they contradict the heading (t,) that is ``known`` (t,); return where."""
    across = (joints[:, LEFT[[0, 3]], :2] - joints[:, RIGHT[[0, 3]], :2]).sum(axis=1)
    wrong = known & (across[:, 1] * np.cos(heading) - across[:, 0] * np.sin(heading) < -_CONTRADICTION_M)
    joints[wrong] = joints[wrong][:, MIRROR]
    covariance[wrong] = covariance[wrong][:, MIRROR]
    return np.asarray(wrong)


def joint_sd(covariance: FloatArray) -> FloatArray:
    """Return standard deviations per axis (..., 12), metres, of covariances (..., 12, 6, 6): the root mean square.

    Larger than the filter's own, which knows nothing of errors that all views share.
    """
    variance = covariance[..., _PLACE, _PLACE].sum(axis=-1) / 3
    own = np.sqrt(np.maximum(variance, 1e-12))
    caution = np.full(own.shape, _CAUTION)
    caution[..., _ARM] = np.interp(own[..., _ARM], _ARM_CAUTION_M, _ARM_CAUTION)
    return np.asarray(caution * own)


def _fit_bones(joints: FloatArray, covariance: FloatArray, stature: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give elbows and wrists the length of their bone as an observation, and pull wrists in that no arm can reach."""
    for inner, outer, fraction, sd, rigid in _BONES:
        vector = joints[:, outer, :3] - joints[:, inner, :3]
        length = np.linalg.norm(vector, axis=1)
        excess = length - fraction * stature
        rows = np.flatnonzero((length > _SHORTEST_M) if rigid else (excess > 0))
        unit = vector[rows] / length[rows, None]
        cross = (covariance[rows, outer, :, :3] @ unit[..., None])[..., 0]
        own = (cross[:, :3] * unit).sum(axis=1)
        other = ((covariance[rows, inner, :3, :3] @ unit[..., None])[..., 0] * unit).sum(axis=1)
        innovation = own + other + sd**2
        joints[rows, outer] -= cross * (excess[rows] / innovation)[:, None]
        covariance[rows, outer] -= cross[:, :, None] * cross[:, None, :] / innovation[:, None, None]
    return joints, covariance
