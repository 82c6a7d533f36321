"""Which way shoppers face: a histogram filter over the circle, which bears detectors that mix up left and right.

A single Gaussian cannot hold "this way or the opposite one", which is what a pair of shoulders says when their labels
cannot be trusted. A grid can: labels vote a little, walking votes more, and both add up over views and time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from walkout.perception.types import Keypoint
from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.view import View

FloatArray = NDArray[np.float64]

BINS = 48
_ANGLE = np.arange(BINS) * (2 * np.pi / BINS)
_AHEAD = np.stack([np.cos(_ANGLE), np.sin(_ANGLE)])
_LATERAL = np.stack([-np.sin(_ANGLE), np.cos(_ANGLE)])
_LATERAL_SQUARE = np.stack([_LATERAL[0] ** 2, 2 * _LATERAL[0] * _LATERAL[1], _LATERAL[1] ** 2])
_TURN_SD = 1.0  # rad/s^0.5
_FOURIER = np.arange(BINS // 2 + 1) ** 2 * _TURN_SD**2 / 2
_WALK_RATE = 4.0  # log-likelihood per second between walking forwards and sideways
_WALK_SPEED = (0.3, 0.8)
_TEMPER = 0.3
_FLOOR = 1e-4
_LEFT = [Keypoint.LEFT_SHOULDER, Keypoint.LEFT_HIP]
_RIGHT = [Keypoint.RIGHT_SHOULDER, Keypoint.RIGHT_HIP]
_WIDTH = np.array([0.20, 0.11])
_LEVEL = np.array([0.81, 0.52])
"""The distance of each pair, shoulders and hips, and its height as fractions of the body's height."""
KNOWN = 0.5
"""A mean direction shorter than this says that the heading is not known."""


def unknown_heading() -> FloatArray:
    """Return the uniform belief (BINS,)."""
    return np.full(BINS, 1.0 / BINS)


def predict_heading(belief: FloatArray, velocity: FloatArray, dt: float) -> FloatArray:
    """Return beliefs (t, BINS) after ``dt`` seconds: people turn, and who walks mostly faces where he goes."""
    spread = np.fft.irfft(np.fft.rfft(belief, axis=1) * np.exp(-_FOURIER * dt), n=BINS, axis=1)
    speed = np.hypot(velocity[:, 0], velocity[:, 1])
    slow, fast = _WALK_SPEED
    share = np.clip((speed - slow) / (fast - slow), 0.0, 1.0)
    ahead = (velocity @ _AHEAD) / np.maximum(speed, 1e-6)[:, None]
    return _normalise(np.maximum(spread, 0.0) * np.exp(_WALK_RATE * dt * share[:, None] * ahead))


def observe_heading(
    view: View,
    belief: FloatArray,
    body: FloatArray,
    observed: FloatArray,
    sd: FloatArray,
    parameters: TrackerParameters,
) -> tuple[FloatArray, FloatArray]:
    """Give one camera's shoulders and hips to m beliefs.

    Args:
        view: the camera.
        belief: (m, BINS) from before.
        body: (m, 3) x, y and height.
        observed: (m, 12, 2) ideal pixels.
        sd: (m, 12) their standard deviations, infinite where not seen.
        parameters: ``mirror_probability`` is how often labels are exchanged.

    Returns:
        The beliefs (m, BINS) and how much likelier it is that this view's labels are exchanged than that they are
        right, given the belief from before (m,), as log odds without the prior.
    """
    swap = parameters.mirror_probability
    points = np.empty((len(body), len(_LEVEL), 3))
    points[..., :2] = body[:, None, :2]
    points[..., 2] = _LEVEL * body[:, 2, None]
    reach = view.jacobian(*view.project(points))[..., :2] * (_WIDTH * body[:, 2, None])[..., None, None]
    variance = sd[:, _LEFT] ** 2 + sd[:, _RIGHT] ** 2
    seen = np.isfinite(variance)
    variance = np.where(seen, variance, 1.0)[..., None]
    across = np.where(seen[..., None], observed[:, _LEFT] - observed[:, _RIGHT], 0.0)
    # |across -+ expected|^2 (m, pairs, BINS), the expected being linear in the lateral direction of every bin.
    square = (reach[..., [0, 0, 1]] * reach[..., [0, 1, 1]]).sum(axis=2) @ _LATERAL_SQUARE
    common = (square + (across**2).sum(axis=2, keepdims=True)) / (2 * variance)
    along = (across[:, :, None] @ reach)[:, :, 0] @ _LATERAL / variance
    right_way = np.exp(along - common) + _FLOOR
    wrong_way = np.exp(-along - common) + _FLOOR
    votes = np.log((1 - swap) * right_way + swap * wrong_way)
    likelihood = np.where(seen[..., None], votes, 0.0).sum(axis=1)
    odds = np.log((wrong_way @ belief[..., None]) / (right_way @ belief[..., None]))[..., 0]
    exchanged = np.where(seen, odds, 0.0).sum(axis=1)
    # Views and frames err together (clothes, posture): they count less than independent ones would.
    return _normalise(belief * np.exp(_TEMPER * likelihood)), exchanged


def mean_heading(belief: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return mean directions (t,) in radians and their lengths 0..1 (t,)."""
    x, y = _AHEAD @ belief.T
    return np.arctan2(y, x), np.hypot(x, y)


def _normalise(belief: FloatArray) -> FloatArray:
    kept = belief + 1e-3 / BINS * belief.sum(axis=1, keepdims=True)
    return np.asarray(kept / kept.sum(axis=1, keepdims=True))
