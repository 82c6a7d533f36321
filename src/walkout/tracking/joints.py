"""Joints in 3D: one Kalman filter per joint, fed by every bound camera at its own stamp.

A joint's state is position and velocity (6,). Its velocity relaxes towards the body's; a weak pull towards its place of
rest (anthropometric, relative to the body and, for arms, to the shoulder) supplies a plausible depth while only one
camera sees it, with an honestly large covariance along that camera's ray. Keypoints enter as 2D observations with
weights that fade beyond the gate, after testing whether the detector has exchanged left and right. Arms cannot be
longer than arms.
"""

from __future__ import annotations

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
_REST_SD = np.array([0.12, 0.08, 0.14, 0.14, 0.18, 0.18, 0.26, 0.26, 0.10, 0.10, 0.22, 0.22])
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
_MIRROR_MARGIN = 8.0
_MIRROR_VOTES = 6.0
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

    def update(
        self,
        view: View,
        joints: FloatArray,
        covariance: FloatArray,
        observed: FloatArray,
        confidence: FloatArray,
        box_height: FloatArray,
        body_height: FloatArray,
        known: BoolArray,
    ) -> tuple[FloatArray, FloatArray, BoolArray, FloatArray]:
        """Give one camera's keypoints to m shoppers.

        Args:
            view: the camera.
            joints: (m, 12, 6), at the frame's stamp.
            covariance: (m, 12, 6, 6).
            observed: (m, 12, 2) ideal pixels.
            confidence: (m, 12), 0 where not seen.
            box_height: (m,) pixels.
            body_height: (m,) metres.
            known: (m, 12) joints that have been observed before, which can tell left from right.

        Returns:
            Joints, covariances, which joints (m, 12) were used, and per shopper +1 where left and right were exchanged,
            -1 where they agreed, 0 where that could not be told (m,).
        """
        pixels, depth = view.project(joints[..., :3])
        jacobian = view.jacobian(pixels, depth)
        projected = jacobian @ covariance[..., :3, :3] @ jacobian.swapaxes(-1, -2)
        sd = np.hypot(view.pixel_sd, self._p.joint_noise * box_height)[:, None] / np.sqrt(np.maximum(confidence, 0.05))
        noise = sd**2
        swap, vote = self._exchanged(observed, confidence, pixels, projected, noise, known)
        observed = np.where(swap[:, None, None], observed[:, _MIRROR], observed)
        confidence = np.where(swap[:, None], confidence[:, _MIRROR], confidence)
        noise = np.where(swap[:, None], noise[:, _MIRROR], noise)

        used = (confidence > 0) & (depth > 0.3)
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
        return joints, (covariance + covariance.swapaxes(-1, -2)) / 2, used, vote

    def _exchanged(
        self,
        observed: FloatArray,
        confidence: FloatArray,
        pixels: FloatArray,
        projected: FloatArray,
        noise: FloatArray,
        known: BoolArray,
    ) -> tuple[BoolArray, FloatArray]:
        """Return for whom (m,) the detector has exchanged left and right, and the votes (m,)."""
        limit = self._p.joint_gate_sigma**2
        both = (confidence[:, _LEFT] > 0) & (confidence[:, _RIGHT] > 0) & known[:, _LEFT] & known[:, _RIGHT]
        same = np.minimum(_mahalanobis(projected, noise, observed - pixels), limit)
        crossed = np.minimum(_mahalanobis(projected, noise[:, _MIRROR], observed[:, _MIRROR] - pixels), limit)
        straight = np.where(both, same[:, _LEFT] + same[:, _RIGHT], 0.0).sum(axis=1)
        exchanged = np.where(both, crossed[:, _LEFT] + crossed[:, _RIGHT], 0.0).sum(axis=1)
        difference = straight - exchanged
        return difference > _MIRROR_MARGIN, np.where(np.abs(difference) > _MIRROR_MARGIN, np.sign(difference), 0.0)


def mirror(joints: FloatArray, covariance: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Exchange left and right of joints (12, 6) and covariances (12, 6, 6)."""
    return joints[_MIRROR].copy(), covariance[_MIRROR].copy()


def mirror_votes_full(votes: float) -> bool:
    """Return whether so many views contradicted left and right that the track itself must be wrong."""
    return votes >= _MIRROR_VOTES


def heading_of(joints: FloatArray, sd: FloatArray, velocity: FloatArray, previous: float) -> float:
    """Return which way a shopper faces (radians): across shoulders and hips, else along the walk, else as before."""
    across = np.zeros(2)
    for left, right in ((Keypoint.LEFT_SHOULDER, Keypoint.RIGHT_SHOULDER), (Keypoint.LEFT_HIP, Keypoint.RIGHT_HIP)):
        if max(sd[left], sd[right]) < 0.10:
            across += joints[left, :2] - joints[right, :2]
    if np.hypot(*across) > 0.15:
        return float(np.arctan2(-across[0], across[1]))
    if np.hypot(*velocity) > 0.4:
        return float(np.arctan2(velocity[1], velocity[0]))
    return previous


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
