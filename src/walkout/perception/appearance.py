"""The clothing descriptor: what colours a shopper wears, for minutes, never stored."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from walkout.perception.types import Keypoint

HUE_BINS = 8
GREY_BINS = 4
DESCRIPTOR_SIZE = 2 * (HUE_BINS + GREY_BINS)

_GRID = 7
_COLOURFUL = 0.18
"""Chroma (max - min of BGR, 0..1) at which a pixel counts half as coloured, half as grey."""


def clothing_descriptors(image: NDArray[np.uint8], keypoints: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (n, 24) unit vectors: square-rooted colour histograms of the torso and of the upper legs.

    ``image`` BGR, ``keypoints`` (n, 12, 3) in its pixels. Per region 8 hue bins (weighted by chroma) and 4 grey levels.
    The square root makes the dot product the Bhattacharyya coefficient of the histograms.
    """
    if len(keypoints) == 0:
        return np.zeros((0, DESCRIPTOR_SIZE), np.float32)
    torso, legs = _regions(keypoints[:, :, :2])
    histograms = np.concatenate([_histograms(_sample(image, quad)) for quad in (torso, legs)], axis=1)
    return np.asarray(np.sqrt(histograms / histograms.sum(axis=1, keepdims=True)), dtype=np.float32)


def _regions(points: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the corners (n, 4, 2) of torso and upper legs: top left, top right, bottom left, bottom right."""
    shoulders = points[:, [Keypoint.LEFT_SHOULDER, Keypoint.RIGHT_SHOULDER]]
    hips = points[:, [Keypoint.LEFT_HIP, Keypoint.RIGHT_HIP]]
    feet = points[:, [Keypoint.LEFT_FOOT, Keypoint.RIGHT_FOOT]]
    knees = 0.6 * hips + 0.4 * feet
    return np.concatenate([shoulders, hips], axis=1), np.concatenate([hips, knees], axis=1)


def _sample(image: NDArray[np.uint8], corners: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (n, m, 3) colours 0..1 of a grid of points inside quadrilaterals (n, 4, 2), away from their rims."""
    along = np.linspace(0.2, 0.8, _GRID, dtype=np.float32)
    v, u = (axis.ravel()[None, :, None] for axis in np.meshgrid(along, along, indexing="ij"))
    top = corners[:, None, 0] * (1 - u) + corners[:, None, 1] * u
    bottom = corners[:, None, 2] * (1 - u) + corners[:, None, 3] * u
    points = np.rint(top * (1 - v) + bottom * v).astype(np.intp)
    height, width = image.shape[:2]
    colours = image[np.clip(points[..., 1], 0, height - 1), np.clip(points[..., 0], 0, width - 1)]
    return np.asarray(colours, dtype=np.float32) / 255.0


def _histograms(colours: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (n, 12) histograms of (n, m, 3) BGR colours; hue and grey levels are shared linearly between bins."""
    count = len(colours)
    hsv = cv2.cvtColor(np.ascontiguousarray(colours), cv2.COLOR_BGR2HSV)
    chroma = colours.max(axis=2) - colours.min(axis=2)
    coloured = chroma * chroma / (chroma * chroma + _COLOURFUL * _COLOURFUL)
    hue = hsv[..., 0] / 360.0 * HUE_BINS
    grey = np.clip(hsv[..., 2], 0, 1) * (GREY_BINS - 1)
    result = np.full((count, HUE_BINS + GREY_BINS), 1e-3, np.float32)
    person = np.broadcast_to(np.arange(count)[:, None], hue.shape)
    for value, weight, offset, bins in ((hue, coloured, 0, HUE_BINS), (grey, 1 - coloured, HUE_BINS, GREY_BINS)):
        low = np.floor(value).astype(np.intp)
        share = (value - low).astype(np.float32)
        np.add.at(result, (person, offset + low % bins), weight * (1 - share))
        np.add.at(result, (person, offset + (low + 1) % bins), weight * share)
    return result
