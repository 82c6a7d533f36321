"""Which way shoppers face: a histogram filter over the circle, which bears detectors that mix up left and right.

A single Gaussian cannot hold "this way or the opposite one", which is what a pair of shoulders says when their labels
cannot be trusted. A grid can: labels vote a little, walking votes more, and both add up over views and time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from walkout.perception.types import Keypoint
from walkout.tracking.kernels import CUBE, FOUR, MATRIX, VECTOR, compiled
from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.view import View

FloatArray = NDArray[np.float64]

BINS = 48
_ANGLE = np.arange(BINS) * (2 * np.pi / BINS)
_AHEAD = np.stack([np.cos(_ANGLE), np.sin(_ANGLE)])
_LATERAL = np.stack([-np.sin(_ANGLE), np.cos(_ANGLE)])
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


@compiled("void", MATRIX, FOUR, CUBE, MATRIX, "b1[:,::1]", MATRIX, "f8", "f8", MATRIX, VECTOR)
def _votes(
    belief: FloatArray,
    reach: FloatArray,
    across: FloatArray,
    variance: FloatArray,
    seen: NDArray[np.bool_],
    lateral: FloatArray,
    swap: float,
    floor: float,
    votes: FloatArray,
    exchanged: FloatArray,
) -> None:
    """Fill in what pairs of keypoints, left and right, say of m headings.

    Args:
        belief: (m, bins).
        reach: (m, pairs, 2, 2) pixels from right to left by the direction to the left in the store.
        across: (m, pairs, 2) the pixels seen.
        variance: (m, pairs) of them.
        seen: (m, pairs) which there are.
        lateral: (2, bins) the direction to the left for every bin.
        swap: how often labels are exchanged.
        floor: likelihood of anything.
        votes: (m, bins) log likelihoods, filled in.
        exchanged: (m,) log odds that the labels are exchanged, filled in.
    """
    for t in range(len(belief)):
        votes[t], exchanged[t] = 0.0, 0.0
        for k in range(across.shape[1]):
            if not seen[t, k]:
                continue
            u, v = across[t, k, 0], across[t, k, 1]
            a, b, c, d = reach[t, k, 0, 0], reach[t, k, 0, 1], reach[t, k, 1, 0], reach[t, k, 1, 1]
            right, wrong = 0.0, 0.0
            for i in range(belief.shape[1]):
                x = a * lateral[0, i] + b * lateral[1, i]
                y = c * lateral[0, i] + d * lateral[1, i]
                common = (x * x + y * y + u * u + v * v) / (2 * variance[t, k])
                along = (u * x + v * y) / variance[t, k]
                one, other = np.exp(along - common) + floor, np.exp(-along - common) + floor
                votes[t, i] += np.log((1 - swap) * one + swap * other)
                right += one * belief[t, i]
                wrong += other * belief[t, i]
            exchanged[t] += np.log(wrong / right)


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
    points = np.empty((len(body), len(_LEVEL), 3))
    points[..., :2] = body[:, None, :2]
    points[..., 2] = _LEVEL * body[:, 2, None]
    reach = view.jacobian(*view.project(points))[..., :2] * (_WIDTH * body[:, 2, None])[..., None, None]
    variance = sd[:, _LEFT] ** 2 + sd[:, _RIGHT] ** 2
    likelihood, exchanged = np.empty(belief.shape), np.empty(len(belief))
    _votes(
        belief,
        np.ascontiguousarray(reach),
        np.ascontiguousarray(observed[:, _LEFT] - observed[:, _RIGHT]),
        np.ascontiguousarray(variance),
        np.ascontiguousarray(np.isfinite(variance)),
        _LATERAL,
        parameters.mirror_probability,
        _FLOOR,
        likelihood,
        exchanged,
    )
    # Views and frames err together (clothes, posture): they count less than independent ones would.
    return _normalise(belief * np.exp(_TEMPER * likelihood)), exchanged


def mean_heading(belief: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return mean directions (t,) in radians and their lengths 0..1 (t,)."""
    x, y = _AHEAD @ belief.T
    return np.arctan2(y, x), np.hypot(x, y)


def _normalise(belief: FloatArray) -> FloatArray:
    kept = belief + 1e-3 / BINS * belief.sum(axis=1, keepdims=True)
    return np.asarray(kept / kept.sum(axis=1, keepdims=True))
