"""Which parts of which shopper a camera can see: image borders, fixtures and nearer shoppers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from walkout.store.model import Fixture, FixtureType
from walkout.tracking.view import (
    BOTTOM_ROWS,
    MIDDLE_ROWS,
    PROBE_HEIGHTS,
    PROBES,
    ROWS,
    TOP_ROWS,
    Prediction,
    View,
)

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_ROWS_OF_POINT = (np.array(BOTTOM_ROWS), np.array(MIDDLE_ROWS), np.array(TOP_ROWS))
_HIDING_DEPTH_M = 0.25
_SHRINK = 0.7


class Occluders:
    """The fixtures as upright boxes that hide what stands behind them. Gates are low and open: they hide nothing."""

    def __init__(self, fixtures: Sequence[Fixture]) -> None:
        solid = [f for f in fixtures if f.type is not FixtureType.GATE and min(f.size) > 0]
        self._inverse = np.array([np.linalg.inv(f.pose.matrix) for f in solid]).reshape(-1, 4, 4)
        half = np.array([(f.size[0] / 2, f.size[1] / 2, f.size[2]) for f in solid]).reshape(-1, 3)
        self._low = half * (-1, -1, 0)
        self._high = half

    def hidden(self, origin: FloatArray, points: FloatArray) -> BoolArray:
        """Return which points (n, 3) a fixture hides from the camera at origin (3,): the slab test of each segment."""
        if not len(self._inverse) or not len(points):
            return np.zeros(len(points), dtype=np.bool_)
        start = self._inverse[:, :3, :3] @ origin + self._inverse[:, :3, 3]
        ends = np.einsum("fij,nj->fni", self._inverse[:, :3, :3], points) + self._inverse[:, None, :3, 3]
        direction = ends - start[:, None]
        direction = np.where(np.abs(direction) < 1e-9, 1e-9, direction)
        first = (self._low[:, None] - start[:, None]) / direction
        second = (self._high[:, None] - start[:, None]) / direction
        enter = np.minimum(first, second).max(axis=2)
        leave = np.maximum(first, second).min(axis=2)
        return np.asarray(((enter < leave) & (enter < 0.97) & (leave > 0)).any(axis=0))

    def way_out(self, places: FloatArray) -> FloatArray:
        """Return the shortest moves (n, 2) that take places on the floor (n, 2) out of the fixtures; zero outside."""
        moves = np.zeros_like(places)
        if not len(self._inverse) or not len(places):
            return moves
        turn, shift = self._inverse[:, :2, :2], self._inverse[:, :2, 3]
        local = np.einsum("fij,nj->nfi", turn, places) + shift
        room = self._high[:, :2] - np.abs(local)
        for place, fixture in zip(*np.nonzero((room > 0).all(axis=2)), strict=True):
            axis = int(room[place, fixture].argmin())
            step = np.zeros(2)
            step[axis] = np.copysign(room[place, fixture, axis], local[place, fixture, axis])
            moves[place] = turn[fixture].T @ step
        return moves


class Visibility:
    """What a camera can see of t shoppers.

    ``points`` (t, POINTS) feet, middle, head and the ``fraction`` (t,) of them; ``rows`` (t, ROWS) usable rows;
    ``covered`` (t,) the share of the points before the camera, and not behind fixtures, that nearer shoppers cover;
    ``whole`` (t,) whether all points are.
    """

    POINTS = PROBES

    def __init__(self, view: View, bodies: FloatArray, prediction: Prediction, occluders: Occluders) -> None:
        count = len(bodies)
        u, v = prediction.probes
        inside = (u >= 0) & (u <= view.camera.width - 1) & (v >= 0) & (v <= view.camera.height - 1)
        points = np.empty((count, PROBES, 3))
        points[..., :2] = bodies[:, None, :2]
        points[..., 2] = bodies[:, 2, None] * PROBE_HEIGHTS
        fixed = occluders.hidden(view.camera.position, points.reshape(-1, 3)).reshape(count, PROBES)
        behind = _hidden_by_people(prediction)
        self.points = inside & ~(fixed | behind) & prediction.in_front[:, None]
        self.fraction: FloatArray = self.points.sum(axis=1) / PROBES
        free = inside & prediction.in_front[:, None] & ~fixed
        self.covered = (free & behind).sum(axis=1) / np.maximum(free.sum(axis=1), 1)
        self.whole = free.all(axis=1)
        self.rows = np.repeat(prediction.in_front[:, None], ROWS, axis=1)
        for place, rows in enumerate(_ROWS_OF_POINT):
            # Only fixtures switch rows off for good: a nearer shopper's place is itself uncertain, and a box that is
            # really cut by him is caught by the robust loss.
            self.rows[:, rows] &= ~fixed[:, place, None]


def _hidden_by_people(prediction: Prediction) -> BoolArray:
    """Return which points (t, PROBES) lie behind the predicted box of a nearer shopper."""
    left, top, right, bottom = prediction.rows[:, :4].T
    centre, half = (left + right) / 2, (right - left) / 2 * _SHRINK
    u, v = prediction.probes[..., None]
    covered = (u > centre - half) & (u < centre + half) & (v > top) & (v < bottom)
    nearer = prediction.depth < prediction.depth[:, None] - _HIDING_DEPTH_M
    return np.asarray((covered & (nearer & prediction.in_front)[:, None]).any(axis=2))
