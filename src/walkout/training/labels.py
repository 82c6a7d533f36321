"""What is true of the shoppers in one training picture, and how it moves with the picture."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from walkout.perception.types import KEYPOINT_COUNT, Keypoint

Array = NDArray[np.float32]

MIRRORED = np.array(
    [
        Keypoint.HEAD,
        Keypoint.NECK,
        Keypoint.RIGHT_SHOULDER,
        Keypoint.LEFT_SHOULDER,
        Keypoint.RIGHT_ELBOW,
        Keypoint.LEFT_ELBOW,
        Keypoint.RIGHT_WRIST,
        Keypoint.LEFT_WRIST,
        Keypoint.RIGHT_HIP,
        Keypoint.LEFT_HIP,
        Keypoint.RIGHT_FOOT,
        Keypoint.LEFT_FOOT,
    ]
)
"""Which joint becomes which when the picture is mirrored."""


_AWAY = (0.3, 0.55)
"""From wrist to hip, as a share of the root of the box's area: a hanging arm at most, an outstretched one at least."""
_HEIGHT = (0.4, 0.8)
"""Height of a wrist above the hips, as a share of the neck's: a hanging arm at most, a raised one at least."""


class Visibility(IntEnum):
    """Whether the camera sees a joint."""

    OUTSIDE = 0
    HIDDEN = 1
    SEEN = 2


@dataclass(frozen=True)
class Labels:
    """The shoppers of one picture, in its pixels.

    ``boxes`` (n, 4) around the whole body, hidden parts included, clipped to the picture; ``seen_boxes`` (n, 4) around
    its visible pixels; ``joints`` (n, 12, 3) x, y and Visibility; ``seen_share`` (n,) visible pixels by those the body
    would have if nothing stood before it, cut to the picture. Shoppers with little of them to see are kept: whoever
    trains or evaluates ignores them (``counted``).
    """

    boxes: Array
    seen_boxes: Array
    joints: Array
    seen_share: Array
    seen_pixels: Array

    def __len__(self) -> int:
        return len(self.boxes)

    def counted(self, least_share: float = 0.2, least_pixels: float = 50.0) -> NDArray[np.bool_]:
        """Tell which shoppers a detector should find; the others may be found or missed without blame."""
        return (self.seen_share >= least_share) & (self.seen_pixels >= least_pixels)

    def outstretched(self) -> Array:
        """Return (n, 2): how far the left and the right arm is from hanging down, 0..1, as the picture shows it.

        A hanging wrist is beside its hip: half comes from the distance between them, half from the wrist's height
        above the hips along the body, so that hands in high shelves have most. Few arms do anything but hang, and those
        are the ones that take things.
        """
        sides = np.prod(np.maximum(self.boxes[:, 2:] - self.boxes[:, :2], 1.0), axis=1)
        wrists = self.joints[:, [Keypoint.LEFT_WRIST, Keypoint.RIGHT_WRIST], :2]
        hips = self.joints[:, [Keypoint.LEFT_HIP, Keypoint.RIGHT_HIP], :2]
        middle = hips.mean(axis=1)
        up = self.joints[:, Keypoint.NECK, :2] - middle
        squared = np.maximum((up * up).sum(axis=1), 1.0)
        height = ((wrists - middle[:, None]) * up[:, None]).sum(axis=2) / squared[:, None]
        away = np.linalg.norm(wrists - hips, axis=2) / np.sqrt(sides)[:, None]
        return np.asarray(0.5 * _share(away, _AWAY) + 0.5 * _share(height, _HEIGHT), dtype=np.float32)

    def warp(self, matrix: NDArray[np.floating], width: int, height: int, mirrored: bool) -> Labels:
        """Return the labels of the picture warped by the (2, 3) matrix of a scaling and shift, maybe mirrored."""
        scale, shift = np.array([matrix[0, 0], matrix[1, 1]]), matrix[:, 2]
        joints = self.joints.copy()
        joints[:, :, :2] = joints[:, :, :2] * scale + shift
        if mirrored:
            joints = joints[:, MIRRORED]
        return Labels(
            clip_boxes(_warp_boxes(self.boxes, scale, shift), width, height),
            clip_boxes(_warp_boxes(self.seen_boxes, scale, shift), width, height),
            mark_outside(joints, width, height),
            self.seen_share * _kept_share(_warp_boxes(self.seen_boxes, scale, shift), width, height),
            self.seen_pixels * abs(scale[0] * scale[1]),
        )

    @staticmethod
    def empty() -> Labels:
        """Return the labels of a picture without shoppers."""
        return Labels(*(np.zeros(shape, np.float32) for shape in ((0, 4), (0, 4), (0, KEYPOINT_COUNT, 3), 0, 0)))


def _share(value: NDArray[np.floating], limits: tuple[float, float]) -> NDArray[np.floating]:
    return np.asarray(np.clip((value - limits[0]) / (limits[1] - limits[0]), 0.0, 1.0))


def clip_boxes(boxes: Array, width: int, height: int) -> Array:
    """Return boxes clipped to the centres of the outermost pixels."""
    limits = np.array([width - 1, height - 1, width - 1, height - 1], np.float32)
    return np.asarray(np.clip(boxes, 0, limits), dtype=np.float32)


def mark_outside(joints: Array, width: int, height: int) -> Array:
    """Return joints with those beyond the picture marked OUTSIDE."""
    x, y = joints[:, :, 0], joints[:, :, 1]
    inside = (x >= -0.5) & (x < width - 0.5) & (y >= -0.5) & (y < height - 0.5)
    result = joints.astype(np.float32).copy()
    result[:, :, 2] = np.where(inside, joints[:, :, 2], Visibility.OUTSIDE)
    return result


def _warp_boxes(boxes: Array, scale: NDArray[np.floating], shift: NDArray[np.floating]) -> Array:
    corners = boxes.reshape(-1, 2, 2) * scale + shift
    return np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1).astype(np.float32)


def _kept_share(boxes: Array, width: int, height: int) -> Array:
    inside = clip_boxes(boxes, width, height)
    area, kept = (np.prod(np.maximum(b[:, 2:] - b[:, :2], 0.5), axis=1) for b in (boxes, inside))
    return np.asarray(kept / area, dtype=np.float32)
