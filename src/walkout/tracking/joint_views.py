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
from numpy.typing import NDArray

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
_ARM = np.isin(
    np.arange(KEYPOINT_COUNT),
    [Keypoint.LEFT_ELBOW, Keypoint.RIGHT_ELBOW, Keypoint.LEFT_WRIST, Keypoint.RIGHT_WRIST],
)
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
        """Return the factors (..., 12) on the variance of keypoints with confidence (..., 12)."""
        return np.asarray(np.exp(self._log_scale[_GROUPS, np.searchsorted(_LEVELS, confidence, side="right")]))

    def learn(self, confidence: FloatArray, normalised: FloatArray, chosen: NDArray[np.bool_]) -> None:
        """Take the squared residuals (..., 12), each over its variance, of those keypoints that are ``chosen``."""
        groups = np.broadcast_to(_GROUPS, chosen.shape)[chosen]
        levels = np.searchsorted(_LEVELS, confidence[chosen], side="right")
        step = np.where(normalised[chosen] > _MEDIAN_SQUARE, _LEARNING_RATE, -_LEARNING_RATE)
        np.add.at(self._log_scale, (groups, levels), step)
        self._log_scale = np.clip(self._log_scale, *_SCALE_LIMITS)


class _Sights:
    """The sights of t shoppers as arrays (t, v, ...), padded with unseen ones."""

    def __init__(self, sights: Sequence[Sequence[Sight]], now_ns: int) -> None:
        shape = (len(sights), max(len(s) for s in sights))
        self.projection = np.zeros((*shape, 3, 4))
        self.projection[..., 2, 3] = 1.0
        self.pixels = np.zeros((*shape, KEYPOINT_COUNT, 2))
        self.variance = np.full((*shape, KEYPOINT_COUNT), np.inf)
        self.confidence = np.zeros((*shape, KEYPOINT_COUNT))
        self.lag = np.zeros(shape)
        self.exchanged = np.zeros(shape)
        self.stamps = np.full(shape, -1, dtype=np.int64)
        self.eyes = np.zeros((*shape, 3))
        for row, mine in enumerate(sights):
            for column, sight in enumerate(mine):
                place = row, column
                self.projection[place] = sight.view.projection
                self.eyes[place] = sight.view.camera.position
                self.pixels[place], self.variance[place] = sight.pixels, sight.sd**2
                self.confidence[place] = sight.confidence
                self.lag[place], self.exchanged[place] = (now_ns - sight.stamp_ns) / 1e9, sight.exchanged
                self.stamps[place] = sight.stamp_ns
        self.seen = np.isfinite(self.variance)
        self.pixels[~self.seen] = 0.0
        self.both = self.seen[..., LEFT] & self.seen[..., RIGHT]

    def look(self, joints: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return where joints (t, 12, 6) should appear (t, v, 12, 2) and the derivatives (t, v, 12, 2, 3) by place."""
        points = joints[:, None, :, :3] - self.lag[..., None, None] * joints[:, None, :, 3:]
        matrix = self.projection[..., None, :, :]
        homogeneous = (matrix[..., :3] @ points[..., None])[..., 0] + matrix[..., 3]
        depth = np.maximum(homogeneous[..., 2], MIN_DEPTH)
        pixels = homogeneous[..., :2] / depth[..., None]
        jacobian = (matrix[..., :2, :3] - pixels[..., None] * matrix[..., 2:, :3]) / depth[..., None, None]
        return pixels, jacobian

    def hidden(self, joints: FloatArray) -> FloatArray:
        """Return how surely a shopper's own trunk hides his elbows and wrists from the views (t, v, 12), 0..1."""
        eyes = self.eyes[:, :, None]
        ray = joints[:, None, :, :3] - eyes
        axis = joints[:, None, None, _TRUNK, :2].mean(axis=3) - eyes[..., :2]
        length = np.maximum(np.hypot(ray[..., 0], ray[..., 1]), 1e-3)
        passed = (ray[..., 0] * axis[..., 0] + ray[..., 1] * axis[..., 1]) / length
        aside = (ray[..., 0] * axis[..., 1] - ray[..., 1] * axis[..., 0]) / length
        level = eyes[..., 2] + passed / length * ray[..., 2]
        below = level < joints[:, None, Keypoint.NECK, 2, None] + _CHIN_M
        behind = 1 / (1 + np.exp(np.clip((_SKIN_M - (length - passed)) / _SKIN_SD_M, -50.0, 50.0)))
        covered = np.exp(-((aside / _TRUNK_RADIUS_M) ** 2)) * behind
        return np.where(_ARM & below & (passed > 0), covered, 0.0)


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
    views.variance *= noise.scale(views.confidence) * (1 + _HIDDEN_FACTOR * views.hidden(joints))
    prior = np.linalg.inv(covariance)
    state, spread = joints, covariance
    lag = views.lag[..., None, None, None]
    for _ in range(_ROUNDS):
        pixels, jacobian = views.look(state)
        projected = jacobian @ spread[:, None, :, :3, :3] @ jacobian.swapaxes(-1, -2)
        target, variance = _believe(views, pixels, projected, parameters)
        weighted = jacobian / (_PERSISTENCE * variance[..., None, None])
        square = weighted.swapaxes(-1, -2) @ jacobian
        pull = (weighted.swapaxes(-1, -2) @ (target - pixels)[..., None])[..., 0]
        information = prior.copy()
        information[..., :3, :3] += square.sum(axis=1)
        information[..., 3:, 3:] += (lag**2 * square).sum(axis=1)
        moment = (lag * square).sum(axis=1)
        information[..., :3, 3:] -= moment
        information[..., 3:, :3] -= moment
        right = (prior @ (joints - state)[..., None])[..., 0]
        right[..., :3] += pull.sum(axis=1)
        right[..., 3:] -= (lag[..., 0] * pull).sum(axis=1)
        spread = np.linalg.inv(information)
        state = state + (spread @ right[..., None])[..., 0]
    _learn(views, state, noise)
    seen_ns = np.where(views.seen, views.stamps[..., None], -1).max(axis=1)
    return state, (spread + spread.swapaxes(-1, -2)) / 2, seen_ns


def _learn(views: _Sights, state: FloatArray, noise: KeypointNoise) -> None:
    """Let the noise model learn from the residuals of joints that several views show, sides sorted by distance."""
    pixels, _ = views.look(state)
    square = ((views.pixels - pixels) ** 2).sum(axis=3)
    other = ((views.pixels[..., MIRROR, :] - pixels) ** 2).sum(axis=3)
    chosen = views.seen & (views.seen.sum(axis=1, keepdims=True) >= 3) & ~(views.seen[..., MIRROR] & (other < square))
    variance = np.where(chosen, views.variance, 1.0)
    noise.learn(views.confidence, square / variance, chosen)


def _believe(
    views: _Sights, pixels: FloatArray, projected: FloatArray, parameters: TrackerParameters
) -> tuple[FloatArray, FloatArray]:
    """Return for every view and joint the place in pixels (t, v, 12, 2) that it stands for, and its variance.

    The place is the mean of the keypoint of its label and of the other side's, weighted by how probable each is; the
    variance holds their noise, grown for outliers, and what the doubt between the two adds.
    """
    other, other_variance = views.pixels[..., MIRROR, :], views.variance[..., MIRROR]
    own_distance, own_size = _distance(projected, views.variance, views.pixels - pixels)
    distance, size = _distance(projected, other_variance, other - pixels)
    own_loss = (_FREEDOM + 2) * np.log1p(own_distance / _FREEDOM) + own_size
    loss = (_FREEDOM + 2) * np.log1p(distance / _FREEDOM) + size
    gain = (loss - own_loss) / 2
    pair = np.where(views.both, gain[..., LEFT] + gain[..., RIGHT], 0.0)
    pair = np.clip(pair, -_MOST_EVIDENCE, _MOST_EVIDENCE)
    shared = pair.sum(axis=2, keepdims=True) - pair - views.exchanged[..., None]
    odds = pair + _SHARED * shared + math.log(1 / parameters.mirror_probability - 1)
    right: FloatArray = np.ones(views.variance.shape)
    right[..., LEFT] = right[..., RIGHT] = 1 / (1 + np.exp(np.clip(-odds, -50.0, 50.0)))
    # A joint of which only one label is seen is that label's, as far as it is probable.
    wrong = np.where(views.seen[..., MIRROR], 1 - right, 0.0)
    right = np.where(views.seen, right, 0.0)
    total = np.maximum(right + wrong, 1e-12)
    share, rest = right / total, wrong / total
    apart = ((views.pixels - other) ** 2).sum(axis=3)
    target = share[..., None] * views.pixels + rest[..., None] * other
    grown = _shares(share, views.variance, own_distance) + _shares(rest, other_variance, distance)
    variance = (grown + share * rest * apart / 2) / np.minimum(total, 1.0)
    variance *= _disagreement(views.seen, share * own_distance + rest * distance)
    return target, np.where(total > 1e-6, variance, np.inf)


def _disagreement(seen: NDArray[np.bool_], misfit: FloatArray) -> FloatArray:
    """Return by how much the sights (t, v, 12) of arms err more than expected, (t, 1, 12): at least 1.

    ``misfit`` are squared distances over their variances, 2 on average when these are right.
    """
    total = np.where(seen, np.minimum(misfit, _MOST_MISFIT), 0.0).sum(axis=1, keepdims=True)
    ratio = total / np.maximum(2 * seen.sum(axis=1, keepdims=True), 1)
    return np.where(_ARM, np.maximum(ratio, 1.0), 1.0)


def _shares(share: FloatArray, variance: FloatArray, distance: FloatArray) -> FloatArray:
    """Return the part of a share in the variance, grown for outliers."""
    grown = variance * np.maximum(1.0, (_FREEDOM + distance) / (_FREEDOM + 2))
    return np.where(share > 0, share * np.where(np.isfinite(grown), grown, 0.0), 0.0)


def _distance(projected: FloatArray, variance: FloatArray, residual: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return squared Mahalanobis distances (...) of residuals (..., 2) and the log determinants of their covariance."""
    noise = np.where(np.isfinite(variance), variance, 1.0)
    a, b, d = projected[..., 0, 0] + noise, projected[..., 0, 1], projected[..., 1, 1] + noise
    x, y = residual[..., 0], residual[..., 1]
    determinant = np.maximum(a * d - b * b, 1e-9)
    return np.asarray((d * x * x - 2 * b * x * y + a * y * y) / determinant), np.asarray(np.log(determinant))
