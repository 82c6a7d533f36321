"""From the detector network's output maps to boxes and joints.

Shoppers live on a coarse grid (stride 8): centre probability, box sides and joint offsets. Every joint also has a fine
heat-map (stride 4); a peak near the regressed joint replaces it, as in CenterPose (Lee et al., 2022) and the joint
grouping of CenterNet (Zhou et al., 2019). Pixel (0, 0) is the centre of the top-left pixel of the network's input.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from walkout.perception.types import Keypoint

Array = NDArray[np.float32]

COARSE_STRIDE = 8
FINE_STRIDE = 4

SINGLES = (Keypoint.HEAD, Keypoint.NECK)
PAIRS = (
    (Keypoint.LEFT_SHOULDER, Keypoint.RIGHT_SHOULDER),
    (Keypoint.LEFT_ELBOW, Keypoint.RIGHT_ELBOW),
    (Keypoint.LEFT_WRIST, Keypoint.RIGHT_WRIST),
    (Keypoint.LEFT_HIP, Keypoint.RIGHT_HIP),
    (Keypoint.LEFT_FOOT, Keypoint.RIGHT_FOOT),
)

_FAR = 0.03
"""Nearness below which a peak is none of a shopper's."""
_RIVAL = 0.4
"""A peak is a shopper's only if it is at least this share as near to it as to whom it is nearest to."""
_WEAKER = 0.25
"""A pair's second peak must be worth this share of its first."""
_ENOUGH_FOR_TWO = 1.3
"""Height in the joined map of left and right from which one peak is both."""


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
    search_sigma: float = field(
        default=0.2,
        metadata={"description": "how far a peak may lie from the regressed joint, as a share of the shopper's size"},
    )
    heat_threshold: float = field(default=0.15, metadata={"description": "least height of a joint's peak, 0..1"})

    def __post_init__(self) -> None:
        for name in ("score_threshold", "nms_iou", "heat_threshold"):
            if not 0.0 < getattr(self, name) < 1.0:
                raise ValueError(f"{name} is {getattr(self, name)}, must be between 0 and 1")
        if self.max_detections < 1 or self.search_sigma <= 0:
            raise ValueError("max_detections and search_sigma must be positive")

    RANGES: ClassVar[Mapping[str, tuple[float, float]]] = {
        "score_threshold": (0.001, 0.999),
        "max_detections": (1, 1000),
        "nms_iou": (0.001, 0.999),
        "search_sigma": (0.001, 5),
        "heat_threshold": (0.001, 0.999),
    }


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


@dataclass(frozen=True)
class _Peaks:
    """Peaks (m,) of one kind of joint: place (m, 2) in pixels, height of the left, the right and the joined map."""

    place: Array
    left: Array
    right: Array
    height: Array


def _refine(regressed: Array, visible: Array, boxes: Array, heat: Array, parameters: DecodeParameters) -> Array:
    """Move joints to heat-map peaks nearby; return (n, 12, 3) x, y, confidence.

    A joint that was seen as a peak has the peak's height as confidence; one that was not keeps half its visibility,
    because its place is only inferred from the body.
    """
    result = np.concatenate([regressed, 0.5 * visible[:, :, None]], axis=2)
    if len(result) == 0:
        return np.asarray(result, dtype=np.float32)
    size = np.sqrt(np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 1.0), axis=1))
    sigma = np.maximum(parameters.search_sigma * size, FINE_STRIDE)[:, None]
    singles, pairs = _peaks(heat, parameters.heat_threshold)
    for joint, peaks in zip(SINGLES, singles, strict=True):
        _take_single(result, joint, peaks, _nearness(regressed[:, joint], peaks, sigma))
    for (left, right), peaks in zip(PAIRS, pairs, strict=True):
        near_left = _nearness(regressed[:, left], peaks, sigma)
        near_right = _nearness(regressed[:, right], peaks, sigma)
        _take_pair(result, left, right, peaks, near_left, near_right)
    return np.asarray(result, dtype=np.float32)


def _peaks(heat: Array, threshold: float) -> tuple[list[_Peaks], list[_Peaks]]:
    """Return the local maxima of every single joint's map and of every pair's, placed to a fraction of a cell."""
    lefts = heat[[*SINGLES, *(left for left, _ in PAIRS)]]
    rights = heat[[*SINGLES, *(right for _, right in PAIRS)]]
    joined = lefts + rights
    joined[: len(SINGLES)] = lefts[: len(SINGLES)]
    padded = np.pad(joined, ((0, 0), (1, 1), (1, 1)))
    sides = (padded[:, 1:-1, :-2], padded[:, 1:-1, 2:], padded[:, :-2, 1:-1], padded[:, 2:, 1:-1])
    peak = joined >= threshold
    for side in sides:
        peak &= joined >= side
    cells = np.nonzero(peak)
    kinds, rows, columns = cells
    height = joined[cells]
    before_x, after_x, before_y, after_y = (side[cells] for side in sides)
    x = cell_centre(columns, FINE_STRIDE) + FINE_STRIDE * _vertex(before_x, height, after_x)
    y = cell_centre(rows, FINE_STRIDE) + FINE_STRIDE * _vertex(before_y, height, after_y)
    ends = np.searchsorted(kinds, np.arange(1, len(joined)))
    columns_of = (np.stack([x, y], axis=1), lefts[cells], rights[cells], height)
    found = [_Peaks(*parts) for parts in zip(*(np.split(values, ends) for values in columns_of), strict=True)]
    return found[: len(SINGLES)], found[len(SINGLES) :]


def _nearness(place: Array, peaks: _Peaks, sigma: Array) -> Array:
    """Return (n, m) 0..1: how near peaks lie to where shoppers should have the joint; 0 when far or another's."""
    squared = ((place[:, None] - peaks.place[None]) ** 2).sum(axis=2)
    near = np.exp(-squared / (2 * sigma * sigma))
    best = near.max(axis=0, initial=0.0)
    return np.asarray(np.where((near >= _FAR) & (near >= _RIVAL * best), near, 0.0), dtype=np.float32)


def _take_single(result: Array, joint: int, peaks: _Peaks, near: Array) -> None:
    if not len(peaks.height):
        return
    worth = near * peaks.height
    best = worth.argmax(axis=1)
    found = worth.max(axis=1) > 0
    result[found, joint, :2] = peaks.place[best[found]]
    result[found, joint, 2] = np.minimum(peaks.height[best[found]], 1.0)


def _take_pair(result: Array, left: int, right: int, peaks: _Peaks, near_left: Array, near_right: Array) -> None:
    """Give a shopper's left and right joint two different peaks, or one to both when it is high enough for two.

    A network that sees two wrists but not which is which shows both in both maps, at half height: only joined maps tell
    that there are two, and each must be used once.
    """
    if not len(peaks.height):
        return
    people = np.arange(len(near_left))
    worth = peaks.height * np.maximum(near_left, near_right)
    first = worth.argmax(axis=1)
    rest = worth.copy()
    rest[people, first] = 0.0
    second = rest.argmax(axis=1)
    two = rest[people, second] > _WEAKER * worth[people, first]
    own_left, own_right = peaks.left * near_left, peaks.right * near_right
    straight = own_left[people, first] + np.where(two, own_right[people, second], 0.0)
    swapped = own_right[people, first] + np.where(two, own_left[people, second], 0.0)
    is_straight = straight >= swapped
    shared = ~two & (peaks.height[first] >= _ENOUGH_FOR_TWO)
    any_peak = worth[people, first] > 0
    for joint, takes_first in ((left, is_straight), (right, ~is_straight)):
        chosen = np.where(takes_first | shared, first, second)
        found = any_peak & (takes_first | shared | two)
        result[found, joint, :2] = peaks.place[chosen[found]]
        result[found, joint, 2] = np.minimum(peaks.height[chosen[found]], 1.0)


def _vertex(before: Array, at: Array, after: Array) -> Array:
    """Return the sub-cell place of a peak, -0.5..0.5: the vertex of the parabola through the logarithms.

    Exact for a Gaussian, which is what the heat-maps are trained to show.
    """
    left, middle, right = (np.log(np.maximum(value, 1e-4)) for value in (before, at, after))
    curvature = left - 2 * middle + right
    shift = np.where(curvature < -1e-6, 0.5 * (left - right) / np.minimum(curvature, -1e-6), 0.0)
    return np.asarray(np.clip(shift, -0.5, 0.5), dtype=np.float32)
