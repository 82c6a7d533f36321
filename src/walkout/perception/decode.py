"""From the detector network's output maps to boxes and joints.

Shoppers live on a coarse grid (stride 8): centre probability, box sides and joint offsets. Every joint also has a fine
heat-map (stride 4); a peak near the regressed joint replaces it, as in CenterPose (Lee et al., 2022) and the joint
grouping of CenterNet (Zhou et al., 2019). Pixel (0, 0) is the centre of the top-left pixel of the network's input.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from walkout.perception.types import KEYPOINT_COUNT

Array = NDArray[np.float32]

COARSE_STRIDE = 8
FINE_STRIDE = 4


@dataclass(frozen=True)
class NetworkOutput:
    """Output maps of one image: probabilities and pixels.

    ``centre`` (h/8, w/8); ``box`` (4, h/8, w/8) distances from the cell's centre to the left, top, right, bottom side;
    ``joints`` (12, 2, h/8, w/8) offsets from the cell's centre; ``visible`` (12, h/8, w/8); ``heat`` (12, h/4, w/4).
    """

    centre: Array
    box: Array
    joints: Array
    visible: Array
    heat: Array


@dataclass(frozen=True)
class DecodeParameters:
    """How maps become shoppers."""

    score_threshold: float = field(default=0.3, metadata={"description": "least score of a shopper, 0..1"})
    max_detections: int = field(default=20, metadata={"description": "most shoppers in a picture, the best are kept"})
    nms_iou: float = field(
        default=0.65, metadata={"description": "overlap (IoU, 0..1) of two boxes above which the weaker one goes"}
    )
    search_cells: int = field(
        default=5, metadata={"description": "half size of the window for a joint's peak", "unit": "heat-map cells"}
    )
    search_sigma: float = field(
        default=0.12,
        metadata={"description": "how far a peak may lie from the regressed joint, as a share of the shopper's size"},
    )
    heat_threshold: float = field(default=0.15, metadata={"description": "least height of a joint's peak, 0..1"})

    def __post_init__(self) -> None:
        for name in ("score_threshold", "nms_iou", "heat_threshold"):
            if not 0.0 < getattr(self, name) < 1.0:
                raise ValueError(f"{name} is {getattr(self, name)}, must be between 0 and 1")
        if self.max_detections < 1 or self.search_cells < 1 or self.search_sigma <= 0:
            raise ValueError("max_detections, search_cells and search_sigma must be positive")


@dataclass(frozen=True)
class Shoppers2D:
    """Decoded shoppers in pixels of the network's input: boxes (n, 4), scores (n,), keypoints (n, 12, 3)."""

    boxes: Array
    scores: Array
    keypoints: Array


def cell_centre(index: NDArray[np.intp], stride: int) -> Array:
    """Return the pixel coordinate of a cell's centre."""
    return np.asarray((index + 0.5) * stride - 0.5, dtype=np.float32)


def decode(output: NetworkOutput, parameters: DecodeParameters) -> Shoppers2D:
    """Turn output maps into shoppers, best first."""
    rows, columns, scores = _centres(output.centre, parameters)
    anchor = np.stack([cell_centre(columns, COARSE_STRIDE), cell_centre(rows, COARSE_STRIDE)], axis=1)
    sides = output.box[:, rows, columns].T
    boxes = np.concatenate([anchor - sides[:, :2], anchor + sides[:, 2:]], axis=1)
    keep = suppress(boxes, scores, parameters.nms_iou)[: parameters.max_detections]
    rows, columns, anchor, boxes = rows[keep], columns[keep], anchor[keep], boxes[keep]
    regressed = anchor[:, None] + output.joints[:, :, rows, columns].transpose(2, 0, 1)
    visible = output.visible[:, rows, columns].T
    keypoints = _refine(regressed, visible, boxes, output.heat, parameters)
    return Shoppers2D(boxes, scores[keep], keypoints)


def _centres(centre: Array, parameters: DecodeParameters) -> tuple[NDArray[np.intp], NDArray[np.intp], Array]:
    highest = cv2.dilate(centre, np.ones((3, 3), np.uint8))
    rows, columns = np.nonzero((centre >= highest) & (centre >= parameters.score_threshold))
    scores = centre[rows, columns]
    order = np.argsort(-scores, kind="stable")[: 4 * parameters.max_detections]
    return rows[order], columns[order], scores[order]


def box_iou(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the (n, m) intersection over union of boxes (n, 4) and (m, 4)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    common = np.prod(np.maximum(high - low, 0), axis=2)
    area_a, area_b = np.prod(a[:, 2:] - a[:, :2], axis=1), np.prod(b[:, 2:] - b[:, :2], axis=1)
    return np.asarray(common / np.maximum(area_a[:, None] + area_b[None] - common, 1e-6))


def suppress(boxes: Array, scores: Array, limit: float) -> NDArray[np.intp]:
    """Return the indices of boxes, best first, none of which overlaps a better one by more than ``limit`` IoU."""
    order = np.argsort(-scores, kind="stable")
    overlapping = box_iou(boxes[order], boxes[order]) > limit
    keep: list[int] = []
    for index in range(len(order)):  # greedy by nature; a handful of candidates
        if not overlapping[index, keep].any():
            keep.append(index)
    return order[np.array(keep, dtype=np.intp)]


def _refine(regressed: Array, visible: Array, boxes: Array, heat: Array, parameters: DecodeParameters) -> Array:
    """Move joints to the best heat-map peak nearby; return (n, 12, 3) x, y, confidence.

    A joint that was seen as a peak takes the peak's probability as confidence, at least half its visibility; one that
    was not keeps half its visibility, because its place is only inferred from the body.
    """
    count = len(regressed)
    result = np.asarray(np.concatenate([regressed, 0.5 * visible[:, :, None]], axis=2), dtype=np.float32)
    if count == 0:
        return result
    reach = parameters.search_cells
    padded = np.pad(heat, ((0, 0), (reach + 1, reach + 1), (reach + 1, reach + 1)))
    cell = np.clip(np.rint((regressed + 0.5) / FINE_STRIDE - 0.5), 0, [heat.shape[2] - 1, heat.shape[1] - 1]).astype(
        np.intp
    )
    window = np.arange(-reach - 1, reach + 2)
    index_y = cell[:, :, 1, None, None] + reach + 1 + window[:, None]
    index_x = cell[:, :, 0, None, None] + reach + 1 + window[None, :]
    patch = padded[np.arange(KEYPOINT_COUNT)[None, :, None, None], index_y, index_x]
    inner = patch[:, :, 1:-1, 1:-1]
    size = np.sqrt(np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 1.0), axis=1))
    sigma = np.maximum(parameters.search_sigma * size, FINE_STRIDE)[:, None, None, None]
    dx = cell_centre(index_x[..., 1:-1] - reach - 1, FINE_STRIDE) - regressed[:, :, 0, None, None]
    dy = cell_centre(index_y[:, :, 1:-1] - reach - 1, FINE_STRIDE) - regressed[:, :, 1, None, None]
    worth = np.where(_is_peak(patch), inner * np.exp(-(dx * dx + dy * dy) / (2 * sigma * sigma)), 0.0)
    best = worth.reshape(count, KEYPOINT_COUNT, -1).argmax(axis=2)
    row, column = np.unravel_index(best, inner.shape[2:])
    person, joint = np.indices((count, KEYPOINT_COUNT))
    value = inner[person, joint, row, column]
    found = (worth[person, joint, row, column] > 0) & (value >= parameters.heat_threshold)
    shift_x = _vertex(*(patch[person, joint, row + 1, column + k] for k in range(3)))
    shift_y = _vertex(*(patch[person, joint, row + k, column + 1] for k in range(3)))
    peak_x = cell_centre(index_x[person, joint, 0, column + 1] - reach - 1, FINE_STRIDE) + shift_x * FINE_STRIDE
    peak_y = cell_centre(index_y[person, joint, row + 1, 0] - reach - 1, FINE_STRIDE) + shift_y * FINE_STRIDE
    confidence = np.maximum(value, 0.5 * visible)
    seen = np.stack([peak_x, peak_y, confidence], axis=2).astype(np.float32)
    return np.where(found[:, :, None], seen, result).astype(np.float32)


def _is_peak(patch: Array) -> NDArray[np.bool_]:
    """Tell for the inner cells of (n, 12, h, w) whether none of the four neighbours is higher."""
    inner = patch[:, :, 1:-1, 1:-1]
    sides = (patch[:, :, :-2, 1:-1], patch[:, :, 2:, 1:-1], patch[:, :, 1:-1, :-2], patch[:, :, 1:-1, 2:])
    peak = inner > 0
    for side in sides:
        peak &= inner >= side
    return peak


def _vertex(before: Array, at: Array, after: Array) -> Array:
    """Return the sub-cell place of a peak, -0.5..0.5: the vertex of the parabola through the logarithms.

    Exact for a Gaussian, which is what the heat-maps are trained to show.
    """
    left, middle, right = (np.log(np.maximum(value, 1e-4)) for value in (before, at, after))
    curvature = left - 2 * middle + right
    shift = np.where(curvature < -1e-6, 0.5 * (left - right) / np.minimum(curvature, -1e-6), 0.0)
    return np.asarray(np.clip(shift, -0.5, 0.5), dtype=np.float32)
