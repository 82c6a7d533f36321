"""Local features: RootSIFT descriptors and how many of them agree on one way to lay a product's label into a picture.

SIFT: Lowe, Distinctive Image Features from Scale-Invariant Keypoints, IJCV 2004. RootSIFT: Arandjelovic and Zisserman,
Three things everyone should know to improve object retrieval, CVPR 2012.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
FloatArray = NDArray[np.float32]

_LEAST_POINTS = 4


@dataclass(frozen=True)
class LocalFeatures:
    """Keypoints (n, 2) in pixels of the picture as it was scaled, and their RootSIFT descriptors (n, 128)."""

    points: FloatArray
    descriptors: FloatArray
    picture: Image


@dataclass(frozen=True)
class Agreement:
    """How two pictures agree: ``inliers`` of ``matches``; ``homography`` (3, 3) maps the first on the second."""

    inliers: int
    matches: int
    homography: NDArray[np.float64] | None


def extract(picture: Image, side: int, count: int) -> LocalFeatures:
    """Return the ``count`` strongest features of a BGR picture scaled so that its longer side is ``side``."""
    scale = side / max(picture.shape[:2])
    mode = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    scaled = np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=mode), np.uint8)
    found, descriptors = cv2.SIFT.create(nfeatures=count, contrastThreshold=0.02).detectAndCompute(
        cv2.cvtColor(scaled, cv2.COLOR_BGR2GRAY), None
    )
    if descriptors is None or len(found) == 0:
        return LocalFeatures(np.empty((0, 2), np.float32), np.empty((0, 128), np.float32), scaled)
    rooted = np.sqrt(descriptors / np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-9))
    points = np.array([keypoint.pt for keypoint in found], np.float32)
    return LocalFeatures(points, np.asarray(rooted, np.float32), scaled)


def agree(label: LocalFeatures, query: LocalFeatures, ratio: float, tolerance: float, seed: int = 0) -> Agreement:
    """Match a label's features into a query and keep those that one homography explains within ``tolerance`` pixels."""
    if len(label.points) < _LEAST_POINTS or len(query.points) < _LEAST_POINTS:
        return Agreement(0, 0, None)
    near = label.descriptors @ query.descriptors.T
    best = near.argmax(axis=1)
    rows = np.arange(len(near))
    first = near[rows, best]
    near[rows, best] = -1.0
    # Distances of unit vectors follow from their products.
    passed = 2 - 2 * first < ratio**2 * (2 - 2 * near.max(axis=1))
    source, target = label.points[passed], query.points[best[passed]]
    if len(source) < _LEAST_POINTS:
        return Agreement(0, len(source), None)
    cv2.setRNGSeed(seed)
    homography, mask = cv2.findHomography(source, target, cv2.RANSAC, tolerance, maxIters=500, confidence=0.995)
    if homography is None or not _plausible(homography, label.picture.shape):
        return Agreement(0, len(source), None)
    inside = mask.ravel().astype(bool)
    # Many features of one spot count once: a logo's corner may give several.
    spots = np.unique(np.round(np.hstack([source, target])[inside] / 3.0), axis=0)
    return Agreement(len(spots), len(source), np.asarray(homography, np.float64))


def _plausible(homography: NDArray[np.float64], shape: tuple[int, ...]) -> bool:
    """Whether a label laid out so is still a convex, unmirrored quadrangle of a sensible size."""
    height, width = shape[:2]
    corners = np.array([[[0, 0], [width, 0], [width, height], [0, height]]], np.float64)
    laid = cv2.perspectiveTransform(corners, homography)[0]
    sides = np.roll(laid, -1, axis=0) - laid
    turns = sides[:, 0] * np.roll(sides[:, 1], -1) - sides[:, 1] * np.roll(sides[:, 0], -1)
    area = 0.5 * abs(float(np.sum(laid[:, 0] * np.roll(laid[:, 1], -1) - laid[:, 1] * np.roll(laid[:, 0], -1))))
    return bool((turns > 0).all() and 0.01 * width * height < area < 100 * width * height)
