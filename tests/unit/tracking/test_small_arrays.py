"""Systems written out give what LAPACK gives."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from walkout.tracking.small_arrays import marked, six, solve, squares, stacked


@given(st.integers(0, 2**32 - 1), st.floats(-3.0, 3.0))
def test_systems_of_three_are_solved_as_by_lapack(seed: int, magnitude: float) -> None:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(4, 5, 3, 3)) * 10**magnitude
    matrix = root @ root.swapaxes(-1, -2) + 0.1 * 100**magnitude * np.eye(3)
    right = rng.normal(size=(4, 5, 3))
    solution, determinant = solve(six(matrix), right)
    np.testing.assert_allclose(solution, np.linalg.solve(matrix, right[..., None])[..., 0], rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(determinant, np.linalg.det(matrix), rtol=1e-9)


def test_squares_are_the_elements_of_outer_products() -> None:
    vector = np.random.default_rng(3).normal(size=(7, 3))
    np.testing.assert_array_equal(squares(vector), six(vector[:, :, None] * vector[:, None]))


def test_arrays_are_stacked_and_none_make_an_empty_stack() -> None:
    arrays = [np.full((2, 3), k, dtype=float) for k in range(4)]
    np.testing.assert_array_equal(stacked(arrays, 2, 3), np.stack(arrays))
    assert stacked([], 2, 3).shape == (0, 2, 3)


def test_what_is_named_is_marked() -> None:
    assert marked(np.array([2, 0], dtype=np.intp), 4).tolist() == [True, False, True, False]
    assert not marked(np.zeros(0, dtype=np.intp), 2).any()
