"""The pose of one calibrated camera from points whose places are known, with the ambiguity of flat targets seen."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from walkout.geometry.boards import CalibrationError
from walkout.geometry.camera import project
from walkout.store.model import Camera

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class PoseParameters:
    """When a pose counts as fixed: pixels, metres and degrees."""

    corner_sd_px: float = 0.5
    max_sd_m: float = 0.05
    max_sd_deg: float = 1.0
    max_rms_px: float = 5.0
    ambiguity_ratio: float = 2.0


@dataclass(frozen=True)
class LocatedCamera:
    """A camera with its new pose; standard deviations of position (metres) and direction (degrees)."""

    camera: Camera
    rms_px: float
    sd_m: float
    sd_deg: float


def locate_camera(
    camera: Camera,
    points: FloatArray,
    pixels: FloatArray,
    parameters: PoseParameters = PoseParameters(),
) -> LocatedCamera:
    """Return the camera at the pose from which it sees store points (n, 3) at pixels (n, 2).

    Points in one plane can have two poses (Schweighofer and Pinz, PAMI 2006); both are tried, and when the pixels do
    not tell them apart, the one near the camera's given pose is taken if just one is.

    Raises:
        CalibrationError: the points do not fix a pose, or do not fit any.
    """
    p = parameters
    name = f"camera {camera.camera_id}"
    if len(points) < 4:
        raise CalibrationError(f"{name}: sees {len(points)} known points, 4 are needed; put a marker into its view")
    poses = _candidates(camera, points, pixels)
    if not poses:
        raise CalibrationError(f"{name}: its markers fix no pose; put markers where it sees them larger and apart")
    best = poses[0]
    if best.rms_px > p.max_rms_px:
        raise CalibrationError(
            f"{name}: its markers do not fit their places ({best.rms_px:.1f} px rms); check ids, sizes and places in "
            "markers.yaml and the camera's intrinsics"
        )
    rivals = [q for q in poses[1:] if q.rms_px < p.ambiguity_ratio * max(best.rms_px, p.corner_sd_px)]
    rivals = [q for q in rivals if not _near(q.camera, best.camera, 2 * p.max_sd_m, 2 * p.max_sd_deg)]
    if rivals:
        close = [q for q in (best, *rivals) if _near(q.camera, camera, 0.3, 10.0)]
        if len(close) != 1:
            raise CalibrationError(
                f"{name}: its markers lie in one plane and fit two poses alike; add a marker that faces another way "
                "or lies apart from their plane"
            )
        best = close[0]
    if best.sd_m > p.max_sd_m or best.sd_deg > p.max_sd_deg:
        raise CalibrationError(
            f"{name}: its markers leave the pose open (sd {100 * best.sd_m:.1f} cm, {best.sd_deg:.2f} degrees); "
            "use larger markers, or more of them, spread over the picture"
        )
    return best


def moved(camera: Camera, position: FloatArray, rotation: FloatArray) -> Camera:
    """Return the camera at another pose."""
    return dataclasses.replace(camera, position=position, rotation=rotation)


def pose_difference(first: Camera, second: Camera) -> tuple[float, float]:
    """Return how far two poses are apart: metres and degrees."""
    turn = Rotation.from_matrix(first.rotation.T @ second.rotation).magnitude()
    return float(np.linalg.norm(first.position - second.position)), float(np.degrees(turn))


def _near(first: Camera, second: Camera, metres: float, degrees: float) -> bool:
    distance, angle = pose_difference(first, second)
    return distance <= metres and angle <= degrees


def _candidates(camera: Camera, points: FloatArray, pixels: FloatArray) -> list[LocatedCamera]:
    """Return the refined poses of all starts, the best first."""
    centred = points - points.mean(axis=0)
    spread = np.linalg.svd(centred, compute_uv=False)
    flat = bool(spread[2] < 1e-3 * spread[0])
    starts: list[tuple[FloatArray, FloatArray]] = []
    matrix, lens = camera.matrix, camera.distortion
    method = cv2.SOLVEPNP_IPPE if flat else cv2.SOLVEPNP_SQPNP
    try:
        _, turns, moves, _ = cv2.solvePnPGeneric(points, pixels, matrix, lens, flags=method)
        starts += [(np.asarray(t, dtype=float), np.asarray(m, dtype=float)) for t, m in zip(turns, moves, strict=True)]
    except cv2.error:
        return []
    turn = Rotation.from_matrix(camera.rotation.T).as_rotvec().reshape(3, 1)
    starts.append((turn, (-camera.rotation.T @ camera.position).reshape(3, 1)))
    found = []
    for start_turn, start_move in starts:
        turn, move = cv2.solvePnPRefineLM(points, pixels, matrix, lens, start_turn.copy(), start_move.copy())
        located = _located(camera, points, pixels, np.asarray(turn, float), np.asarray(move, float))
        if located is not None:
            found.append(located)
    return sorted(found, key=lambda q: q.rms_px)


def _located(
    camera: Camera, points: FloatArray, pixels: FloatArray, turn: FloatArray, move: FloatArray
) -> LocatedCamera | None:
    if not (np.isfinite(turn).all() and np.isfinite(move).all()):
        return None
    rotation = Rotation.from_rotvec(turn.ravel()).as_matrix().T
    placed = moved(camera, -rotation @ move.ravel(), rotation)
    error = project(placed, points)[0] - pixels
    if not np.isfinite(error).all():
        return None
    _, jacobian = cv2.projectPoints(points, turn, move, camera.matrix, camera.distortion)
    rms = float(np.sqrt((error**2).sum(axis=1).mean()))
    information = jacobian[:, :6].T @ jacobian[:, :6] / max(rms / np.sqrt(2), 0.5) ** 2
    if np.linalg.cond(information) > 1e14:
        return None
    covariance = np.linalg.inv(information)
    # The position is -R^T t: its spread is that of t and of the turn about the store's origin.
    lever = np.column_stack([_cross(move.ravel()), np.eye(3)])
    sd_m = float(np.sqrt(np.trace(lever @ covariance @ lever.T)))
    sd_deg = float(np.degrees(np.sqrt(np.trace(covariance[:3, :3]))))
    return LocatedCamera(placed, rms, sd_m, sd_deg)


def _cross(v: FloatArray) -> FloatArray:
    return np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
