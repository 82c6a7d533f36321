"""Projection, rays and triangulation with calibrated cameras: arrays in, arrays out.

Lens model: OpenCV's plumb_bob (k1, k2, p1, p2, k3), which is also what ROS writes into CameraInfo. Points are store
metres, pixels have (0, 0) in the centre of the top-left pixel, depth is along the optical axis in metres.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from walkout.store.model import Camera

FloatArray = NDArray[np.float64]

MIN_DEPTH = 0.01
"""Points nearer than this to the plane of the lens (or behind it) have no pixel."""

_UNDISTORT_CRITERIA = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-12)


def intrinsics_from_fov(width: int, height: int, horizontal_fov: float) -> FloatArray:
    """Return the (3, 3) intrinsic matrix of a camera with square pixels, centred; the field of view is in radians."""
    focal = width / 2 / np.tan(horizontal_fov / 2)
    return np.array([[focal, 0.0, (width - 1) / 2], [0.0, focal, (height - 1) / 2], [0.0, 0.0, 1.0]])


def project(camera: Camera, points: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return where the lens images points (n, 3): pixels (n, 2) with distortion, and depths (n,).

    Pixels are NaN for points behind the camera and for points so far outside that the distortion polynomial would fold
    them back into the picture. Pixels outside the image are returned as they are: see ``in_image``.
    """
    local = (np.atleast_2d(np.asarray(points, dtype=float)) - camera.position) @ camera.rotation
    depth = local[:, 2]
    normalised = np.full((len(local), 2), np.nan)
    front = depth > MIN_DEPTH
    normalised[front] = local[front, :2] / depth[front, None]
    distorted = _distort(camera, normalised)
    return distorted @ camera.matrix[:2, :2].T + camera.matrix[:2, 2], depth


def in_image(camera: Camera, pixels: ArrayLike, margin: float = 0.0) -> NDArray[np.bool_]:
    """Return which pixels (n, 2) lie in the image and at least ``margin`` pixels from its border; NaN lies outside."""
    given = np.atleast_2d(np.asarray(pixels, dtype=float))
    upper = np.array([camera.width - 0.5 - margin, camera.height - 0.5 - margin])
    return np.asarray(((given >= margin - 0.5) & (given <= upper)).all(axis=1), dtype=np.bool_)


def undistort_points(camera: Camera, pixels: ArrayLike) -> FloatArray:
    """Return the pixels (n, 2) that a lens without distortion and with the same intrinsic matrix would give."""
    given = np.atleast_2d(np.asarray(pixels, dtype=float))
    if not camera.distortion.any() or not len(given):
        return given.copy()
    ideal = np.full_like(given, np.nan)
    known = np.isfinite(given).all(axis=1)
    if known.any():
        ideal[known] = cv2.undistortPointsIter(
            given[known, None, :], camera.matrix, camera.distortion, np.eye(3), camera.matrix, _UNDISTORT_CRITERIA
        )[:, 0, :]
    return ideal


def unproject_ray(camera: Camera, pixels: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return the rays of pixels (n, 2): the common origin (3,) and unit directions (n, 3) in the store frame."""
    ideal = undistort_points(camera, pixels)
    return camera.position.copy(), _directions(camera, ideal)


def intersect_plane(camera: Camera, pixels: ArrayLike, height: float) -> FloatArray:
    """Return where the rays of pixels (n, 2) meet the horizontal plane z = height: (n, 3), NaN where they do not."""
    origin, directions = unproject_ray(camera, pixels)
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = (height - origin[2]) / directions[:, 2]
        distance[~(distance > 0) | ~np.isfinite(distance)] = np.nan
        points: FloatArray = origin + distance[:, None] * directions
    return points


def triangulate_weighted(
    cameras: Sequence[Camera], pixels: ArrayLike, sd_px: ArrayLike = 1.0, iterations: int = 5
) -> tuple[FloatArray, FloatArray]:
    """Return the points that several cameras see, with their covariances.

    Starts where the weighted rays come closest and minimises the weighted reprojection error by Gauss-Newton steps.

    Args:
        cameras: the v views.
        pixels: (v, n, 2) pixels of n points, as the lens gives them; NaN where a view does not see a point.
        sd_px: standard deviation of the pixels per axis, broadcast to (v, n).
        iterations: Gauss-Newton steps.

    Returns:
        Points (n, 3) in store metres and covariances (n, 3, 3); NaN for points with fewer than two views or whose rays
        are parallel.
    """
    ideal = np.stack([undistort_points(c, p) for c, p in zip(cameras, np.asarray(pixels, dtype=float), strict=True)])
    sd = np.broadcast_to(np.asarray(sd_px, dtype=float), ideal.shape[:2])
    seen = np.isfinite(ideal).all(axis=2) & (sd > 0) & np.isfinite(sd)
    weights = np.where(seen, 1 / np.where(seen, sd, 1.0) ** 2, 0.0)
    ideal = np.where(seen[..., None], ideal, 0.0)
    points = _closest_to_rays(cameras, ideal, weights)
    enough = (seen.sum(axis=0) >= 2) & np.isfinite(points).all(axis=1)
    information: FloatArray = np.zeros((ideal.shape[1], 3, 3))
    for _ in range(iterations):
        guess = np.where(enough[:, None], points, 0.0)
        information, gradient = _reprojection_normal_equations(cameras, ideal, weights, guess)
        enough &= _well_conditioned(information)
        step = np.linalg.solve(np.where(enough[:, None, None], information, np.eye(3)), gradient[..., None])[..., 0]
        points = np.where(enough[:, None], points + step, np.nan)
    covariance = np.linalg.inv(np.where(enough[:, None, None], information, np.eye(3)))
    return points, np.where(enough[:, None, None], covariance, np.nan)


def _distort(camera: Camera, normalised: FloatArray) -> FloatArray:
    """Apply plumb_bob to normalised image coordinates (n, 2)."""
    if not camera.distortion.any():
        return normalised
    k1, k2, p1, p2, k3 = (float(value) for value in camera.distortion)
    x, y = normalised[:, 0], normalised[:, 1]
    square = x * x + y * y
    radial = 1 + square * (k1 + square * (k2 + square * k3))
    bent = np.column_stack(
        [
            x * radial + 2 * p1 * x * y + p2 * (square + 2 * x * x),
            y * radial + p1 * (square + 2 * y * y) + 2 * p2 * x * y,
        ]
    )
    bent[square > _largest_square_radius(k1, k2, k3)] = np.nan
    return bent


@lru_cache(maxsize=64)
def _largest_square_radius(k1: float, k2: float, k3: float) -> float:
    """Return the squared radius up to which r (1 + k1 r^2 + k2 r^4 + k3 r^6) grows with r."""
    roots = np.roots([7 * k3, 5 * k2, 3 * k1, 1.0])
    real = roots[np.abs(roots.imag) < 1e-9].real
    return float(min(real[real > 0], default=np.inf))


def _directions(camera: Camera, ideal: FloatArray) -> FloatArray:
    """Return the unit directions (n, 3) in the store frame of undistorted pixels (n, 2)."""
    flat = (ideal - camera.matrix[:2, 2]) @ np.linalg.inv(camera.matrix[:2, :2]).T
    local = np.column_stack([flat, np.ones(len(flat))])
    directions: FloatArray = (local / np.linalg.norm(local, axis=1, keepdims=True)) @ camera.rotation.T
    return directions


def _closest_to_rays(cameras: Sequence[Camera], ideal: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the points (n, 3) with the least weighted squared distance to the rays of ideal pixels (v, n, 2)."""
    normal = np.zeros((ideal.shape[1], 3, 3))
    right = np.zeros((ideal.shape[1], 3))
    for camera, view, weight in zip(cameras, ideal, weights, strict=True):
        direction = _directions(camera, view)
        across = weight[:, None, None] * (np.eye(3) - direction[:, :, None] * direction[:, None, :])
        normal += across
        right += across @ camera.position
    solvable = _well_conditioned(normal)
    points = np.linalg.solve(np.where(solvable[:, None, None], normal, np.eye(3)), right[..., None])[..., 0]
    return np.where(solvable[:, None], points, np.nan)


def _reprojection_normal_equations(
    cameras: Sequence[Camera], ideal: FloatArray, weights: FloatArray, points: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the information (n, 3, 3) and the right-hand side (n, 3) of one Gauss-Newton step."""
    information = np.zeros((len(points), 3, 3))
    gradient = np.zeros((len(points), 3))
    for camera, view, weight in zip(cameras, ideal, weights, strict=True):
        homogeneous = points @ camera.projection[:, :3].T + camera.projection[:, 3]
        depth = np.where(homogeneous[:, 2] > MIN_DEPTH, homogeneous[:, 2], np.inf)
        predicted = homogeneous[:, :2] / depth[:, None]
        jacobian = (camera.projection[None, :2, :3] - predicted[:, :, None] * camera.projection[None, 2:, :3]) / depth[
            :, None, None
        ]
        weighted = jacobian * weight[:, None, None]
        information += np.einsum("nki,nkj->nij", weighted, jacobian)
        gradient += np.einsum("nki,nk->ni", weighted, view - predicted)
    return information, gradient


def _well_conditioned(matrices: FloatArray) -> NDArray[np.bool_]:
    """Return which of the symmetric (n, 3, 3) matrices can be inverted without losing all digits."""
    values = np.linalg.eigvalsh(matrices)
    return np.asarray(values[:, 0] > 1e-9 * np.maximum(values[:, 2], 1e-12), dtype=np.bool_)
