"""Where a second, closer look at a picture pays: windows of it that hold shoppers, shown larger to the network.

Cameras have more pixels than the network takes. What is lost are wrists, a few pixels wide; in a window of the picture
that fills the network's input they are found up to twice as precisely.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from walkout.perception.decode import box_iou

FloatArray = NDArray[np.float32]

ZOOM = 1.6
"""By how much larger a window is seen than the whole picture. Measured: 2 is no better, 1.3 gains half of it."""
_LARGEST = 1 / 3
"""Shoppers higher than this share of the picture are large enough at first; closer they exceed any in training.

Measured on arms of ``three_shoppers`` and ``suite/crossed_arms``: below it errors fall by a quarter, above they grow.
"""
_MARGIN = 0.08
"""A shopper counts as inside with this share of his box around it: arms may reach out of a box."""
_SURE = 0.3
"""Joints of which the closer look is less sure than this stay where the first look, which sees the whole, has them."""
_SAME_IOU = 0.5
"""Two boxes of one shopper overlap at least so much."""


def windows(boxes: FloatArray, width: int, height: int, most: int) -> list[NDArray[np.intp]]:
    """Return at most so many windows (4,) x1, y1, x2, y2 of a picture that hold as many shoppers as possible.

    Of the shoppers ``boxes`` (n, 4) only those count who are small in the picture.
    """
    if not len(boxes):
        return []
    size = np.array([width, height]) / ZOOM
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    corner = np.floor(np.clip(centre - size / 2, 0, np.array([width, height]) - size)).astype(np.intp)
    candidates = np.concatenate([corner, corner + np.floor(size).astype(np.intp)], axis=1)
    held = np.stack([_inside(boxes, window, width, height) for window in candidates])
    left = np.ones(len(boxes), dtype=np.bool_)
    chosen: list[NDArray[np.intp]] = []
    while len(chosen) < most and (held & left).any():
        best = int((held & left).sum(axis=1).argmax())
        chosen.append(candidates[best])
        left &= ~held[best]
    return chosen


def adopt(
    boxes: FloatArray,
    keypoints: FloatArray,
    window: NDArray[np.intp],
    seen: FloatArray,
    closer: FloatArray,
    size: tuple[int, int],
) -> FloatArray:
    """Return the keypoints (n, 12, 3) of shoppers, with the joints that a closer look has found again.

    Args:
        boxes: (n, 4) of the first look.
        keypoints: (n, 12, 3) of the first look.
        window: (4,) where the closer look was taken.
        seen: (m, 4) boxes of the closer look, in the same pixels.
        closer: (m, 12, 3) their keypoints.
        size: width and height of the picture.
    """
    result = keypoints.copy()
    overlap = np.where(_inside(boxes, window, *size)[:, None], box_iou(boxes, seen), 0.0)
    while overlap.size and overlap.max() >= _SAME_IOU:
        first, second = np.unravel_index(int(overlap.argmax()), overlap.shape)
        sure = closer[second, :, 2] > _SURE
        result[first, sure] = closer[second, sure]
        overlap[first], overlap[:, second] = 0.0, 0.0
    return result


def _inside(boxes: FloatArray, window: NDArray[np.intp], width: int, height: int) -> NDArray[np.bool_]:
    """Return which boxes (n, 4) are small and, with a margin but for the picture's own border, lie in a window."""
    small = boxes[:, 3] - boxes[:, 1] <= _LARGEST * height
    margin = _MARGIN * (boxes[:, 2:] - boxes[:, :2])
    low = np.maximum(boxes[:, :2] - margin, 0)
    high = np.minimum(boxes[:, 2:] + margin, np.array([width, height]) - 1)
    return np.asarray(small & (low >= window[:2]).all(axis=1) & (high <= window[2:] - 1).all(axis=1))
