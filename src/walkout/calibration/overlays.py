"""Pictures that show a calibration: what was detected, where the calibrated camera projects it, the fixtures' edges."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from walkout.geometry.boards import BoardView
from walkout.geometry.camera import project
from walkout.geometry.intrinsics import Intrinsics
from walkout.geometry.markers import MarkerSet
from walkout.store.model import Camera, Fixture, Store

Image = NDArray[np.uint8]
FloatArray = NDArray[np.float64]

DETECTED, PROJECTED, FIXTURE, FLOOR, SIGHTING = (
    (80, 220, 80),
    (60, 60, 255),
    (255, 170, 40),
    (150, 150, 150),
    (0, 200, 255),
)
_SHIFT = 4


def intrinsics_picture(picture: Image, result: Intrinsics) -> Image:
    """Draw all corners of all views, with their residuals 20 times as long, over one of the pictures."""
    drawn = np.asarray(picture // 2 + 90, dtype=np.uint8)
    for view, residuals in zip(result.views, result.residuals, strict=True):
        for pixel, residual in zip(view.pixels, residuals, strict=True):
            _segments(drawn, np.array([pixel, pixel + 20 * residual])[None], PROJECTED, 1)
            cv2.circle(drawn, _fixed(pixel), 2 << _SHIFT, DETECTED, -1, cv2.LINE_AA, _SHIFT)
    text = f"{len(result.views)} views, {result.points} corners, rms {result.rms_px:.2f} px; residuals x20"
    return _titled(drawn, text)


def board_picture(picture: Image, view: BoardView, residuals: FloatArray) -> Image:
    """Draw the detected corners of one view and where the calibrated camera projects them."""
    drawn = picture.copy()
    _points(drawn, view.pixels, DETECTED, 4)
    _crosses(drawn, view.pixels + residuals, PROJECTED)
    return drawn


def extrinsics_picture(
    picture: Image | None,
    camera: Camera,
    store: Store,
    markers: MarkerSet | None,
    found: dict[int, FloatArray],
    sightings: FloatArray,
    residuals: FloatArray,
    title: str,
) -> Image:
    """Draw what a camera saw (markers, walkers) and where it is projected at its new pose, with the fixtures' edges."""
    drawn = np.full((camera.height, camera.width, 3), 60, np.uint8) if picture is None else picture.copy()
    draw_floor(drawn, camera, store.floor)
    for fixture in store.fixtures:
        draw_fixture(drawn, camera, fixture)
    for pixel, residual in zip(sightings, residuals, strict=True):
        _segments(drawn, np.array([pixel, pixel + residual])[None], SIGHTING, 1)
    for corners in found.values():
        cv2.polylines(drawn, [np.round(corners * 16).astype(np.int32)], True, DETECTED, 2, cv2.LINE_AA, _SHIFT)
    for marker_id in set(found) & set(markers.by_id if markers else ()):
        assert markers is not None
        pixels, _ = project(camera, markers.by_id[marker_id].corners)
        _crosses(drawn, pixels, PROJECTED)
        if np.isfinite(pixels).all():
            x, y = pixels.max(axis=0).astype(int) + 4
            cv2.putText(drawn, str(marker_id), (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.5, PROJECTED, 1, cv2.LINE_AA)
    return _titled(drawn, title)


def draw_fixture(image: Image, camera: Camera, fixture: Fixture, colour: tuple[int, int, int] = FIXTURE) -> None:
    """Draw the twelve edges of a fixture's box."""
    half = np.array([fixture.size[0] / 2, fixture.size[1] / 2, fixture.size[2]])
    unit = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (0, 1)], dtype=float)
    corners = (unit * half) @ fixture.pose.matrix[:3, :3].T + fixture.pose.matrix[:3, 3]
    pairs = [(i, j) for i in range(8) for j in range(i) if (unit[i] != unit[j]).sum() == 1]
    draw_lines(image, camera, np.array([[corners[i], corners[j]] for i, j in pairs]), colour)


def draw_floor(image: Image, camera: Camera, floor: tuple[float, float, float, float]) -> None:
    """Draw a grid of one metre on the floor."""
    x_min, y_min, x_max, y_max = floor
    x, y = np.arange(x_min, x_max + 1e-6), np.arange(y_min, y_max + 1e-6)
    lines = np.zeros((len(x) + len(y), 2, 3))
    lines[: len(x), :, 0], lines[: len(x), :, 1] = x[:, None], (y_min, y_max)
    lines[len(x) :, :, 0], lines[len(x) :, :, 1] = (x_min, x_max), y[:, None]
    draw_lines(image, camera, lines, FLOOR)


def draw_lines(image: Image, camera: Camera, ends: FloatArray, colour: tuple[int, int, int]) -> None:
    """Draw lines (n, 2, 3) of the store, bent as the lens bends them; what no lens shows is left out."""
    share = np.linspace(0, 1, 25)[None, :, None]
    points = ends[:, :1] * (1 - share) + ends[:, 1:] * share
    pixels = project(camera, points.reshape(-1, 3))[0].reshape(len(ends), 25, 2)
    _segments(image, np.stack([pixels[:, :-1], pixels[:, 1:]], axis=2).reshape(-1, 2, 2), colour, 1)


def _segments(image: Image, segments: FloatArray, colour: tuple[int, int, int], width: int) -> None:
    limit = 4 * max(image.shape)
    good = np.isfinite(segments).all(axis=(1, 2)) & (np.abs(np.nan_to_num(segments)) < limit).all(axis=(1, 2))
    lines = np.round(segments[good] * (1 << _SHIFT)).astype(np.int32)
    cv2.polylines(image, list(lines), False, colour, width, cv2.LINE_AA, _SHIFT)


def _points(image: Image, pixels: FloatArray, colour: tuple[int, int, int], radius: int) -> None:
    for pixel in pixels[np.isfinite(pixels).all(axis=1)]:
        cv2.circle(image, _fixed(pixel), radius << _SHIFT, colour, 1, cv2.LINE_AA, _SHIFT)


def _crosses(image: Image, pixels: FloatArray, colour: tuple[int, int, int]) -> None:
    arms = np.array([[[-4.0, 0], [4, 0]], [[0, -4], [0, 4]]])
    _segments(image, (pixels[:, None, None] + arms).reshape(-1, 2, 2), colour, 1)


def _fixed(pixel: FloatArray) -> Sequence[int]:
    return [round(float(v) * (1 << _SHIFT)) for v in pixel]


def _titled(image: Image, text: str) -> Image:
    cv2.rectangle(image, (0, 0), (image.shape[1], 20), (30, 30, 30), -1)
    cv2.putText(image, text, (6, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (240, 240, 240), 1, cv2.LINE_AA)
    return image
