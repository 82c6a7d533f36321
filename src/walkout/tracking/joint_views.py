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
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from walkout.geometry.camera import MIN_DEPTH
from walkout.perception.types import KEYPOINT_COUNT, Keypoint
from walkout.tracking import kernels
from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.small_arrays import marked
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
_IS_ARM = marked(np.array(_ARM), KEYPOINT_COUNT)
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
        """Return the factors (t, v, 12) on the variance of keypoints with confidence (t, v, 12)."""
        level = np.searchsorted(_LEVELS, confidence, side="right")
        return np.asarray(np.exp(self._log_scale)[_GROUPS, level])

    def learn(self, confidence: FloatArray, normalised: FloatArray, chosen: NDArray[np.bool_]) -> None:
        """Take the squared residuals (t, v, 12), each over its variance, of those keypoints that are ``chosen``."""
        groups = np.broadcast_to(_GROUPS, chosen.shape)[chosen]
        levels = np.searchsorted(_LEVELS, confidence[chosen], side="right")
        step = np.where(normalised[chosen] > _MEDIAN_SQUARE, _LEARNING_RATE, -_LEARNING_RATE)
        np.add.at(self._log_scale, (groups, levels), step)
        self._log_scale = np.clip(self._log_scale, *_SCALE_LIMITS)


class _Sights:
    """The sights of t shoppers as arrays (t, v, ...), padded with unseen ones.

    ``pixels`` (t, v, 12, 2), 0 where not ``seen`` (t, v, 12), as ``variance`` (t, v, 12) is 1 there; ``confidence``
    (t, v, 12), ``lag`` (t, v) seconds, ``stamps`` (t, v), -1 of padding, ``exchanged`` (t, v), ``projection``
    (t, v, 3, 4).
    """

    def __init__(self, sights: Sequence[Sequence[Sight]], now_ns: int) -> None:
        flat = [sight for mine in sights for sight in mine]
        count, most = len(sights), max(len(mine) for mine in sights)
        row = np.repeat(np.arange(count), [len(mine) for mine in sights])
        column = np.concatenate([np.arange(len(mine)) for mine in sights])

        def padded(values: ArrayLike, empty: float, *shape: int) -> NDArray[Any]:
            given = np.asarray(values).reshape(len(flat), *shape)
            arrays = np.full((count, most, *shape), empty, dtype=given.dtype)
            arrays[row, column] = given
            return arrays

        joints = KEYPOINT_COUNT
        sd = padded(np.concatenate([s.sd for s in flat]), np.inf, joints)
        self.seen = np.isfinite(sd)
        self.variance = np.where(self.seen, sd, 1.0) ** 2
        pixels = padded(np.concatenate([s.pixels for s in flat]), 0.0, joints, 2)
        self.pixels = np.where(self.seen[..., None], pixels, 0.0)
        self.confidence = padded(np.concatenate([s.confidence for s in flat]), 0.0, joints)
        self.exchanged = padded([s.exchanged for s in flat], 0.0)
        self.stamps = padded([s.stamp_ns for s in flat], -1)
        self.lag = padded([(now_ns - s.stamp_ns) / 1e9 for s in flat], 0.0)
        self.projection = padded(np.concatenate([s.view.projection for s in flat]), 0.0, 3, 4)
        self._eyes = padded(np.concatenate([s.view.camera.position for s in flat]), 0.0, 3)

    def hidden(self, joints: FloatArray) -> FloatArray:
        """Return how surely a shopper's own trunk hides his elbows and wrists from the views (t, v, 12), 0..1."""
        ray = joints[:, None, _ARM, :3] - self._eyes[:, :, None]
        ahead = joints[:, None, _TRUNK, :2].mean(axis=2, keepdims=True) - self._eyes[:, :, None, :2]
        length = np.maximum(np.hypot(ray[..., 0], ray[..., 1]), 1e-3)
        passed = (ray[..., :2] * ahead).sum(axis=3) / length
        aside = (ray[..., 0] * ahead[..., 1] - ray[..., 1] * ahead[..., 0]) / length
        level = self._eyes[:, :, None, 2] + passed / length * ray[..., 2]
        below = level < joints[:, None, Keypoint.NECK, 2, None] + _CHIN_M
        behind = 1 / (1 + np.exp(np.clip((_SKIN_M - (length - passed)) / _SKIN_SD_M, -50.0, 50.0)))
        result = np.zeros(self.confidence.shape)
        result[..., _ARM] = np.where(below & (passed > 0), np.exp(-((aside / _TRUNK_RADIUS_M) ** 2)) * behind, 0.0)
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
    views.variance *= noise.scale(views.confidence) * (1 + _HIDDEN_FACTOR * views.hidden(joints))
    state, spread = np.empty(joints.shape), np.empty(covariance.shape)
    square = np.empty((2, *views.seen.shape))
    prior_odds = math.log(1 / parameters.mirror_probability - 1)
    kernels.fuse_joints(
        joints,
        covariance,
        views.projection,
        views.lag,
        views.pixels,
        views.variance,
        views.seen,
        views.exchanged,
        MIRROR,
        _IS_ARM,
        np.array([_FREEDOM, _MOST_EVIDENCE, _SHARED, prior_odds, _PERSISTENCE, _MOST_MISFIT, MIN_DEPTH]),
        _ROUNDS,
        state,
        spread,
        square,
    )
    # Joints that several views show teach how noisy keypoints are, sides sorted by distance.
    chosen = views.seen & (views.seen.sum(axis=1, keepdims=True) >= 3)
    chosen &= ~(views.seen[..., MIRROR] & (square[1] < square[0]))
    noise.learn(views.confidence, square[0] / views.variance, chosen)
    seen_ns = np.where(views.seen, views.stamps[..., None], -1).max(axis=1)
    return state, (spread + spread.swapaxes(-1, -2)) / 2, seen_ns
