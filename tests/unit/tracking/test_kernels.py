"""The compiled loops give what the formulas say, written as plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from walkout.tracking import kernels

LIMIT = 2.0


def positive_definite(rng: np.random.Generator, count: int, size: int) -> np.ndarray:
    roots = rng.normal(0, 1, (count, size, size)) * rng.uniform(0.01, 1.0, (count, size, 1))
    return roots @ roots.swapaxes(1, 2) + 1e-3 * np.eye(size)


@settings(deadline=None)
@given(seed=st.integers(0, 1000), size=st.sampled_from([3, 6]))
def test_inverses(seed: int, size: int) -> None:
    (matrix,) = positive_definite(np.random.default_rng(seed), 1, size)
    result = np.empty((size, size))
    kernels._invert(matrix, result)
    np.testing.assert_allclose(result @ matrix, np.eye(size), atol=1e-8)
    if size == 3:
        assert kernels._invert3(matrix, result) == pytest.approx(np.linalg.det(matrix))
        np.testing.assert_allclose(result @ matrix, np.eye(size), atol=1e-8)


def robust_step(prior, jacobian, residual, variance, weight):
    """Return the step (3,) and posterior information (3, 3) of weighted rows."""
    information = weight / variance
    normal = prior + jacobian.T @ (information[:, None] * jacobian)
    return np.linalg.solve(normal, jacobian.T @ (information * residual)), normal


def test_the_misfit_of_a_pair_is_the_robust_likelihood_of_its_usable_rows() -> None:
    rng = np.random.default_rng(5)
    covariance, jacobian = positive_definite(rng, 3, 3), rng.normal(0, 10, (3, 12, 3))
    predicted, observed = rng.normal(0, 5, (3, 12)), rng.normal(0, 5, (4, 12))
    variance, posture = rng.uniform(1, 9, (4, 12)), rng.uniform(0, 4, (3, 12))
    seen = rng.random((3, 12)) < 0.7
    variance[1, 3:] = np.inf
    misfit, counts = np.empty((3, 4)), np.empty((3, 4), np.int64)
    settings = LIMIT, np.inf, 0.0
    kernels.pair_misfits(covariance, predicted, jacobian, observed, variance, posture, seen, *settings, misfit, counts)
    for t, d in np.ndindex(3, 4):
        use = seen[t] & np.isfinite(variance[d])
        assert counts[t, d] == use.sum()
        slopes, rest, own = jacobian[t, use], (observed[d] - predicted[t])[use], (variance[d] + posture[t])[use]
        spread = np.einsum("ri,ij,rj->r", slopes, covariance[t], slopes)
        prior, weight = np.linalg.inv(covariance[t]), LIMIT / np.maximum(np.abs(rest) / np.sqrt(spread + own), LIMIT)
        for _ in range(2):
            step, normal = robust_step(prior, slopes, rest, own, weight)
            size = np.abs(rest - slopes @ step) / np.sqrt(own)
            weight = LIMIT / np.maximum(size, LIMIT)
        inner = np.minimum(size, LIMIT)
        volume = np.log(np.linalg.det(normal) * np.linalg.det(covariance[t]))
        expected = step @ prior @ step + (inner * (2 * size - inner)).sum() + volume
        assert misfit[t, d] == pytest.approx(expected)


def test_a_correction_is_a_robust_step_of_gauss_newton() -> None:
    rng = np.random.default_rng(6)
    prior, jacobian = positive_definite(rng, 2, 3), rng.normal(0, 10, (2, 12, 3))
    before = rng.normal(0, 1, (2, 3))
    body = before + rng.normal(0, 0.1, (2, 3))
    predicted, observed = rng.normal(0, 5, (2, 12)), rng.normal(0, 5, (2, 12))
    variance, posture = rng.uniform(1, 9, (2, 12)), rng.uniform(0, 4, (2, 12))
    variance[0, :5] = np.inf
    seen = rng.random((2, 12)) < 0.8
    step, posterior = np.empty((2, 3)), np.empty((2, 3, 3))
    kernels.correct_body(
        body, before, prior, predicted, jacobian, observed, variance, posture, seen, LIMIT, step, posterior
    )
    for t in range(2):
        use = seen[t] & np.isfinite(variance[t])
        rest, own = (observed[t] - predicted[t])[use], (variance[t] + posture[t])[use]
        weight = LIMIT / np.maximum(np.abs(rest) / np.sqrt(own), LIMIT)
        slopes = jacobian[t, use]
        expected, normal = robust_step(prior[t], slopes, rest + slopes @ (body[t] - before[t]), own, weight)
        np.testing.assert_allclose(step[t], expected, rtol=1e-9)
        np.testing.assert_allclose(posterior[t] @ normal, np.eye(3), atol=1e-9)
