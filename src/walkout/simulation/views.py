"""Cameras as the renderer sees them: clip matrices, pixel rectangles of things, and lens distortion by remapping."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from walkout.geometry.camera import undistort_points
from walkout.store.model import Camera

FloatArray = NDArray[np.float64]

NEAR, FAR = 0.08, 40.0

Rectangle = tuple[int, int, int, int]
"""Pixels x0, y0, x1, y1; x1 and y1 are outside."""


def clip_matrix(camera: Camera) -> FloatArray:
    """Return the (4, 4) matrix from store metres to OpenGL clip space of a camera without distortion.

    The picture's first row is the framebuffer's first row (OpenGL's bottom), so that reading needs no flip; the
    centre of pixel (0, 0) is at window (0.5, 0.5).
    """
    width, height = camera.width, camera.height
    matrix = camera.matrix
    lens = np.zeros((4, 4))
    lens[0, :3] = 2 * matrix[0] / width
    lens[0, 2] += 1 / width - 1
    lens[1, :3] = 2 * matrix[1] / height
    lens[1, 2] += 1 / height - 1
    lens[2, 2], lens[2, 3] = (FAR + NEAR) / (FAR - NEAR), -2 * FAR * NEAR / (FAR - NEAR)
    lens[3, 2] = 1.0
    pose = np.eye(4)
    pose[:3, :3] = camera.rotation.T
    pose[:3, 3] = -camera.rotation.T @ camera.position
    return lens @ pose


def light_view(floor: tuple[float, float, float, float], direction: FloatArray) -> FloatArray:
    """Return the orthographic view (4, 4) along the key light that holds everything up to a person's height."""
    helper = np.array([1.0, 0.0, 0.0]) if abs(direction[0]) < 0.7 else np.array([0.0, 1.0, 0.0])
    right = np.cross(helper, direction)
    right /= np.linalg.norm(right)
    up = np.cross(direction, right)
    axes = np.stack([right, up, -direction])
    x0, y0, x1, y1 = floor
    corners = np.array([(x, y, z) for x in (x0, x1) for y in (y0, y1) for z in (0.0, 2.2)]) @ axes.T
    low, high = corners.min(axis=0), corners.max(axis=0)
    view = np.eye(4)
    scale = 2 / (high - low)
    view[:3, :3] = axes * scale[:, None]
    view[:3, 3] = -1 - low * scale
    return view


def window_to_clip(camera: Camera) -> FloatArray:
    """Return the (4, 4) matrix from window coordinates (x, y, depth 0..1) to clip coordinates with w = 1."""
    matrix = np.diag([2 / camera.width, 2 / camera.height, 2.0, 1.0])
    matrix[:3, 3] = -1.0
    return matrix


def metric_depth(depth: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return metres along the optical axis for depth buffer values 0..1; infinity where nothing was drawn."""
    with np.errstate(divide="ignore"):
        metres = (NEAR * FAR) / (FAR - depth * np.float32(FAR - NEAR))
    return np.where(depth >= 1.0, np.float32(np.inf), metres).astype(np.float32)


def homogeneous(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return points (n, 3) as columns (4, n) for ``windowed``: rows that lie together are several times as fast."""
    result = np.ones((4, len(points)), np.float32)
    result[:3] = points.T
    return result


def windowed(camera: Camera, matrix: FloatArray, points: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Return window coordinates (2, n) of homogeneous points (4, n); None when some are beside or behind the lens.

    An empty array means that no point is before the lens.
    """
    x, y, depth = matrix[[0, 1, 3]].astype(np.float32) @ points
    if depth.max(initial=0.0) <= NEAR:
        return np.zeros((2, 0), np.float32)
    if depth.min() <= NEAR:
        return None
    window = np.empty((2, len(x)), np.float32)
    window[0] = (x / depth + np.float32(1)) * np.float32(camera.width / 2)
    window[1] = (y / depth + np.float32(1)) * np.float32(camera.height / 2)
    return window


def rectangle_of(camera: Camera, window: NDArray[np.float32] | None, margin: int = 2) -> Rectangle | None:
    """Return the pixels that window coordinates cover: None without any, the whole picture if they are unknown."""
    if window is None:
        return (0, 0, camera.width, camera.height)
    if not window.size:
        return None
    (x0, y0), (x1, y1) = window.min(axis=1).tolist(), window.max(axis=1).tolist()
    low = int(x0) - 1 - margin, int(y0) - 1 - margin
    return cropped((*low, int(x1) + 1 + margin, int(y1) + 1 + margin), camera)


def hull_triangles(camera: Camera, window: NDArray[np.float32] | None, margin: float) -> NDArray[np.float32]:
    """Return triangles (n, 2) in clip coordinates that cover the convex hull of window coordinates."""
    if window is None:
        return np.array([[-1, -1], [3, -1], [-1, 3]], dtype=np.float32)
    if not window.size:
        return np.zeros((0, 2), np.float32)
    hull = cv2.convexHull(np.ascontiguousarray(window.T))[:, 0]
    centre = hull.mean(axis=0)
    away = hull - centre
    hull = hull + away * (margin / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1.0)).astype(np.float32)
    corners = hull / np.array([camera.width / 2, camera.height / 2], np.float32) - np.float32(1)
    count = len(corners)
    fan = np.stack([np.zeros(count - 2, int), np.arange(1, count - 1), np.arange(2, count)], axis=1)
    return np.asarray(corners[fan.ravel()], dtype=np.float32)


def cropped(rectangle: Rectangle, camera: Camera) -> Rectangle | None:
    """Return the part of a rectangle inside the picture, None if there is none."""
    x0, y0, x1, y1 = rectangle
    x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1, camera.width), min(y1, camera.height)
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def merged(rectangles: list[Rectangle]) -> list[Rectangle]:
    """Return rectangles that do not overlap and cover all given ones."""
    result: list[Rectangle] = []
    for rectangle in rectangles:
        current = rectangle
        overlapping = [other for other in result if _overlap(current, other)]
        while overlapping:
            for other in overlapping:
                result.remove(other)
                current = _union(current, other)
            overlapping = [other for other in result if _overlap(current, other)]
        result.append(current)
    return result


def bounding(rectangles: list[Rectangle]) -> Rectangle:
    """Return the rectangle around all given ones."""
    x0, y0, x1, y1 = zip(*rectangles, strict=True)
    return (min(x0), min(y0), max(x1), max(y1))


def _overlap(a: Rectangle, b: Rectangle) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _union(a: Rectangle, b: Rectangle) -> Rectangle:
    return (min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3]))


def resized(camera: Camera, width: int, height: int) -> Camera:
    """Return the same camera with another resolution, as a device's main and sub streams see one scene.

    Pixel edges scale, so the centre of pixel (0, 0) stays at (0, 0) of the new grid's own pixels.
    """
    scale = np.diag([width / camera.width, height / camera.height, 1.0])
    matrix = camera.matrix.copy()
    matrix[0, 2] += 0.5
    matrix[1, 2] += 0.5
    matrix = scale @ matrix
    matrix[0, 2] -= 0.5
    matrix[1, 2] -= 0.5
    return dataclasses.replace(camera, width=width, height=height, matrix=matrix)


@dataclass(frozen=True)
class LensMap:
    """How a distorted picture is taken out of an ideal one: the ideal camera and the source pixel of each pixel."""

    ideal: Camera
    map_x: NDArray[np.float32]
    map_y: NDArray[np.float32]

    def image(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the distorted picture."""
        return np.asarray(cv2.remap(picture, self.map_x, self.map_y, cv2.INTER_LINEAR), dtype=np.uint8)

    def exact(self, values: NDArray[Any], outside: float) -> NDArray[Any]:
        """Return distorted ids or depths, which must not be mixed."""
        mapped: NDArray[Any] = cv2.remap(
            values, self.map_x, self.map_y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=outside
        )
        return mapped


def lens_map(camera: Camera, limit: float = 2.5) -> LensMap:
    """Return the remapping of a camera with distortion; the ideal picture is at most ``limit`` times as large."""
    columns, rows = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
    ideal = undistort_points(camera, np.stack([columns.ravel(), rows.ravel()], axis=1).astype(float))
    centre = camera.matrix[:2, 2]
    reach = limit * np.array([camera.width, camera.height]) / 2
    low = np.floor(np.maximum(np.nanmin(ideal, axis=0), centre - reach)) - 1
    high = np.ceil(np.minimum(np.nanmax(ideal, axis=0), centre + reach)) + 1
    matrix = camera.matrix.copy()
    matrix[:2, 2] -= low
    width, height = (high - low + 1).astype(int).tolist()
    wide = dataclasses.replace(camera, width=width, height=height, matrix=matrix, distortion=np.zeros(5))
    source = np.nan_to_num(ideal - low, nan=-10.0).astype(np.float32).reshape(camera.height, camera.width, 2)
    return LensMap(wide, np.ascontiguousarray(source[..., 0]), np.ascontiguousarray(source[..., 1]))
