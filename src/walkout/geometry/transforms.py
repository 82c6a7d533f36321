"""Rotations and rigid transforms between frames, on scipy's ``Rotation``.

Quaternions are (x, y, z, w) as ROS writes them; angles are radians; a transform is a (4, 4) matrix that takes
homogeneous points of the child frame into the parent frame.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

FloatArray = NDArray[np.float64]

BODY_FROM_OPTICAL: FloatArray = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
"""Rotation that takes optical-frame vectors (x right, y down, z forward) into the body frame (x forward, z up)."""


def quaternion_from_matrix(rotation: ArrayLike) -> FloatArray:
    """Return the unit quaternion (x, y, z, w), w >= 0, of a (3, 3) rotation or of a (4, 4) transform."""
    matrix = np.asarray(rotation, dtype=float)[:3, :3]
    return np.asarray(Rotation.from_matrix(matrix).as_quat(canonical=True), dtype=float)


def matrix_from_quaternion(quaternion: ArrayLike) -> FloatArray:
    """Return the (3, 3) rotation of a quaternion (x, y, z, w), which need not be of unit length."""
    return np.asarray(Rotation.from_quat(quaternion).as_matrix(), dtype=float)


def rotation_from_rpy(roll: float, pitch: float, yaw: float) -> FloatArray:
    """Return the (3, 3) rotation of roll, pitch and yaw about the fixed x, y and z axes (REP 103)."""
    return np.asarray(Rotation.from_euler("xyz", [roll, pitch, yaw]).as_matrix(), dtype=float)


def transform(rotation: ArrayLike, translation: ArrayLike) -> FloatArray:
    """Return the (4, 4) transform with this (3, 3) rotation and (3,) translation."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = translation
    return matrix


def invert(matrix: ArrayLike) -> FloatArray:
    """Return the inverse of a rigid (4, 4) transform, without a general matrix inversion."""
    given = np.asarray(matrix, dtype=float)
    rotation = given[:3, :3].T
    return transform(rotation, -rotation @ given[:3, 3])


def apply(matrix: ArrayLike, points: ArrayLike) -> FloatArray:
    """Return points (..., 3) of the child frame in the parent frame of the (4, 4) transform."""
    given = np.asarray(matrix, dtype=float)
    return np.asarray(np.asarray(points, dtype=float) @ given[:3, :3].T + given[:3, 3], dtype=float)


def look_at(position: ArrayLike, target: ArrayLike) -> FloatArray:
    """Return the (3, 3) rotation of a camera's optical frame that looks from position at target, horizon level.

    The columns are the optical axes x (right), y (down) and z (forward) in the store frame. A camera that looks
    straight down or up has no horizon; its picture then has the store's x axis pointing right.

    Raises:
        ValueError: position and target are the same point.
    """
    forward = np.asarray(target, dtype=float) - np.asarray(position, dtype=float)
    distance = np.linalg.norm(forward)
    if distance < 1e-9:
        raise ValueError("the camera's position and the point it looks at are the same")
    forward = forward / distance
    right = np.cross(forward, [0.0, 0.0, 1.0])
    sine = np.linalg.norm(right)
    right = right / sine if sine > 1e-9 else np.array([1.0, 0.0, 0.0])
    return np.column_stack([right, np.cross(forward, right), forward])
