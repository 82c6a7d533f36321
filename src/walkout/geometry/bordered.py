"""Normal equations of which most unknowns follow each other in time and a few are shared by all of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded
from scipy.sparse import csr_matrix

FloatArray = NDArray[np.float64]

BANDWIDTH = 8
"""Unknowns further apart than this are not coupled: three coordinates, up to the knot after the next."""
_FLOOR = 1e-6


class Bordered:
    """A symmetric matrix with banded unknowns in the middle and shared ones before (``head``) and after (``tail``).

    The banded ones are eliminated (Schur complement), which takes time in proportion to their number.
    """

    def __init__(self, information: csr_matrix, head: int, tail: int, damping: float = 0.0) -> None:
        size = information.shape[0]
        self._shared = np.concatenate([np.arange(head), np.arange(size - tail, size)])
        self._middle = np.arange(head, size - tail)
        columns = information[:, self._shared].toarray()
        corner = columns[self._shared]
        self._corner = corner + np.diag(damping * corner.diagonal())
        self._coupling = columns[self._middle]
        middle = information[head : size - tail, head : size - tail]
        self._bands = np.zeros((BANDWIDTH + 1, len(self._middle)))
        for offset in range(min(BANDWIDTH + 1, len(self._middle))):
            self._bands[offset, : len(self._middle) - offset] = middle.diagonal(-offset)
        self._bands[0] = self._bands[0] * (1 + damping) + _FLOOR
        self._solved = self._solve_middle(self._coupling)

    @property
    def schur(self) -> FloatArray:
        """The information (s, s) of the shared unknowns when the banded ones are free."""
        return np.asarray(self._corner - self._coupling.T @ self._solved)

    def solve(self, right: FloatArray) -> FloatArray:
        """Return the solution for a right-hand side (size,)."""
        middle = self._solve_middle(right[self._middle, None])[:, 0]
        shared = np.linalg.solve(self.schur, right[self._shared] - self._coupling.T @ middle)
        solution = np.empty(len(right))
        solution[self._shared] = shared
        solution[self._middle] = middle - self._solved @ shared
        return solution

    def _solve_middle(self, right: FloatArray) -> FloatArray:
        if not len(self._middle):
            return np.zeros_like(right)
        return np.asarray(solveh_banded(self._bands, right, lower=True, check_finite=False))
