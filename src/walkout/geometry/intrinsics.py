"""Intrinsics and lens distortion of a camera from views of a ChArUco board.

Zhang's method (A flexible new technique for camera calibration, PAMI 2000) as OpenCV refines it, with plumb_bob
distortion. Views that disagree with the others are left out; k3 stays zero unless the views tell it apart from zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from walkout.geometry.boards import Board, BoardView, CalibrationError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class IntrinsicsParameters:
    """What is demanded of the views. Residuals in pixels, standard deviations relative to the focal length."""

    min_views: int = 6
    max_rms_px: float = 2.0
    max_focal_sd: float = 0.01
    min_tilt_deg: float = 15.0
    outlier_ratio: float = 3.0
    k3_significance: float = 4.0


@dataclass(frozen=True)
class Intrinsics:
    """A calibration: ``matrix`` (3, 3), ``distortion`` (5,) k1, k2, p1, p2, k3, with standard deviations.

    ``views`` were used, ``residuals`` has (n, 2) pixels (projected - detected) for each of them, ``left_out`` names
    the views that disagreed. ``coverage`` is the share of an 8 x 6 raster of the picture in which corners were seen.
    """

    matrix: FloatArray
    distortion: FloatArray
    matrix_sd: FloatArray
    distortion_sd: FloatArray
    views: tuple[BoardView, ...] = field(repr=False)
    residuals: tuple[FloatArray, ...] = field(repr=False)
    left_out: tuple[str, ...]
    coverage: float

    @property
    def rms_px(self) -> float:
        """Root mean square distance of projected and detected corners in pixels."""
        return float(np.sqrt((np.concatenate(self.residuals) ** 2).sum(axis=1).mean()))

    @property
    def p95_px(self) -> float:
        """The distance that 95 % of the corners keep, in pixels."""
        return float(np.percentile(np.linalg.norm(np.concatenate(self.residuals), axis=1), 95))

    @property
    def points(self) -> int:
        """How many corners were used."""
        return sum(len(view.ids) for view in self.views)


def calibrate_intrinsics(
    board: Board,
    views: Sequence[BoardView],
    size: tuple[int, int],
    parameters: IntrinsicsParameters = IntrinsicsParameters(),
) -> Intrinsics:
    """Return the intrinsics of the camera that took these views; ``size`` is (width, height) in pixels.

    Raises:
        CalibrationError: too few views, views of one direction alone, or views that do not fit one lens.
    """
    p = parameters
    _check_enough(len(views), p)
    used, left_out = list(views), []
    fit = _fit(board, used, size, free_k3=True)
    while True:
        rms = np.array([np.sqrt((r**2).sum(axis=1).mean()) for r in fit.residuals])
        worst = int(rms.argmax())
        if rms[worst] <= max(p.outlier_ratio * float(np.median(rms)), 0.5):
            break
        left_out.append(used.pop(worst).name)
        _check_enough(len(used), p)
        fit = _fit(board, used, size, free_k3=True)
    if abs(fit.distortion[4]) < p.k3_significance * fit.distortion_sd[4]:
        fit = _fit(board, used, size, free_k3=False)
    _check_tilt(fit.normals, p)
    result = Intrinsics(*fit.parts(), tuple(used), fit.residuals, tuple(left_out), _coverage(used, size))
    _check_sound(result, p)
    return result


@dataclass(frozen=True)
class _Fit:
    matrix: FloatArray
    distortion: FloatArray
    matrix_sd: FloatArray
    distortion_sd: FloatArray
    residuals: tuple[FloatArray, ...]
    normals: FloatArray

    def parts(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        return self.matrix, self.distortion, self.matrix_sd, self.distortion_sd


def _fit(board: Board, views: Sequence[BoardView], size: tuple[int, int], *, free_k3: bool) -> _Fit:
    corners = board.corners
    objects = [corners[view.ids].astype(np.float32) for view in views]
    pixels = [view.pixels.astype(np.float32)[:, None] for view in views]
    flags = 0 if free_k3 else cv2.CALIB_FIX_K3
    start = np.zeros((5, 1))
    try:
        _, matrix, lens, turns, moves, spread, _, _ = cv2.calibrateCameraExtended(
            objects, pixels, size, np.eye(3), start, flags=flags
        )
    except cv2.error as error:
        raise CalibrationError(
            "the views of the board do not fix a camera; hold the board at several angles and distances"
        ) from error
    distortion = np.asarray(lens, dtype=np.float64).ravel()[:5]
    sd: FloatArray = np.asarray(spread, dtype=np.float64).ravel()
    residuals = [
        cv2.projectPoints(o, turn, move, matrix, distortion)[0][:, 0] - view.pixels
        for o, turn, move, view in zip(objects, turns, moves, views, strict=True)
    ]
    normals = np.array([cv2.Rodrigues(turn)[0][:, 2] for turn in turns])
    return _Fit(np.asarray(matrix, dtype=np.float64), distortion, sd[:4], sd[4:9], tuple(residuals), normals)


def _check_enough(count: int, p: IntrinsicsParameters) -> None:
    if count < p.min_views:
        raise CalibrationError(
            f"only {count} usable view{'s' if count != 1 else ''} of the board, {p.min_views} are needed; "
            "show the whole board in more pictures, at several angles, also near the picture's corners"
        )


def _check_tilt(normals: FloatArray, p: IntrinsicsParameters) -> None:
    """Boards that are all parallel say nothing of the focal length but through the lens's distortion."""
    widest = float(np.degrees(np.arccos((normals @ normals.T).clip(-1, 1).min())))
    if widest < p.min_tilt_deg:
        raise CalibrationError(
            f"the board is held alike in all views (directions differ by {widest:.0f} degrees); tilt the board by 20 "
            "to 45 degrees to all sides"
        )


def _check_sound(result: Intrinsics, p: IntrinsicsParameters) -> None:
    focal = (result.matrix[0, 0] + result.matrix[1, 1]) / 2
    relative = float(result.matrix_sd[:2].max() / focal)
    if not np.isfinite(result.matrix_sd).all() or relative > p.max_focal_sd:
        raise CalibrationError(
            f"the views leave the focal length open (sd {100 * relative:.1f} %); tilt the board more "
            "and bring it nearer"
        )
    if result.rms_px > p.max_rms_px:
        raise CalibrationError(
            f"the views do not fit one lens (residual {result.rms_px:.1f} px rms); check that --columns, --rows and "
            "--dictionary are those of the printed board, that it is flat, and that focus and zoom stay as they are"
        )


def _coverage(views: Sequence[BoardView], size: tuple[int, int]) -> float:
    """Return the share of an 8 x 6 raster of the picture in which corners were seen."""
    pixels = np.concatenate([view.pixels for view in views])
    cells = np.floor((pixels + 0.5) / np.array(size) * (8, 6)).astype(int).clip(0, (7, 5))
    return len({(int(x), int(y)) for x, y in cells}) / 48
