"""What the detector delivers for one frame."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray


class Keypoint(IntEnum):
    """The joints of a shopper, in the order of every keypoint array of this project."""

    HEAD = 0
    NECK = 1
    LEFT_SHOULDER = 2
    RIGHT_SHOULDER = 3
    LEFT_ELBOW = 4
    RIGHT_ELBOW = 5
    LEFT_WRIST = 6
    RIGHT_WRIST = 7
    LEFT_HIP = 8
    RIGHT_HIP = 9
    LEFT_FOOT = 10
    RIGHT_FOOT = 11


KEYPOINT_COUNT = len(Keypoint)


@dataclass(frozen=True)
class Detections:
    """The shoppers that one camera sees in one frame.

    ``boxes`` (n, 4) float32 x1, y1, x2, y2 in pixels of the full image; ``scores`` (n,) 0..1; ``keypoints`` (n, 12, 3)
    float32 x, y in pixels and confidence 0..1 (order of Keypoint); ``appearance`` (n, d) float32 unit vectors, a
    short-lived clothing descriptor that is never stored (d may be 0).
    """

    camera_id: str
    stamp_ns: int
    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    keypoints: NDArray[np.float32]
    appearance: NDArray[np.float32]

    def __len__(self) -> int:
        """Return the number of detected shoppers."""
        return len(self.scores)


@dataclass(frozen=True)
class ProductCandidate:
    """A product that a picture may show, with its probability 0..1."""

    sku: str
    probability: float
