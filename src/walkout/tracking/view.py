"""How one camera sees an upright shopper: predicted box edges and trunk keypoints with their derivatives.

All pixels here are ideal ones (lens distortion removed once per detection), so projection is the (3, 4) matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from walkout.geometry.camera import MIN_DEPTH, undistort_points
from walkout.perception.types import Detections, Keypoint
from walkout.store.model import Camera
from walkout.tracking import kernels
from walkout.tracking.parameters import TrackerParameters

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

ROWS = 12
"""Observed numbers per shopper: left, top, right, bottom of the box, then u, v of head, neck, hips and feet."""
BOX_ROWS = slice(0, 4)
_SIDES = np.arange(4)
TOP_ROWS = (1, 4, 5)
BOTTOM_ROWS = (3, 10, 11)
MIDDLE_ROWS = (6, 7, 8, 9)

AXIS_HEIGHTS = np.array([0.93, 0.84, 0.52, 0.04])
"""Heights of head, neck, hip centre and foot centre as fractions of the body's height (adult proportions)."""
_AXIS_LEFT = [Keypoint.HEAD, Keypoint.NECK, Keypoint.LEFT_HIP, Keypoint.LEFT_FOOT]
_AXIS_RIGHT = [Keypoint.HEAD, Keypoint.NECK, Keypoint.RIGHT_HIP, Keypoint.RIGHT_FOOT]
PROBE_HEIGHTS = np.array([0.06, 0.5, 0.92])
"""Heights of the points (feet, middle, head) that are asked for whether they can be seen, as fractions likewise."""
PROBES = len(PROBE_HEIGHTS)
_RING = 8
_RING_HEIGHTS = np.array([0.0, 0.8, 1.0])
_RING_RADII = np.array([0.8, 1.0, 0.45])
"""The silhouette: rings at the floor, the shoulders and the crown, radii as fractions of the body's radius."""
_RING_POINTS = 3 * _RING
_BODY_POINTS = _RING_POINTS + len(AXIS_HEIGHTS)


@dataclass(frozen=True)
class Prediction:
    """What a camera should see of t shoppers.

    ``rows`` (t, ROWS) pixels, ``jacobian`` (t, ROWS, 3) by x, y and height, ``scale`` (t,) pixels per metre at the
    body, ``depth`` (t,) metres, ``in_front`` (t,) whether the whole body lies before the camera; ``probes``
    (2, t, PROBES) u and v of the points of the axis at PROBE_HEIGHTS.
    """

    rows: FloatArray
    jacobian: FloatArray
    scale: FloatArray
    depth: FloatArray
    in_front: BoolArray
    probes: FloatArray

    def select(self, index: NDArray[np.intp]) -> Prediction:
        """Return what is predicted of some of the shoppers."""
        return Prediction(
            self.rows[index],
            self.jacobian[index],
            self.scale[index],
            self.depth[index],
            self.in_front[index],
            self.probes[:, index],
        )


@dataclass(frozen=True)
class Observations:
    """The d usable detections of one frame in ideal pixels.

    ``rows`` (d, ROWS) and ``variance`` (d, ROWS) in square pixels, infinite where a row is not observed; ``keypoints``
    (d, 12, 2) ideal pixels and ``confidence`` (d, 12), zero where unusable; ``height`` (d,) of the boxes in pixels;
    ``appearance`` (d, a) unit vectors.
    """

    stamp_ns: int
    rows: FloatArray
    variance: FloatArray
    keypoints: FloatArray
    confidence: FloatArray
    height: FloatArray
    boxes: FloatArray
    appearance: FloatArray

    def __len__(self) -> int:
        """Return the number of detections."""
        return len(self.rows)

    def select(self, index: NDArray[np.intp]) -> Observations:
        """Return some of the detections."""
        return Observations(
            self.stamp_ns,
            self.rows[index],
            self.variance[index],
            self.keypoints[index],
            self.confidence[index],
            self.height[index],
            self.boxes[index],
            self.appearance[index],
        )


class View:
    """One camera as the tracker uses it."""

    def __init__(self, camera: Camera, parameters: TrackerParameters) -> None:
        self.camera = camera
        self.parameters = parameters
        self.projection = np.array(camera.projection, dtype=np.float64, order="C")
        self.focal = float(np.sqrt(abs(np.linalg.det(camera.matrix[:2, :2]))))
        self.pixel_sd = parameters.pixel_noise * camera.width
        self._levels = np.concatenate([np.repeat(_RING_HEIGHTS, _RING), AXIS_HEIGHTS, PROBE_HEIGHTS])
        self._turn, self._shift = self._linear_map(parameters.body_radius)
        posture = np.zeros(ROWS)
        posture[4:6] = posture[10:12] = parameters.limb_noise
        posture[6:10] = parameters.trunk_noise
        self.posture = posture

    def project(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return ideal pixels (..., 2) and depths (...) of points (..., 3); depth is kept positive."""
        homogeneous = points @ self.projection[:, :3].T + self.projection[:, 3]
        depth = np.maximum(homogeneous[..., 2], MIN_DEPTH)
        return homogeneous[..., :2] / depth[..., None], depth

    def jacobian(self, pixels: FloatArray, depth: FloatArray) -> FloatArray:
        """Return the derivatives (..., 2, 3) of ideal pixels by the store position."""
        matrix = self.projection
        return np.asarray((matrix[:2, :3] - pixels[..., :, None] * matrix[2, :3]) / depth[..., None, None])

    def _linear_map(self, radius: float) -> tuple[FloatArray, FloatArray]:
        """Return the matrix (3, n) and the offset (n,) from x, y, height to the points of a body.

        The n numbers are the homogeneous coordinates u w, v w and w, each of all points: rings, axis, probes.
        """
        angle = np.arange(_RING) * (2 * np.pi / _RING)
        circle = np.column_stack([np.cos(angle), np.sin(angle)]) * radius
        offsets = np.zeros((len(self._levels), 2))
        offsets[:_RING_POINTS] = (circle[None] * _RING_RADII[:, None, None]).reshape(-1, 2)
        along = np.broadcast_to(self.projection[:, :2].T[..., None], (2, 3, len(offsets)))
        up = self.projection[:, 2, None] * self._levels
        shift = self.projection[:, :2] @ offsets.T + self.projection[:, 3, None]
        return np.concatenate([along, up[None]]).reshape(3, -1), shift.reshape(-1)

    def predict(self, bodies: FloatArray) -> Prediction:
        """Return what the camera sees of bodies (t, 3): x, y, height."""
        count, points = len(bodies), len(self._levels)
        rows, jacobian = np.empty((count, ROWS)), np.empty((count, ROWS, 3))
        pixels, depth = np.empty((count, 2, points)), np.empty((count, points))
        kernels.project_bodies(
            np.ascontiguousarray(bodies),
            self._turn,
            self._shift,
            self.projection,
            self._levels,
            _RING_POINTS,
            len(AXIS_HEIGHTS),
            rows,
            jacobian,
            pixels,
            depth,
            MIN_DEPTH,
        )
        middle = depth[:, _BODY_POINTS - 2]
        return Prediction(
            rows,
            jacobian,
            self.focal / middle,
            middle,
            np.asarray(depth[:, :_BODY_POINTS].min(axis=1) > 0.2),
            pixels[..., _BODY_POINTS:].swapaxes(0, 1),
        )

    def observe(self, detections: Detections) -> Observations:
        """Turn a frame's detections into observed rows; boxes that are not finite or too weak must be gone already."""
        p, camera = self.parameters, self.camera
        boxes = detections.boxes.astype(float)
        count = len(boxes)
        height = np.maximum(boxes[:, 3] - boxes[:, 1], 1.0)
        middles = np.empty((count, 4, 2))
        middles[:, :] = ((boxes[:, :2] + boxes[:, 2:]) / 2)[:, None]
        middles[:, _SIDES, _SIDES % 2] = boxes
        given = detections.keypoints.astype(float)
        if given.shape[1:] != (len(Keypoint), 3):
            given = np.zeros((count, len(Keypoint), 3))
        pixels = np.concatenate([middles, given[..., :2]], axis=1).reshape(-1, 2)
        ideal = undistort_points(camera, pixels).reshape(count, 4 + len(Keypoint), 2)
        sure = (given[..., 2] >= p.min_keypoint_confidence) & np.isfinite(ideal[:, 4:]).all(axis=2)
        confidence = np.where(sure, given[..., 2], 0.0)
        keypoints = np.where(confidence[..., None] > 0, ideal[:, 4:], 0.0)

        rows = np.empty((count, ROWS))
        variance = np.full((count, ROWS), np.inf)
        rows[:, BOX_ROWS] = ideal[:, _SIDES, _SIDES % 2]
        margin = p.border_margin * camera.width
        inside = boxes > margin
        inside[:, 2:] = boxes[:, 2:] < np.array([camera.width, camera.height]) - 1 - margin
        edge_sd = np.hypot(p.box_noise * height, self.pixel_sd)[:, None]
        variance[:, BOX_ROWS] = np.where(inside & np.isfinite(rows[:, BOX_ROWS]), edge_sd**2, np.inf)
        rows[:, 4:] = ((keypoints[:, _AXIS_LEFT] + keypoints[:, _AXIS_RIGHT]) / 2).reshape(count, ROWS - 4)
        least = np.minimum(confidence[:, _AXIS_LEFT], confidence[:, _AXIS_RIGHT])
        sd = self.pixel_sd / np.maximum(least, 1e-3)
        variance[:, 4:] = np.repeat(np.where(least > 0, sd**2, np.inf), 2, axis=1)
        rows[~np.isfinite(variance)] = 0.0
        return Observations(
            detections.stamp_ns,
            rows,
            variance,
            keypoints,
            confidence,
            height,
            boxes,
            detections.appearance.astype(float),
        )


def usable(detections: Detections, parameters: TrackerParameters) -> tuple[Detections | None, int]:
    """Return the detections that can be used and how many were malformed (not finite, empty boxes).

    Weak ones (score) and the weaker of two almost equal boxes are left out without being counted. A frame whose arrays
    do not fit together is no observation at all, not one of an empty room: None.
    """
    count = len(detections.scores)
    if len(detections.keypoints) != count or len(detections.appearance) != count or len(detections.boxes) != count:
        return None, max(count, 1)
    if count and detections.boxes.shape != (count, 4):
        return None, count
    if count == 0:
        return _take(detections, np.zeros(0, dtype=np.intp)), 0
    boxes = detections.boxes.astype(float)
    left, top, right, bottom = boxes.T
    good = np.isfinite(boxes).all(axis=1) & np.isfinite(detections.scores) & (right > left) & (bottom > top)
    malformed = count - int(np.count_nonzero(good))
    keep = np.flatnonzero(good & (detections.scores >= parameters.min_score))
    overlap = box_overlap(boxes[keep], boxes[keep]) > parameters.max_overlap_ratio
    if np.count_nonzero(overlap) > len(keep):  # somebody overlaps with more than himself
        keep = keep[_without_doubles(overlap, detections.scores[keep])]
    return _take(detections, keep), malformed


def _without_doubles(overlap: BoolArray, scores: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the indices, rising, of boxes (n,) that do not ``overlap`` (n, n) with a better one that stays."""
    order = np.argsort(-scores, kind="stable")
    gone: set[int] = set()
    for index, other in np.argwhere(np.triu(overlap[order[:, None], order], 1)).tolist():
        if index not in gone:
            gone.add(other)
    kept = [place for place in range(len(order)) if place not in gone]
    return np.asarray(np.sort(order[kept]), dtype=np.intp)


def box_overlap(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return the intersection over union (n, m) of boxes (n, 4) and (m, 4)."""
    left, top, right, bottom = first.T[..., None]
    width = np.minimum(right, second[:, 2]) - np.maximum(left, second[:, 0])
    height = np.minimum(bottom, second[:, 3]) - np.maximum(top, second[:, 1])
    shared = np.maximum(width, 0.0) * np.maximum(height, 0.0)
    areas = [np.maximum(b[:, 2] - b[:, 0], 0.0) * np.maximum(b[:, 3] - b[:, 1], 0.0) for b in (first, second)]
    return np.asarray(shared / np.maximum(areas[0][:, None] + areas[1] - shared, 1e-9))


def _take(detections: Detections, index: NDArray[np.intp]) -> Detections:
    if len(index) == 0:
        return Detections(
            detections.camera_id,
            detections.stamp_ns,
            np.zeros((0, 4), dtype=np.float32),
            np.zeros(0, dtype=np.float32),
            np.zeros((0, len(Keypoint), 3), dtype=np.float32),
            np.zeros((0, 0), dtype=np.float32),
        )
    if len(index) == len(detections.scores):
        return detections
    return Detections(
        detections.camera_id,
        detections.stamp_ns,
        detections.boxes[index],
        detections.scores[index],
        detections.keypoints[index],
        detections.appearance[index],
    )
