"""Joints from all views at once: robust triangulation that sees through exchanged labels of left and right.

Between two updates every camera contributes one sight of a shopper. All of them together refine the prediction of his
joints by iteratively reweighted Gauss-Newton steps: each step asks, for every view and pair of joints, how probable it
is that the network has exchanged the two labels (from the pair itself, the other pairs and the heading), and how far
each keypoint is to be believed (weights of a Student t, Lange et al., "Robust statistical modeling using the t
distribution", 1989). So one view that mixes up the sides is outvoted by the others, and what stays doubtful counts
with the variance of the doubt.

Arms are the hard part: a hand in a shelf is hidden from most cameras, and the network then tells where arms usually
hang, surely enough and from every side. So a view in which the shopper's own trunk hides an elbow or wrist counts
little, and views that contradict each other all count less (the ratio of Birge, "The calculation of errors by the
method of least squares", 1932).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from walkout.geometry.camera import MIN_DEPTH
from walkout.perception.types import KEYPOINT_COUNT, Keypoint
from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.view import View

FloatArray = NDArray[np.float64]

LEFT = np.array([2, 4, 6, 8, 10])
RIGHT = np.array([3, 5, 7, 9, 11])
MIRROR = np.array([0, 1, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10])
_ROUNDS = 4
_FREEDOM = 4.0
"""Degrees of freedom of the keypoints' errors: about one in ten is far off."""
_MOST_EVIDENCE = 5.0
"""No pair of joints says more than this (log odds) about its own labels: they may be somebody else's."""
_ARM = [Keypoint.LEFT_ELBOW, Keypoint.RIGHT_ELBOW, Keypoint.LEFT_WRIST, Keypoint.RIGHT_WRIST]
_PERSISTENCE = 2.0
"""A keypoint that is off stays off for some frames: so many sights are worth as much as one independent one."""
_TRUNK = [Keypoint.LEFT_SHOULDER, Keypoint.RIGHT_SHOULDER, Keypoint.LEFT_HIP, Keypoint.RIGHT_HIP]
_TRUNK_RADIUS_M = 0.17
_SKIN_M = 0.08
"""An arm this far behind the trunk's axis is as likely as not hidden by it."""
_SKIN_SD_M = 0.04
_CHIN_M = 0.15
"""So far above the neck a ray passes over the shopper."""
_HIDDEN_FACTOR = 8.0
"""By this much the variance of a keypoint is larger that the trunk certainly hides."""
_MOST_MISFIT = 30.0
"""A view farther off than this (squared, over its variance) says no more about the disagreement."""
_LEVELS = np.array([0.5, 0.75])
"""Confidences that part the classes in which the noise of keypoints is learnt."""
_GROUPS = np.array([0, 0, 0, 0, 1, 1, 2, 2, 0, 0, 1, 1])
"""The same for joints: trunk; elbows and feet; wrists."""
_LEARNING_RATE = 0.01
_SCALE_LIMITS = (-2.5, 2.2)
_MEDIAN_SQUARE = 2 * math.log(2)
"""The median of the squared length of a standard normal vector in the plane."""
_SHARED = 0.5
"""How much of the other pairs' and the heading's evidence counts: a network mostly exchanges the whole body."""


@dataclass(frozen=True)
class Sight:
    """What one camera saw of one shopper's joints.

    ``pixels`` (12, 2) are ideal ones, ``sd`` (12,) their standard deviations in pixels, infinite where unseen,
    ``confidence`` (12,) what the network says, ``exchanged`` the log odds that left and right are exchanged, from the
    heading.
    """

    view: View
    stamp_ns: int
    pixels: FloatArray
    sd: FloatArray
    confidence: FloatArray
    exchanged: float


class KeypointNoise:
    """Learns how noisy a network's keypoints are, by kind of joint and confidence, from how well the views agree.

    The factor on the variance follows the median of the normalised squared residuals, which outliers hardly move; so
    another network needs no other parameters.
    """

    def __init__(self) -> None:
        self._log_scale: FloatArray = np.zeros((int(_GROUPS.max()) + 1, len(_LEVELS) + 1))

    def scale(self, confidence: FloatArray) -> FloatArray:
        """Return the factors (t, 12, v) on the variance of keypoints with confidence (t, 12, v)."""
        level = np.searchsorted(_LEVELS, confidence, side="right")
        return np.asarray(np.exp(self._log_scale)[_GROUPS[:, None], level])

    def learn(self, confidence: FloatArray, normalised: FloatArray, chosen: NDArray[np.bool_]) -> None:
        """Take the squared residuals (t, 12, v), each over its variance, of those keypoints that are ``chosen``."""
        groups = np.broadcast_to(_GROUPS[:, None], chosen.shape)[chosen]
        levels = np.searchsorted(_LEVELS, confidence[chosen], side="right")
        step = np.where(normalised[chosen] > _MEDIAN_SQUARE, _LEARNING_RATE, -_LEARNING_RATE)
        np.add.at(self._log_scale, (groups, levels), step)
        self._log_scale = np.clip(self._log_scale, *_SCALE_LIMITS)


class _Sights:
    """The sights of t shoppers as arrays (t, 12, ..., v), padded with unseen ones.

    What a view and joint may stand for is the keypoint of its label or that of the other side: ``pixels``
    (2, t, 12, 2, v), ``variance`` (2, t, 12, v), 1 where not ``seen`` (2, t, 12, v); ``apart`` (t, 12, v) the squared
    distance of the two, ``shown`` (t, 12, 1) how many views see a label.
    """

    def __init__(self, sights: Sequence[Sequence[Sight]], now_ns: int) -> None:
        flat = [sight for mine in sights for sight in mine]
        count, most = len(sights), max(len(mine) for mine in sights)
        row = np.repeat(np.arange(count), [len(mine) for mine in sights])
        column = np.concatenate([np.arange(len(mine)) for mine in sights])

        def padded(values: ArrayLike, empty: float, *shape: int) -> FloatArray:
            given = np.asarray(values).reshape(len(flat), *shape)
            arrays = np.full((count, most, *shape), empty, dtype=given.dtype)
            arrays[row, column] = given
            return np.ascontiguousarray(np.moveaxis(arrays, 1, -1))

        joints = KEYPOINT_COUNT
        sd = padded(np.concatenate([s.sd for s in flat]), np.inf, joints)
        seen = np.isfinite(sd)
        pixels = padded(np.concatenate([s.pixels for s in flat]), 0.0, joints, 2)
        pixels = np.where(seen[:, :, None], pixels, 0.0)
        self.confidence = padded(np.concatenate([s.confidence for s in flat]), 0.0, joints)
        self.eyes = padded(np.concatenate([s.view.camera.position for s in flat]), 0.0, 3)
        self.exchanged = padded([s.exchanged for s in flat], 0.0)
        self.stamps = padded([s.stamp_ns for s in flat], -1)
        self.pixels = np.stack([pixels, pixels[:, MIRROR]])
        self.seen = np.stack([seen, seen[:, MIRROR]])
        self.variance = self._both(np.where(seen, sd, 1.0) ** 2)
        self.apart = ((self.pixels[0] - self.pixels[1]) ** 2).sum(axis=2)
        self.pairs = (seen[:, LEFT] & seen[:, RIGHT]).astype(float)
        self.shown = seen.sum(axis=2, keepdims=True)
        self.lag = padded([(now_ns - s.stamp_ns) / 1e9 for s in flat], 0.0)[:, None]
        self._projection = padded(np.concatenate([s.view.projection for s in flat]), 0.0, 3, 4).swapaxes(1, 2)
        self._projection[:, 3, 2][~seen.any(axis=1)] = 1.0
        # Where a joint was when the camera looked: its place less its velocity times the lag.
        turn = self._projection[:, :3]
        self._map = np.concatenate([turn, -self.lag[:, None] * turn], axis=1).reshape(count, 6, -1)
        self._shift = self._projection[:, 3].reshape(count, 1, -1)

    def _both(self, own: FloatArray) -> FloatArray:
        """Return values (t, 12, v) of every label and of the other side's (2, t, 12, v), 1 where not seen."""
        return np.where(self.seen, np.stack([own, own[:, MIRROR]]), 1.0)

    def scale(self, factor: FloatArray) -> None:
        """Multiply the variance of all keypoints by a factor (t, 12, v)."""
        self.variance *= self._both(factor)

    def project(self, joints: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return where joints (t, 12, 6) should appear (t, 12, 2, v), and at what depths (t, 12, v)."""
        homogeneous = (joints @ self._map + self._shift).reshape(*joints.shape[:2], 3, -1)
        depth = np.maximum(homogeneous[:, :, 2], MIN_DEPTH)
        return homogeneous[:, :, :2] / depth[:, :, None], depth

    def look(self, joints: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return where joints (t, 12, 6) should appear (t, 12, 2, v); its derivatives by place (t, 12, 3, 2, v)."""
        pixels, depth = self.project(joints)
        turn = self._projection[:, None, :3]
        jacobian = (turn[..., :2, :] - pixels[:, :, None] * turn[..., 2:, :]) * (1 / depth)[:, :, None, None]
        return pixels, jacobian

    def hidden(self, joints: FloatArray) -> FloatArray:
        """Return how surely a shopper's own trunk hides his elbows and wrists from the views (t, 12, v), 0..1."""
        eyes = self.eyes[:, :, None]
        x, y, z = (joints[:, _ARM, k, None] - eyes[:, k] for k in range(3))
        trunk = joints[:, _TRUNK, :2].mean(axis=1)
        ahead, across = (trunk[:, k, None, None] - eyes[:, k] for k in range(2))
        length = np.maximum(np.hypot(x, y), 1e-3)
        passed = (x * ahead + y * across) / length
        aside = (x * across - y * ahead) / length
        level = eyes[:, 2] + passed / length * z
        below = level < joints[:, Keypoint.NECK, 2, None, None] + _CHIN_M
        behind = 1 / (1 + np.exp(np.clip((_SKIN_M - (length - passed)) / _SKIN_SD_M, -50.0, 50.0)))
        result = np.zeros(self.confidence.shape)
        result[:, _ARM] = np.where(below & (passed > 0), np.exp(-((aside / _TRUNK_RADIUS_M) ** 2)) * behind, 0.0)
        return result


def fuse(
    joints: FloatArray,
    covariance: FloatArray,
    sights: Sequence[Sequence[Sight]],
    now_ns: int,
    noise: KeypointNoise,
    parameters: TrackerParameters,
) -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
    """Give t shoppers the sights of several cameras.

    Args:
        joints: (t, 12, 6) positions and velocities predicted to ``now_ns``.
        covariance: (t, 12, 6, 6).
        sights: per shopper what cameras saw, not after ``now_ns``; at least one of somebody.
        now_ns: the time of the joints; older sights are compared with where the joints were then.
        noise: what is known of the network's noise; learns from these sights.
        parameters: ``mirror_probability`` is how often labels are exchanged.

    Returns:
        Joints, covariances and when each joint was last seen (t, 12), -1 where no sight shows it.
    """
    views = _Sights(sights, now_ns)
    views.scale(noise.scale(views.confidence) * (1 + _HIDDEN_FACTOR * views.hidden(joints)))
    prior = np.linalg.inv(covariance)
    state, spread = joints, covariance
    count = len(joints)
    rows = np.empty((count, KEYPOINT_COUNT, 6, 2, views.lag.shape[-1]))
    back = -views.lag[:, :, None, None]
    flat = rows.reshape(count, KEYPOINT_COUNT, 6, -1)
    for _ in range(_ROUNDS):
        pixels, jacobian = views.look(state)
        target, variance = _believe(views, pixels, _project_covariance(spread, jacobian), parameters)
        rows[:, :, :3] = jacobian
        rows[:, :, 3:] = back * jacobian
        weighted = (rows * (1 / (_PERSISTENCE * variance))[:, :, None, None]).reshape(flat.shape)
        pull = weighted @ (target - pixels).reshape(count, KEYPOINT_COUNT, -1, 1)
        right = prior @ (joints - state)[..., None] + pull
        spread = np.asarray(np.linalg.inv(prior + weighted @ flat.swapaxes(-1, -2)), dtype=np.float64)
        state = state + (spread @ right)[..., 0]
    _learn(views, state, noise)
    seen_ns = np.where(views.seen[0], views.stamps[:, None], -1).max(axis=2)
    return state, (spread + spread.swapaxes(-1, -2)) / 2, seen_ns


def _project_covariance(spread: FloatArray, jacobian: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the covariance in pixels of joints with ``spread`` (t, 12, 6, 6): uu, uv and vv, (t, 12, v) each."""
    turned = (spread[..., :3, :3] @ jacobian.reshape(*spread.shape[:2], 3, -1)).reshape(jacobian.shape)
    square = (turned * jacobian).sum(axis=2)
    return square[:, :, 0], (turned[..., 0, :] * jacobian[..., 1, :]).sum(axis=2), square[:, :, 1]


def _learn(views: _Sights, state: FloatArray, noise: KeypointNoise) -> None:
    """Let the noise model learn from the residuals of joints that several views show, sides sorted by distance."""
    pixels, _ = views.project(state)
    square, other = ((views.pixels - pixels) ** 2).sum(axis=3)
    seen, other_seen = views.seen
    chosen = seen & (views.shown >= 3) & ~(other_seen & (other < square))
    noise.learn(views.confidence, square / views.variance[0], chosen)


def _believe(
    views: _Sights,
    pixels: FloatArray,
    projected: tuple[FloatArray, FloatArray, FloatArray],
    parameters: TrackerParameters,
) -> tuple[FloatArray, FloatArray]:
    """Return for every joint and view the place in pixels (t, 12, 2, v) that it stands for, and its variance.

    The place is the mean of the keypoint of its label and of the other side's, weighted by how probable each is; the
    variance (t, 12, v) holds their noise, grown for outliers, and what the doubt between the two adds.
    """
    distance, size = _distance(projected, views.variance, views.pixels - pixels)
    loss = (_FREEDOM + 2) * np.log1p(distance / _FREEDOM) + size
    gain = (loss[1] - loss[0]) / 2
    pair = (gain[:, LEFT] + gain[:, RIGHT]) * views.pairs
    pair = np.maximum(np.minimum(pair, _MOST_EVIDENCE), -_MOST_EVIDENCE)
    shared = pair.sum(axis=1, keepdims=True) - pair - views.exchanged[:, None]
    odds = pair + _SHARED * shared + math.log(1 / parameters.mirror_probability - 1)
    chance: FloatArray = np.zeros(views.variance.shape)
    chance[0] = 1.0
    chance[0][:, LEFT] = chance[0][:, RIGHT] = 1 / (1 + np.exp(np.minimum(-odds, 50.0)))
    # A joint of which only one label is seen is that label's, as far as it is probable.
    chance[1] = 1 - chance[0]
    chance *= views.seen
    total = np.maximum(chance[0] + chance[1], 1e-12)
    share = chance / total
    target = share[0][:, :, None] * views.pixels[0] + share[1][:, :, None] * views.pixels[1]
    grown = share * views.variance * np.maximum(1.0, (_FREEDOM + distance) / (_FREEDOM + 2))
    variance = (grown[0] + grown[1] + share[0] * share[1] * views.apart / 2) / np.minimum(total, 1.0)
    variance[:, _ARM] *= _disagreement(views, share[0] * distance[0] + share[1] * distance[1])
    return target, np.where(total > 1e-6, variance, np.inf)


def _disagreement(views: _Sights, misfit: FloatArray) -> FloatArray:
    """Return by how much the sights of arms err more than expected, (t, 4, 1): at least 1.

    ``misfit`` (t, 12, v) are squared distances over their variances, 2 on average when these are right.
    """
    total = (np.minimum(misfit[:, _ARM], _MOST_MISFIT) * views.seen[0][:, _ARM]).sum(axis=2, keepdims=True)
    return np.maximum(total / np.maximum(2 * views.shown[:, _ARM], 1), 1.0)


def _distance(
    projected: tuple[FloatArray, FloatArray, FloatArray], variance: FloatArray, residual: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return squared Mahalanobis distances (2, t, 12, v) of residuals (2, t, 12, 2, v), and log determinants."""
    a, b, d = projected[0] + variance, projected[1], projected[2] + variance
    x, y = residual[..., 0, :], residual[..., 1, :]
    determinant = np.maximum(a * d - b * b, 1e-9)
    return np.asarray((d * x * x - 2 * b * x * y + a * y * y) / determinant), np.asarray(np.log(determinant))
