"""Joints in 3D: one Kalman filter per joint, fed by every bound camera at its own stamp.

A joint's state is position and velocity (6,). Its velocity relaxes towards the body's; a weak pull towards its place of
rest (anthropometric, relative to the body and, for arms, to the shoulder) supplies a plausible depth while only one
camera sees it, with an honestly large covariance along that camera's ray. Keypoints enter as 2D observations with
weights that fade beyond the gate, after testing whether the detector has exchanged left and right. Arms cannot be
longer than arms.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from walkout.perception.types import KEYPOINT_COUNT, Keypoint
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
_WRISTS = (Keypoint.LEFT_WRIST, Keypoint.RIGHT_WRIST)
_ARM = np.array([Keypoint.LEFT_ELBOW, Keypoint.RIGHT_ELBOW, Keypoint.LEFT_WRIST, Keypoint.RIGHT_WRIST])
_SHOULDER = np.array([Keypoint.LEFT_SHOULDER, Keypoint.RIGHT_SHOULDER] * 2)
_LEFT = np.array([2, 4, 6, 8, 10])
_RIGHT = np.array([3, 5, 7, 9, 11])
_MIRROR = np.array([0, 1, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10])
_BONES = ((2, 4, 0.20), (3, 5, 0.20), (4, 6, 0.18), (5, 7, 0.18), (2, 6, 0.36), (3, 7, 0.36))
"""Inner joint, outer joint and the most it can measure as a fraction of the height."""
_BONE_ENDS = np.array([bone[0] for bone in _BONES]), np.array([bone[1] for bone in _BONES])
_BONE_LIMITS = np.array([bone[2] for bone in _BONES])
_BONE_SD_M = 0.03
_CONTRADICTION_M = 0.10
_TYPICAL_CONFIDENCE = 0.6
_JOINT_NOISE = np.array([1.0, 1.0, 1.3, 1.3, 1.6, 1.6, 2.0, 2.0, 1.5, 1.5, 1.5, 1.5])
"""Noise of the keypoints at typical confidence relative to the head's."""
_VELOCITY_DECAY_S = 0.25


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
    """The joint filters of many shoppers at once; holds parameters only."""

    def __init__(self, parameters: TrackerParameters) -> None:
        self._p = parameters
        density = np.full(KEYPOINT_COUNT, parameters.trunk_acceleration_sd)
        density[[Keypoint.LEFT_ELBOW, Keypoint.RIGHT_ELBOW]] = parameters.elbow_acceleration_sd
        density[[*_WRISTS, Keypoint.LEFT_FOOT, Keypoint.RIGHT_FOOT]] = parameters.wrist_acceleration_sd
        self._density = density**2

    def predict(
        self, joints: FloatArray, covariance: FloatArray, body: FloatArray, heading: FloatArray, dt: float
    ) -> tuple[FloatArray, FloatArray]:
        """Return joints (t, 12, 6) and covariances (t, 12, 6, 6) after ``dt`` seconds, pulled a little towards rest."""
        if dt <= 0 or not len(joints):
            return joints, covariance
        fade = np.exp(-dt / _VELOCITY_DECAY_S)
        reach = _VELOCITY_DECAY_S * (1 - fade)
        drift = np.zeros((len(body), 1, 3))
        drift[:, 0, :2] = body[:, 2:4]
        moved = np.empty_like(joints)
        relative = joints[..., 3:] - drift
        moved[..., :3] = joints[..., :3] + drift * dt + reach * relative
        moved[..., 3:] = drift + fade * relative

        place, cross, speed = covariance[..., :3, :3], covariance[..., :3, 3:], covariance[..., 3:, 3:]
        noise = self._density[:, None, None] * np.eye(3)
        grown = np.empty_like(covariance)
        grown[..., :3, :3] = place + reach * (cross + cross.swapaxes(-1, -2)) + reach**2 * speed + noise * dt**3 / 3
        grown[..., :3, 3:] = fade * (cross + reach * speed) + noise * dt**2 / 2
        grown[..., 3:, :3] = grown[..., :3, 3:].swapaxes(-1, -2)
        grown[..., 3:, 3:] = fade**2 * speed + noise * dt

        rest = rest_places(body, heading, moved)
        variance = _REST_SD**2 * self._p.joint_memory_s / dt
        innovation = grown[..., :3, :3] + variance[:, None, None] * np.eye(3)
        gain = np.linalg.solve(innovation, grown[..., :3, :]).swapaxes(-1, -2)
        moved += np.einsum("tjab,tjb->tja", gain, rest - moved[..., :3])
        grown -= gain @ grown[..., :3, :]
        return moved, grown

    def pixel_sd(self, view: View, confidence: FloatArray, box_height: FloatArray) -> FloatArray:
        """Return the standard deviation in pixels (m, 12) of keypoints with confidence (m, 12); infinite where 0."""
        base = np.hypot(view.pixel_sd, self._p.joint_noise * box_height)[:, None] * _JOINT_NOISE
        return np.where(confidence > 0, base * _TYPICAL_CONFIDENCE / np.maximum(confidence, 0.05), np.inf)

    def update(
        self,
        view: View,
        joints: FloatArray,
        covariance: FloatArray,
        observed: FloatArray,
        sd: FloatArray,
        body_height: FloatArray,
        exchanged: FloatArray,
    ) -> tuple[FloatArray, FloatArray, BoolArray]:
        """Give one camera's keypoints to m shoppers.

        Args:
            view: the camera.
            joints: (m, 12, 6), at the frame's stamp.
            covariance: (m, 12, 6, 6).
            observed: (m, 12, 2) ideal pixels.
            sd: (m, 12) pixels, infinite where a joint is not seen.
            body_height: (m,) metres.
            exchanged: (m,) log odds that left and right are exchanged, from the heading.

        Returns:
            Joints, covariances and which joints (m, 12) were used.
        """
        pixels, depth = view.project(joints[..., :3])
        jacobian = view.jacobian(pixels, depth)
        projected = jacobian @ covariance[..., :3, :3] @ jacobian.swapaxes(-1, -2)
        observed, sd = self._sorted_sides(observed, sd, pixels, projected, exchanged)
        used = np.isfinite(sd) & (depth > 0.3)
        noise = np.where(used, sd, 1.0) ** 2
        residual = np.where(used[..., None], observed - pixels, 0.0)
        distance = _mahalanobis(projected, noise, residual)
        noise = noise * np.maximum(1.0, distance / self._p.joint_gate_sigma**2) ** 2
        innovation = projected + noise[..., None, None] * np.eye(2)
        inverse = np.linalg.inv(innovation)
        cross = covariance[..., :3] @ jacobian.swapaxes(-1, -2)
        gain = np.where(used[..., None, None], cross @ inverse, 0.0)
        joints = joints + np.einsum("mjab,mjb->mja", gain, residual)
        covariance = covariance - gain @ cross.swapaxes(-1, -2)
        joints, covariance = _limit_bones(joints, covariance, body_height)
        return joints, (covariance + covariance.swapaxes(-1, -2)) / 2, used

    def _sorted_sides(
        self, observed: FloatArray, sd: FloatArray, pixels: FloatArray, projected: FloatArray, exchanged: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Undo the detector's exchanges of left and right, pair by pair; where they are doubtful, trust the pair less.

        A pair's own evidence counts whole, that of the other pairs and of the heading half: a detector mostly, not
        always, exchanges the whole body.
        """
        limit = self._p.joint_gate_sigma**2
        variance = np.where(np.isfinite(sd), sd, 1.0) ** 2
        both = np.isfinite(sd[:, _LEFT] + sd[:, _RIGHT])
        same = np.minimum(_mahalanobis(projected, variance, observed - pixels), limit)
        crossed = np.minimum(_mahalanobis(projected, variance[:, _MIRROR], observed[:, _MIRROR] - pixels), limit)
        gain = same[:, _LEFT] + same[:, _RIGHT] - crossed[:, _LEFT] - crossed[:, _RIGHT]
        own = np.where(both, gain / 2, 0.0)
        everything = own.sum(axis=1) + exchanged
        odds = 0.5 * own + 0.5 * everything[:, None] - math.log(1 / self._p.mirror_probability - 1)
        swap = np.zeros(sd.shape, dtype=np.bool_)
        swap[:, _LEFT] = swap[:, _RIGHT] = odds > 0
        # Probability of having sorted a pair wrongly.
        doubt = np.ones(sd.shape)
        doubt[:, _LEFT] = doubt[:, _RIGHT] = np.where(both, 1 + 3 / (1 + np.exp(np.minimum(np.abs(odds), 50.0))), 1.0)
        observed = np.where(swap[..., None], observed[:, _MIRROR], observed)
        return observed, np.where(swap, sd[:, _MIRROR], sd) * doubt


def turn_round(joints: FloatArray, covariance: FloatArray, heading: FloatArray, known: BoolArray) -> BoolArray:
    """Exchange left and right in place where they contradict the heading (t,) that is ``known`` (t,); return where."""
    across = (joints[:, _LEFT[[0, 3]], :2] - joints[:, _RIGHT[[0, 3]], :2]).sum(axis=1)
    wrong = known & (across[:, 1] * np.cos(heading) - across[:, 0] * np.sin(heading) < -_CONTRADICTION_M)
    joints[wrong] = joints[wrong][:, _MIRROR]
    covariance[wrong] = covariance[wrong][:, _MIRROR]
    return np.asarray(wrong)


def joint_sd(covariance: FloatArray) -> FloatArray:
    """Return standard deviations per axis (..., 12), metres, of covariances (..., 12, 6, 6): the root mean square."""
    return np.asarray(np.sqrt(np.maximum(np.einsum("...ii->...", covariance[..., :3, :3]) / 3, 1e-12)))


def _mahalanobis(projected: FloatArray, noise: FloatArray, residual: FloatArray) -> FloatArray:
    """Return squared Mahalanobis distances (...) of 2D residuals with covariance projected + noise on the diagonal."""
    a, b, d = projected[..., 0, 0] + noise, projected[..., 0, 1], projected[..., 1, 1] + noise
    x, y = residual[..., 0], residual[..., 1]
    return np.asarray((d * x * x - 2 * b * x * y + a * y * y) / np.maximum(a * d - b * b, 1e-9))


def _limit_bones(joints: FloatArray, covariance: FloatArray, height: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Pull elbows and wrists in where the arm would be longer than an arm (a one-sided distance observation)."""
    inner_ends, outer_ends = _BONE_ENDS
    lengths = np.linalg.norm(joints[:, outer_ends, :3] - joints[:, inner_ends, :3], axis=2)
    too_long = (lengths > _BONE_LIMITS * height[:, None]).any(axis=0)
    for inner, outer, fraction in [bone for bone, bad in zip(_BONES, too_long, strict=True) if bad]:
        vector = joints[:, outer, :3] - joints[:, inner, :3]
        length = np.linalg.norm(vector, axis=1)
        excess = length - fraction * height
        rows = np.flatnonzero(excess > 0)
        unit = vector[rows] / length[rows, None]
        cross = np.einsum("mab,mb->ma", covariance[rows, outer, :, :3], unit)
        own = np.einsum("ma,ma->m", cross[:, :3], unit)
        other = np.einsum("ma,mab,mb->m", unit, covariance[rows, inner, :3, :3], unit)
        innovation = own + other + _BONE_SD_M**2
        joints[rows, outer] -= cross * (excess[rows] / innovation)[:, None]
        covariance[rows, outer] -= cross[:, :, None] * cross[:, None, :] / innovation[:, None, None]
    return joints, covariance
