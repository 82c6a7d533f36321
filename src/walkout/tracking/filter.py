"""The motion model and the robust iterated extended Kalman filter of the shoppers, over stacks of tracks.

State: x, y, vx, vy, height. Motion: nearly constant velocity driven by white acceleration noise, the velocity
dying out slowly (an Ornstein-Uhlenbeck velocity; Bar-Shalom et al., "Estimation with Applications to Tracking",
ch. 8); the height wanders, because people stoop and crouch, and returns to the stature. Observations enter in
information form with Huber weights (iteratively reweighted least squares).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from walkout.tracking import kernels
from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.view import Observations, Prediction, View

FloatArray = NDArray[np.float64]

BODY = np.array([0, 1, 4])
"""The part of the state that a camera sees: x, y, height."""
BIRTH_ITERATIONS = 4
_STAY, _GO_ON, _TALL = np.diag([1.0, 1.0, 0, 0, 0]), np.diag([0, 0, 1.0, 1.0, 0]), np.diag([0, 0, 0, 0, 1.0])
_MOVE = np.eye(5, k=2) * [0, 0, 1.0, 1.0, 0]
"""Which elements of the state stay, go on, are the height; which move which."""
_BEND = 0.5
"""How far trunk, head and feet stray from the axis for every metre that the shopper stoops."""
_BOX_BEND = 0.25
"""The same of the box's edges."""
_HOPELESS, _HOPELESS_ROW = 100.0, 4.5
"""A misfit above this, plus so much for every row, is neither matched nor does it matter by how much."""
_UPRIGHT_M = 0.05
"""Less than this below the stature is no stooping."""
_WALL_SD_M = 0.03
"""Nobody stands deeper in a fixture than about this."""


def predict(
    mean: FloatArray, covariance: FloatArray, stature: FloatArray, dt: float, parameters: TrackerParameters
) -> tuple[FloatArray, FloatArray]:
    """Return means (t, 5) and covariances (t, 5, 5) after ``dt`` seconds; ``stature`` (t,) is the height upright."""
    if dt <= 0:
        return mean, covariance
    fade = np.exp(-dt / parameters.velocity_decay_s)
    reach = parameters.velocity_decay_s * (1 - fade)
    rise = np.exp(-dt / parameters.height_return_s)
    step = _STAY + reach * _MOVE + fade * _GO_ON + rise * _TALL
    q = parameters.acceleration_sd**2 * dt
    noise = q * dt**2 / 3 * _STAY + q * dt / 2 * (_MOVE + _MOVE.T) + q * _GO_ON
    noise[4, 4] = parameters.height_drift**2 * dt
    # A shopper's speed is bounded, so the spread of a velocity nobody observes is bounded too.
    moved = step @ covariance @ step.T + noise
    spread = np.sqrt(moved[:, [2, 3], [2, 3]].max(axis=1, initial=1e-12))
    shrink = np.minimum(1.0, parameters.max_speed / 2 / spread)
    scale = np.ones((len(mean), 5))
    scale[:, 2:4] = shrink[:, None]
    ahead = mean @ step.T
    ahead[:, 4] += (1 - rise) * stature
    return ahead, moved * scale[:, :, None] * scale[:, None, :]


def huber_weight(normalised: FloatArray, limit: float) -> FloatArray:
    """Return the IRLS weights of residuals in sigmas."""
    return np.asarray(limit / np.maximum(np.abs(normalised), limit))


def bend_of(height: FloatArray, stature: FloatArray) -> FloatArray:
    """Return by how many metres (t,) shoppers stoop."""
    return np.asarray(np.maximum(stature - height - _UPRIGHT_M, 0.0))


def _posture_variance(view: View, scale: FloatArray, bend: FloatArray) -> FloatArray:
    """Return the variance (t, ROWS) in square pixels that posture adds when shoppers ``bend`` (t,) by so much."""
    free = np.where(view.posture > 0, _BEND, _BOX_BEND) * bend[:, None]
    return np.asarray((view.posture**2 + free**2) * scale[:, None] ** 2)


def pair_cost(
    view: View,
    covariance: FloatArray,
    prediction: Prediction,
    observations: Observations,
    seen: NDArray[np.bool_],
    bend: FloatArray,
    limit: float,
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Return the misfit (t, d) and the number of rows (t, d) of every pair of a shopper and a detection.

    The misfit is the robust negative log-likelihood (times 2, without the constant) of the detection given the
    shopper's prediction with ``covariance`` (t, 3, 3) of x, y, height: Mahalanobis distance with Huber's loss plus the
    log determinant, which stops vague shoppers from taking everything. Of pairs that are out of the question it is only
    a lower bound, itself far beyond any gate: Huber's loss of every row alone, were the whole uncertainty spent on it.

    Rows count that are in ``seen`` (t, ROWS). Joints and boxes of shoppers who stoop by ``bend`` (t,) metres may stand
    further off the upright cylinder.
    """
    misfit = np.empty((len(covariance), len(observations)))
    rows = np.empty(misfit.shape, dtype=np.int64)
    kernels.pair_misfits(
        np.ascontiguousarray(covariance),
        prediction.rows,
        prediction.jacobian,
        observations.rows,
        observations.variance,
        _posture_variance(view, prediction.scale, bend),
        seen,
        limit,
        _HOPELESS,
        _HOPELESS_ROW,
        misfit,
        rows,
    )
    return misfit, rows


def update(
    view: View,
    mean: FloatArray,
    covariance: FloatArray,
    observations: Observations,
    seen: NDArray[np.bool_],
    bend: FloatArray,
    parameters: TrackerParameters,
    iterations: int = 2,
    prediction: Prediction | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Return the states (m, 5), (m, 5, 5) after the i-th detection has been given to the i-th shopper.

    An iterated extended Kalman filter: the camera is linearised anew around every intermediate estimate. A vague prior
    (a birth) needs more ``iterations`` than a good prediction. ``prediction`` is what the view sees of ``mean``, where
    known.
    """
    if not len(mean):
        return mean, covariance
    tight = covariance[:, BODY[:, None], BODY]
    prior = np.asarray(np.linalg.inv(tight), dtype=np.float64)
    before = np.ascontiguousarray(mean[:, BODY])
    body, step, posterior = before.copy(), np.empty(before.shape), np.empty(tight.shape)
    for iteration in range(iterations):
        if iteration or prediction is None:
            prediction = view.predict(body)
        kernels.correct_body(
            body,
            before,
            prior,
            prediction.rows,
            prediction.jacobian,
            observations.rows,
            observations.variance,
            _posture_variance(view, prediction.scale, bend),
            seen,
            parameters.robust_sigma,
            step,
            posterior,
        )
        body = before + step
        body[:, 2] = np.clip(body[:, 2], 0.7, 2.3)
    # Velocity is not seen: it follows place and height as far as the prior ties it to them.
    gain = covariance[:, :, BODY] @ prior
    state = mean + (gain @ step[..., None])[..., 0]
    state[:, 4] = body[:, 2]
    speed = np.maximum(np.hypot(state[:, 2], state[:, 3]), 1e-9)
    state[:, 2:4] *= np.minimum(1.0, parameters.max_speed / speed)[:, None]
    left = covariance - gain @ (tight - posterior) @ gain.swapaxes(1, 2)
    return state, (left + left.swapaxes(1, 2)) / 2


def push(mean: FloatArray, covariance: FloatArray, move: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return a state (5,), (5, 5) pushed by ``move`` (2,) out of a fixture: the wall as an observation of the place."""
    distance = float(np.hypot(*move))
    normal = np.zeros(5)
    normal[:2] = move / distance
    cross = covariance @ normal
    gain = cross / (normal @ cross + _WALL_SD_M**2)
    return mean + gain * distance, covariance - np.outer(gain, cross)
