"""Camera poses of a whole store refined together: known points (markers) and walking people seen by several cameras.

Bundle adjustment (Triggs et al., Bundle Adjustment: A Modern Synthesis, 2000) in which a point of a walker (head, neck,
hips, feet) is a path: positions at knots in time, straight in between, so that cameras need not be synchronised.
Pixels are ideal ones: the lens distortion is removed before.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack
from scipy.spatial.transform import Rotation

from walkout.geometry.boards import CalibrationError
from walkout.geometry.bordered import Bordered
from walkout.geometry.camera import MIN_DEPTH, triangulate_weighted, undistort_points
from walkout.geometry.path_knots import Knots
from walkout.geometry.pose_from_markers import moved, pose_difference
from walkout.store.model import Camera

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]

_MAX_STEPS = 40
_MAX_DAMPING = 1e6
_MAX_CONDITION = 1e14
_FAR_M = 25.0
_WALKING_SPEED = 1.5


@dataclass(frozen=True)
class BundleParameters:
    """How much each kind of evidence is trusted. Pixels, metres, degrees, seconds.

    Feet are ``floor_height`` above the floor on average, which is known to ``floor_height_sd``; each time and place
    strays from that by ``floor_sd``. Paths may bend (``acceleration_sd``) so much that nothing is gained by shrinking
    the store to straighten them.
    """

    marker_sd_px: float = 0.5
    prior_sd_m: float = 0.05
    prior_sd_deg: float = 2.0
    knot_s: float = 0.25
    gap_s: float = 1.0
    acceleration_sd: float = 8.0
    floor_height: float = 0.08
    floor_height_sd: float = 0.02
    floor_sd: float = 0.05
    robust_sigma: float = 2.0
    outlier_sigma: float = 5.0
    min_sightings: int = 60


@dataclass(frozen=True)
class KnownPoints:
    """Corners of markers that one camera sees: store ``points`` (n, 3) and ``pixels`` (n, 2) as the lens gives them."""

    camera: int
    points: FloatArray
    pixels: FloatArray


@dataclass(frozen=True)
class Sightings:
    """Points of walkers in pictures, one row each.

    ``camera`` (n,) index of the camera, ``path`` (n,) number of the walker's point (every walker has numbers of his
    own), ``stamp_s`` (n,) seconds, ``pixels`` (n, 2) as the lens gives them, ``sd_px`` (n,) their standard deviation;
    ``floor_paths`` are the numbers of those points that stay near the floor (feet).
    """

    camera: IntArray
    path: IntArray
    stamp_s: FloatArray
    pixels: FloatArray
    sd_px: FloatArray
    floor_paths: frozenset[int] = frozenset()

    def __len__(self) -> int:
        """Return the number of sightings."""
        return len(self.camera)

    def take(self, keep: BoolArray) -> Sightings:
        """Return some of the rows."""
        return Sightings(
            self.camera[keep],
            self.path[keep],
            self.stamp_s[keep],
            self.pixels[keep],
            self.sd_px[keep],
            self.floor_paths,
        )


@dataclass(frozen=True)
class CameraResult:
    """What the adjustment says of one camera: residuals (n, 2) in ideal pixels of both kinds and the pose's spread.

    ``walker_pixels`` (n, 2) are where the sightings are in the picture, ``moved`` is the change against the given pose.
    """

    camera: Camera
    marker_residuals: FloatArray = field(repr=False)
    walker_residuals: FloatArray = field(repr=False)
    walker_pixels: FloatArray = field(repr=False)
    outliers: int
    sd_m: float
    sd_deg: float
    moved_m: float
    moved_deg: float


def adjust(
    cameras: Sequence[Camera],
    known: Sequence[KnownPoints],
    sightings: Sightings,
    parameters: BundleParameters = BundleParameters(),
) -> list[CameraResult]:
    """Return all cameras at the poses that agree best with the known points and with each other.

    A camera with known points should come with the pose they give; one without keeps near its given pose
    (``prior_sd``), which with walkers alone is also what holds the store's frame.

    Raises:
        CalibrationError: a camera of which nothing is known, or poses that stay open.
    """
    p = parameters
    with_markers = {k.camera for k in known}
    usable = _seen_by_several(sightings, p)
    counts = np.bincount(usable.camera, minlength=len(cameras))
    for index, camera in enumerate(cameras):
        if index not in with_markers and counts[index] < p.min_sightings:
            raise CalibrationError(
                f"camera {camera.camera_id}: sees no marker and shares only {counts[index]} sightings of walkers with "
                f"other cameras, {p.min_sightings} are needed; put a marker into its view, let somebody walk there "
                "longer, or leave the camera out with --cameras"
            )
    problem = _Problem(cameras, known, usable, p)
    state = problem.solve(problem.start())
    kept = problem.inliers(state)
    outliers = np.bincount(usable.camera[~kept], minlength=len(cameras))
    if not kept.all():
        problem = _Problem(cameras, known, _seen_by_several(usable.take(kept), p), p)
        state = problem.solve(_State(state.rotations, state.positions, problem.start().knots, state.feet))
    return _results(problem, state, outliers)


def _results(problem: _Problem, state: _State, outliers: IntArray) -> list[CameraResult]:
    """Return what is to be told of every camera."""
    known, walkers = problem.pixel_residuals(state)
    spread = problem.pose_spread(state)
    results = []
    for index, camera in enumerate(problem.placed(state)):
        distance, angle = pose_difference(camera, problem.cameras[index])
        mine = problem.sightings.camera == index
        results.append(
            CameraResult(
                camera=camera,
                marker_residuals=known[problem.known_camera == index],
                walker_residuals=walkers[mine],
                walker_pixels=problem.sightings.pixels[mine],
                outliers=int(outliers[index]),
                sd_m=float(spread[index, 0]),
                sd_deg=float(spread[index, 1]),
                moved_m=distance,
                moved_deg=angle,
            )
        )
    return results


def _seen_by_several(sightings: Sightings, p: BundleParameters) -> Sightings:
    """Leave out sightings of points that no other camera sees within a knot's time: they say nothing about poses."""
    if not len(sightings):
        return sightings
    bins = np.floor(sightings.stamp_s / (2 * p.knot_s)).astype(np.int64)
    group = np.unique(np.column_stack([sightings.path, bins]), axis=0, return_inverse=True)[1].ravel()
    pairs = np.unique(np.column_stack([group, sightings.camera]), axis=0)
    views = np.bincount(pairs[:, 0])
    return sightings.take(np.asarray(views[group] >= 2, dtype=np.bool_))


@dataclass
class _State:
    """The unknowns: ``rotations`` (c, 3, 3) and ``positions`` (c, 3) of the cameras, ``knots`` (k, 3) of the paths.

    ``feet`` is how much higher than ``floor_height`` feet are on average, metres.
    """

    rotations: FloatArray
    positions: FloatArray
    knots: FloatArray
    feet: float = 0.0

    def stepped(self, step: FloatArray) -> _State:
        """Return the state after a step: per camera a turn in its own frame and a shift, then knots, then feet."""
        count = len(self.positions)
        change = step[: 6 * count].reshape(count, 6)
        turns = Rotation.from_rotvec(change[:, :3]).as_matrix()
        knots = self.knots + step[6 * count : -1].reshape(-1, 3)
        return _State(self.rotations @ turns, self.positions + change[:, 3:], knots, self.feet + float(step[-1]))


class _Problem:
    """The residuals of one adjustment and their derivatives."""

    def __init__(
        self, cameras: Sequence[Camera], known: Sequence[KnownPoints], sightings: Sightings, p: BundleParameters
    ) -> None:
        self.p, self.cameras, self.sightings = p, list(cameras), sightings
        self.knots = Knots(sightings.path, sightings.stamp_s, sightings.floor_paths, p.knot_s, p.gap_s)
        self.base = 6 * len(self.cameras)
        self.width = self.base + 3 * self.knots.count + 1
        self.matrices = np.stack([c.matrix for c in self.cameras])
        self.known_camera = np.concatenate([np.zeros(0, np.intp), *(np.full(len(k.points), k.camera) for k in known)])
        self.known_points = np.concatenate([np.zeros((0, 3)), *(k.points for k in known)])
        ideal = [undistort_points(self.cameras[k.camera], k.pixels) for k in known]
        self.known_pixels = np.concatenate([np.zeros((0, 2)), *ideal])
        self.pixels = np.zeros((len(sightings), 2))
        for index, camera in enumerate(self.cameras):
            rows = sightings.camera == index
            self.pixels[rows] = undistort_points(camera, sightings.pixels[rows])
        self.free = np.array(sorted(set(range(len(self.cameras))) - {k.camera for k in known}), dtype=np.intp)
        self._still = self._knot_matrix()

    def start(self) -> _State:
        """Return the given poses, the knots triangulated from them."""
        rotations = np.stack([c.rotation for c in self.cameras])
        positions = np.stack([c.position for c in self.cameras])
        knots = self._triangulated_knots() if self.knots.count else np.zeros((0, 3))
        return _State(rotations, positions, knots)

    def placed(self, state: _State) -> list[Camera]:
        """Return the cameras at their poses."""
        return [moved(c, x, r) for c, x, r in zip(self.cameras, state.positions, state.rotations, strict=True)]

    def solve(self, state: _State) -> _State:
        """Return the unknowns that fit best: Gauss-Newton steps, damped (Levenberg-Marquardt) and robust (Huber)."""
        damping, cost = 1e-4, self._cost(state)
        for _ in range(_MAX_STEPS):
            information, gradient = self._normal_equations(state)
            while True:
                proposed = state.stepped(Bordered(information, self.base, 1, damping).solve(-gradient))
                proposed_cost = self._cost(proposed)
                if proposed_cost <= cost or damping > _MAX_DAMPING:
                    break
                damping *= 8
            if proposed_cost > cost:
                break
            gain, state, cost, damping = cost - proposed_cost, proposed, proposed_cost, max(damping / 8, 1e-9)
            if gain < 1e-6 * cost:
                break
        return state

    def pixel_residuals(self, state: _State) -> tuple[FloatArray, FloatArray]:
        """Return projected minus observed pixels of the known points and of the sightings."""
        known = self._project(state, self.known_camera, self.known_points)[0] - self.known_pixels
        walkers = self._project(state, self.sightings.camera, self.knots.points(state.knots))[0] - self.pixels
        return known, walkers

    def inliers(self, state: _State) -> BoolArray:
        """Return which sightings agree with the others."""
        walkers = self.pixel_residuals(state)[1] / self.sightings.sd_px[:, None]
        return np.asarray(np.linalg.norm(walkers, axis=1) < self.p.outlier_sigma, dtype=np.bool_)

    def pose_spread(self, state: _State) -> FloatArray:
        """Return the standard deviations (cameras, 2) of positions (m) and directions (degrees)."""
        information, _ = self._normal_equations(state)
        shared = Bordered(information, self.base, 1).schur
        if np.linalg.cond(shared) > _MAX_CONDITION:
            raise CalibrationError(
                "what was seen leaves the cameras' poses open; add markers, or walk through more of the store"
            )
        variances = np.linalg.inv(shared).diagonal()[: self.base].reshape(-1, 6)
        return np.column_stack(
            [np.sqrt(variances[:, 3:].sum(axis=1)), np.degrees(np.sqrt(variances[:, :3].sum(axis=1)))]
        )

    def _triangulated_knots(self) -> FloatArray:
        """Return a first guess of the knots: what the cameras see within a knot of each, filled in along the paths."""
        nearest = self.knots.nearest
        pixels = np.full((len(self.cameras), self.knots.count, 2), np.nan)
        for camera in range(len(self.cameras)):
            rows = np.flatnonzero(self.sightings.camera == camera)
            pixels[camera, nearest[rows]] = self.pixels[rows]
        straight = [dataclasses.replace(c, distortion=np.zeros(5)) for c in self.cameras]  # the pixels are ideal ones
        points, covariance = triangulate_weighted(straight, pixels, 3.0)
        sd = np.sqrt(np.trace(covariance, axis1=1, axis2=2))
        middle = np.array([c.position for c in self.cameras]).mean(axis=0)
        good = (sd < 1.0) & (np.abs(points - middle) < _FAR_M).all(axis=1)
        if not good.any():
            raise CalibrationError(
                "the cameras' views of the walkers do not meet anywhere; correct positions and directions of the "
                "cameras in store.yaml to within half a metre and some degrees, or use markers"
            )
        index = np.arange(self.knots.count)
        return np.column_stack([np.interp(index, index[good], points[good, axis]) for axis in range(3)])

    def _project(
        self, state: _State, camera: IntArray, points: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return pixels (n, 2), their derivatives (n, 2, 3) by the point in the camera's frame, and that point."""
        local = np.einsum("nij,ni->nj", state.rotations[camera], points - state.positions[camera])
        depth = np.maximum(local[:, 2], MIN_DEPTH)
        flat = local[:, :2] / depth[:, None]
        matrix = self.matrices[camera][:, :2, :2]
        shape = np.zeros((len(local), 2, 3))
        shape[:, 0, 0] = shape[:, 1, 1] = 1.0
        shape[:, :, 2] = -flat
        pixels = np.einsum("nij,nj->ni", matrix, flat) + self.matrices[camera][:, :2, 2]
        return pixels, matrix @ shape / depth[:, None, None], local

    def _cost(self, state: _State) -> float:
        known, walkers = self._scaled(state)
        squares = np.concatenate([known.ravel(), walkers.ravel()]) ** 2
        limit = self.p.robust_sigma**2
        robust = np.where(squares > limit, 2 * np.sqrt(squares * limit) - limit, squares)
        rest = self._knot_residuals(state), self._prior(state)
        return float(robust.sum() + sum((r**2).sum() for r in rest))

    def _scaled(self, state: _State) -> tuple[FloatArray, FloatArray]:
        known, walkers = self.pixel_residuals(state)
        return known / self.p.marker_sd_px, walkers / self.sightings.sd_px[:, None]

    def _normal_equations(self, state: _State) -> tuple[csr_matrix, FloatArray]:
        """Return the information matrix and the gradient at a state, pixels weighted down beyond ``robust_sigma``."""
        known, walkers = (r.ravel() for r in self._scaled(state))
        prior, knots = self._prior(state), self._knot_residuals(state)
        jacobian = vstack([self._pixel_jacobian(state), self._still, self._prior_jacobian()]).tocsr()
        residuals = np.concatenate([known, walkers, knots, prior])
        weights = np.ones(len(residuals))
        robust = slice(0, len(known) + len(walkers))
        weights[robust] = self.p.robust_sigma / np.maximum(np.abs(residuals[robust]), self.p.robust_sigma)
        weighted = jacobian.multiply(weights[:, None]).tocsr()
        return (weighted.T @ jacobian).tocsr(), weighted.T @ residuals

    def _pixel_jacobian(self, state: _State) -> csr_matrix:
        """Return the derivatives of the scaled pixel residuals."""
        share = self.knots.share
        parts = (
            (self.known_camera, self.known_points, np.full(len(self.known_camera), self.p.marker_sd_px), False),
            (self.sightings.camera, self.knots.points(state.knots), self.sightings.sd_px, True),
        )
        blocks = []
        for camera, points, sd, moving in parts:
            _, by_local, local = self._project(state, camera, points)
            by_local = by_local / sd[:, None, None]
            by_point = by_local @ state.rotations[camera].transpose(0, 2, 1)
            values = [by_local @ _cross(local), -by_point]
            columns = [6 * camera[:, None] + np.arange(6)]
            if moving:
                values += [by_point * (1 - share)[:, None, None], by_point * share[:, None, None]]
                columns.append(self.base + 3 * self.knots.first[:, None] + np.arange(6))
            blocks.append(_rows(np.concatenate(values, axis=2), np.concatenate(columns, axis=1), self.width))
        return vstack(blocks)

    def _knot_residuals(self, state: _State) -> FloatArray:
        """Return bends, steps and heights above the floor in standard deviations."""
        residuals = self._still[:, self.base :] @ np.append(state.knots.ravel(), state.feet)
        residuals[-1 - len(self.knots.floor) : -1] -= self.p.floor_height / self.p.floor_sd
        return np.asarray(residuals)

    def _knot_matrix(self) -> csr_matrix:
        """Return the matrix whose product with the unknowns gives ``_knot_residuals``, but for the floor's height."""
        p, axes = self.p, np.arange(3)
        bend = np.array([1.0, -2.0, 1.0]) / (p.acceleration_sd * p.knot_s**2)
        step = np.array([-1.0, 1.0]) / (_WALKING_SPEED * p.knot_s)
        blocks = []
        for groups, weights in ((self.knots.triples, bend), (self.knots.pairs, step)):
            columns = (self.base + 3 * groups[:, None, :] + axes[None, :, None]).reshape(-1, len(weights))
            values = np.broadcast_to(weights, (len(columns), 1, len(weights)))
            blocks.append(_rows(values, columns, self.width))
        heights = self.base + 3 * self.knots.floor + 2
        floor = np.column_stack([heights, np.full(len(heights), self.width - 1)])
        against = np.broadcast_to(np.array([1.0, -1.0]) / p.floor_sd, (len(floor), 1, 2))
        blocks.append(_rows(against, floor, self.width))
        blocks.append(_rows(np.full((1, 1, 1), 1 / p.floor_height_sd), np.array([[self.width - 1]]), self.width))
        return vstack(blocks).tocsr()

    def _prior(self, state: _State) -> FloatArray:
        """Return how far cameras without known points are from their given poses, in standard deviations."""
        given = np.stack([c.rotation for c in self.cameras])[self.free]
        turned = Rotation.from_matrix(given.transpose(0, 2, 1) @ state.rotations[self.free]).as_rotvec()
        shifted = state.positions[self.free] - np.stack([c.position for c in self.cameras])[self.free]
        return np.concatenate([turned.ravel() / np.radians(self.p.prior_sd_deg), shifted.ravel() / self.p.prior_sd_m])

    def _prior_jacobian(self) -> csr_matrix:
        sds = (np.radians(self.p.prior_sd_deg), self.p.prior_sd_m)
        columns = [(6 * self.free[:, None] + 3 * part + np.arange(3)).reshape(-1, 1) for part in (0, 1)]
        return vstack(
            [_rows(np.full((len(c), 1, 1), 1 / sd), c, self.width) for c, sd in zip(columns, sds, strict=True)]
        )


def _rows(values: FloatArray, columns: IntArray, width: int) -> csr_matrix:
    """Return groups of rows (n, r, k) whose values stand in the columns (n, k) as one sparse matrix (n r, width)."""
    count, rows, across = values.shape
    spread = np.broadcast_to(columns[:, None, :], values.shape).ravel()
    starts = np.arange(count * rows + 1) * across
    return csr_matrix((np.ascontiguousarray(values).ravel(), spread, starts), shape=(count * rows, width))


def _cross(vectors: FloatArray) -> FloatArray:
    """Return the matrices (n, 3, 3) that multiply from the left as the cross product with vectors (n, 3)."""
    matrices = np.zeros((len(vectors), 3, 3))
    for row, column, axis in ((2, 1, 0), (0, 2, 1), (1, 0, 2)):
        matrices[:, row, column] = vectors[:, axis]
        matrices[:, column, row] = -vectors[:, axis]
    return matrices
