"""Where somebody's arms are looked for: a square of the picture around the upper body, whatever its size.

The square is placed by the joints of the first look, so it needs no calibration. It is wide enough for an arm stretched
out to either side; in it the upper body is always about equally large.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from walkout.perception.types import Keypoint

FloatArray = NDArray[np.floating]

ARM_JOINTS = (
    Keypoint.HEAD,
    Keypoint.NECK,
    Keypoint.LEFT_SHOULDER,
    Keypoint.RIGHT_SHOULDER,
    Keypoint.LEFT_ELBOW,
    Keypoint.RIGHT_ELBOW,
    Keypoint.LEFT_WRIST,
    Keypoint.RIGHT_WRIST,
)
"""The joints that are looked for: the first eight of every keypoint array."""

SIDE_M = 1.4
"""About how much of the world a square shows."""
_SHOULDERS_M, _TRUNK_M = 0.36, 0.50
_BOX_HEIGHT_M = 2.0
"""Taller than people are, so that the box tells the scale only where the joints are badly seen."""
_SHOULDER_SHARE = 0.62
"""Where between hips (0) and shoulders (1) the square's centre is: hands hang lower than they are raised high."""
_LEAST_SIDE, _MOST_SIDE = 48.0, 720.0
PADDING = 114


def arm_squares(boxes: FloatArray, keypoints: FloatArray) -> FloatArray:
    """Return the squares (n, 3) to look into: centre x, y and side, in pixels.

    Args:
        boxes: (n, 4) of shoppers.
        keypoints: (n, 12, 2 or 3) of the first look.
    """
    place = np.asarray(keypoints[:, :, :2], dtype=np.float64)
    shoulders = place[:, [Keypoint.LEFT_SHOULDER, Keypoint.RIGHT_SHOULDER]]
    hips = place[:, [Keypoint.LEFT_HIP, Keypoint.RIGHT_HIP]].mean(axis=1)
    # Shoulders and trunk are at right angles: no camera sees both of them foreshortened.
    metre = np.maximum.reduce(
        [
            np.linalg.norm(shoulders[:, 0] - shoulders[:, 1], axis=1) / _SHOULDERS_M,
            np.linalg.norm(place[:, Keypoint.NECK] - hips, axis=1) / _TRUNK_M,
            (boxes[:, 3] - boxes[:, 1]) / _BOX_HEIGHT_M,
        ]
    )
    centre = _SHOULDER_SHARE * shoulders.mean(axis=1) + (1 - _SHOULDER_SHARE) * hips
    side = np.clip(SIDE_M * metre, _LEAST_SIDE, _MOST_SIDE)
    return np.concatenate([centre, side[:, None]], axis=1)


def cut(image: NDArray[np.uint8], square: FloatArray, size: int) -> NDArray[np.uint8]:
    """Return what a square (3,) of a picture shows, (size, size, 3); what lies beyond the picture is grey."""
    x, y, side = (float(value) for value in square)
    scale = size / side
    shift = size / 2 - 0.5
    if scale < 0.5:  # far smaller: interpolation alone would leave pixels out
        image, x, y, scale = _halved(image), (x - 0.5) / 2, (y - 0.5) / 2, 2 * scale
    matrix = np.array([[scale, 0.0, shift - scale * x], [0.0, scale, shift - scale * y]])
    return np.asarray(
        cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderValue=(PADDING,) * 3), dtype=np.uint8
    )


def _halved(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    even = image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2]
    return np.asarray(cv2.resize(even, (even.shape[1] // 2, even.shape[0] // 2), interpolation=cv2.INTER_AREA))


def into_squares(places: FloatArray, squares: FloatArray, size: int) -> FloatArray:
    """Return places (n, k, 2) of the picture as pixels of what ``cut`` shows of squares (n, 3)."""
    scale = (size / squares[:, 2])[:, None, None]
    return np.asarray((places - squares[:, None, :2]) * scale + (size / 2 - 0.5))


def out_of_squares(places: FloatArray, squares: FloatArray, size: int) -> FloatArray:
    """Return pixels (n, k, 2) of what ``cut`` shows of squares (n, 3) as places of the picture."""
    scale = (squares[:, 2] / size)[:, None, None]
    return np.asarray((places - (size / 2 - 0.5)) * scale + squares[:, None, :2])
