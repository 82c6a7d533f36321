"""Training targets: from labels to the maps that the network should put out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from walkout.perception.decode import COARSE_STRIDE, FINE_STRIDE, cell_centre
from walkout.perception.types import KEYPOINT_COUNT, Keypoint
from walkout.training.labels import Labels, Visibility

Array = NDArray[np.float32]

POSITIVE_WEIGHT = 0.3
"""Cells at least this near to a shopper's centre (as the value of a narrow Gaussian) learn its box and joints."""
ARM_FACTOR, ARM_HEAT_FACTOR = 4.0, 1.5
"""How much more elbow and wrist of an outstretched arm count than those of a hanging one, and so their peaks.

Few arms are: unweighted, the sum of absolute errors is least for a network that says "hanging" of them all.
"""


@dataclass(frozen=True)
class Targets:
    """Maps of one picture, grids as in NetworkOutput, pixels.

    ``centre`` 1 at a shopper's cell, falling off around it; ``centre_weight`` 0 where nothing may be learnt (shoppers
    too hidden to count). ``person_weight`` (h/8, w/8) is above 0 in cells that regress a shopper, whose ``size`` is the
    root of its box's area. ``joint_weight`` (12, ·) 0 for joints out of the picture, less for hidden ones; ``visible``
    0/1 with ``visible_weight``. ``heat`` sub-cell exact Gaussians of the seen joints; ``heat_weight`` 0 around hidden
    ones, where a peak is neither right nor wrong. ``facing`` (2, h/8, w/8) points in the picture from the
    shopper's right side to its left, of length 1 where that is clear and shorter where the sides cover each other.
    """

    centre: Array
    centre_weight: Array
    person_weight: Array
    size: Array
    box: Array
    joints: Array
    joint_weight: Array
    visible: Array
    visible_weight: Array
    facing: Array
    heat: Array
    heat_weight: Array


def make_targets(labels: Labels, width: int, height: int) -> Targets:
    """Return the targets of one picture of the network's input size."""
    rows, columns = height // COARSE_STRIDE, width // COARSE_STRIDE
    y = cell_centre(np.arange(rows), COARSE_STRIDE)[:, None]
    x = cell_centre(np.arange(columns), COARSE_STRIDE)[None, :]
    counted = labels.counted()
    centre = np.zeros((rows, columns), np.float32)
    weight = np.ones((rows, columns), np.float32)
    for box in labels.seen_boxes[~counted]:
        weight[(y >= box[1]) & (y <= box[3]) & (x >= box[0]) & (x <= box[2])] = 0.0
    people = np.flatnonzero(counted)
    nearness = np.zeros((len(people) + 1, rows, columns), np.float32)
    for layer, person in enumerate(people):
        box = labels.seen_boxes[person]
        size = float(np.sqrt(np.prod(np.maximum(box[2:] - box[:2], 1.0))))
        middle_x, middle_y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        column = int(np.clip((middle_x + 0.5) // COARSE_STRIDE, 0, columns - 1))
        row = int(np.clip((middle_y + 0.5) // COARSE_STRIDE, 0, rows - 1))
        sigma = np.clip(0.13 * size, 0.55 * COARSE_STRIDE, 2.0 * COARSE_STRIDE)
        falloff = np.exp(-((x - x[0, column]) ** 2 + (y - y[row, 0]) ** 2) / (2 * sigma * sigma))
        np.maximum(centre, falloff, out=centre)
        weight[row, column] = 1.0
        narrow = 0.75 * COARSE_STRIDE
        nearness[layer] = np.exp(-((x - middle_x) ** 2 + (y - middle_y) ** 2) / (2 * narrow * narrow))
        nearness[layer, row, column] = 1.0
    owner, best = nearness.argmax(axis=0), nearness.max(axis=0)
    person_weight = np.where(best >= POSITIVE_WEIGHT, best, 0.0).astype(np.float32)
    size_of, box_of, joints, joint_weight, visible, visible_weight, facing = _regression(labels, people, owner, x, y)
    heat, heat_weight = _heat(labels, width, height)
    return Targets(
        centre=centre,
        centre_weight=weight,
        person_weight=person_weight,
        size=size_of,
        box=box_of,
        joints=joints,
        joint_weight=joint_weight,
        visible=visible,
        visible_weight=visible_weight,
        facing=facing,
        heat=heat,
        heat_weight=heat_weight,
    )


def _regression(
    labels: Labels, people: NDArray[np.intp], owner: NDArray[np.intp], x: Array, y: Array
) -> tuple[Array, ...]:
    """Return size, box, joints, joint weight, visible, its weight and facing: each cell its own shopper's."""
    boxes = np.concatenate([labels.boxes[people], np.zeros((1, 4), np.float32)])
    joints = np.concatenate([labels.joints[people], np.zeros((1, KEYPOINT_COUNT, 3), np.float32)])
    box = boxes[owner].transpose(2, 0, 1)
    sides = np.stack([x - box[0], y - box[1], box[2] - x, box[3] - y])
    size = np.sqrt(np.maximum(box[2] - box[0], 8.0) * np.maximum(box[3] - box[1], 8.0))
    offsets, state = _split(joints[owner], x, y)
    importance = np.select([state == Visibility.SEEN, state == Visibility.HIDDEN], [1.0, 0.5], 0.0)
    factors = np.concatenate([_arm_factors(labels, ARM_FACTOR)[people], np.ones((1, KEYPOINT_COUNT), np.float32)])
    importance *= factors[owner].transpose(2, 0, 1)
    near = (np.abs(offsets).max(axis=1) < 400).astype(np.float32)
    return (
        size.astype(np.float32),
        sides.astype(np.float32),
        offsets,
        (importance * near).astype(np.float32),
        (state == Visibility.SEEN).astype(np.float32),
        (state != Visibility.OUTSIDE).astype(np.float32),
        _facing(offsets, size),
    )


def _arm_factors(labels: Labels, most: float) -> Array:
    """Return (n, 12): 1, and up to ``most`` for elbow and wrist the more an arm is outstretched."""
    factors = np.ones((len(labels), KEYPOINT_COUNT), np.float32)
    arms = 1.0 + (most - 1.0) * labels.outstretched()
    factors[:, [Keypoint.LEFT_ELBOW, Keypoint.RIGHT_ELBOW]] = arms
    factors[:, [Keypoint.LEFT_WRIST, Keypoint.RIGHT_WRIST]] = arms
    return factors


def _facing(offsets: Array, size: Array) -> Array:
    """Return the direction (2, h, w) from right to left shoulder and hip, at most 1 long."""
    left = offsets[[Keypoint.LEFT_SHOULDER, Keypoint.LEFT_HIP]].mean(axis=0)
    right = offsets[[Keypoint.RIGHT_SHOULDER, Keypoint.RIGHT_HIP]].mean(axis=0)
    known = (left - right) / (0.1 * size)
    return np.asarray(known / np.maximum(np.linalg.norm(known, axis=0), 1.0), dtype=np.float32)


def _split(joints: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """Return offsets (12, 2, h, w) from the cells' centres and states (12, h, w) of joints (h, w, 12, 3)."""
    offset_x = joints[..., 0] - x[..., None]
    offset_y = joints[..., 1] - y[..., None]
    offsets = np.stack([offset_x, offset_y], axis=-1).transpose(2, 3, 0, 1)
    return np.ascontiguousarray(offsets, dtype=np.float32), joints[..., 2].transpose(2, 0, 1)


def heat_sigma(labels: Labels) -> Array:
    """Return the (n,) standard deviation of a shopper's joint peaks in pixels: wider for near, large shoppers."""
    size = np.sqrt(np.prod(np.maximum(labels.boxes[:, 2:] - labels.boxes[:, :2], 1.0), axis=1))
    return np.asarray(np.clip(0.045 * size, 0.9 * FINE_STRIDE, 1.6 * FINE_STRIDE), dtype=np.float32)


def _heat(labels: Labels, width: int, height: int) -> tuple[Array, Array]:
    rows, columns = height // FINE_STRIDE, width // FINE_STRIDE
    y, x = cell_centre(np.arange(rows), FINE_STRIDE), cell_centre(np.arange(columns), FINE_STRIDE)
    heat = np.zeros((KEYPOINT_COUNT, rows, columns), np.float32)
    weight = np.ones_like(heat)
    counted, factors = labels.counted(), _arm_factors(labels, ARM_HEAT_FACTOR)
    most = np.ones_like(heat)
    for person, sigma in enumerate(heat_sigma(labels)):
        joints = labels.joints[person]
        along_x = np.exp(-((x - joints[:, :1]) ** 2) / (2 * sigma * sigma))
        along_y = np.exp(-((y - joints[:, 1:2]) ** 2) / (2 * sigma * sigma))
        peaks = along_y[:, :, None] * along_x[:, None, :]
        seen = (joints[:, 2] == Visibility.SEEN) & counted[person]
        np.maximum(heat, peaks * seen[:, None, None], out=heat)
        around = (peaks > 0.1) & seen[:, None, None]
        np.maximum(most, np.where(around, factors[person][:, None, None], 1.0), out=most)
        unclear = ~seen & (joints[:, 2] != Visibility.OUTSIDE)
        weight[unclear] *= peaks[unclear] < 0.1
    return heat, (most * np.maximum(weight, heat > 0.1)).astype(np.float32)
