"""Local features: RootSIFT descriptors, how they vote for labels, and how many agree on one way to lay a label out.

SIFT: Lowe, Distinctive Image Features from Scale-Invariant Keypoints, IJCV 2004. RootSIFT: Arandjelovic and Zisserman,
Three things everyone should know to improve object retrieval, CVPR 2012. Votes: McCann and Lowe, Local Naive Bayes
Nearest Neighbor for image classification, CVPR 2012.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
FloatArray = NDArray[np.float32]
Matrix = NDArray[np.float64]

_LEAST_POINTS = 4
_FARTHEST = 2.0
"""Squared distance of two RootSIFT descriptors that have nothing in common: their entries are never negative."""
_BACKGROUND_RANK = 8
_VIEWS = ((0.6, 1.0), (1.0, 0.6))
"""What width and height of a label shrink to when it is seen from aside and from above."""
_MIDDLE = 0.8
_MIDDLE_SPREAD = np.array([0.25, 0.33])
"""Standard deviations, in shares of width and height, with which a feature's strength falls off from the middle."""


@dataclass(frozen=True)
class LocalFeatures:
    """Keypoints (n, 2) in pixels of the picture as it was scaled, and their RootSIFT descriptors (n, 128)."""

    points: FloatArray
    descriptors: FloatArray
    picture: Image


@dataclass(frozen=True)
class Matches:
    """What of a label may be where in a query: ``source`` (n, 2) in the label, ``target`` (n, 2) in the query.

    ``nearest`` (q,) is the squared distance of each of the query's features to the label's most similar one.
    """

    source: FloatArray
    target: FloatArray
    nearest: FloatArray


@dataclass(frozen=True)
class Agreement:
    """How many matches agree on one way to lay the label out: ``homography`` (3, 3) takes the label into the query."""

    inliers: int
    homography: Matrix | None


_NONE = Agreement(0, None)


def extract(picture: Image, side: int, count: int, middle_first: bool = False) -> LocalFeatures:
    """Return the ``count`` strongest features of a BGR picture scaled so that its longer side is ``side``.

    With ``middle_first`` a feature's strength counts the less the farther it is from the middle, so that a busy shelf
    behind a product does not crowd out the product.
    """
    scale = side / max(picture.shape[:2])
    mode = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    scaled = np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=mode), np.uint8)
    return _features(scaled, count, middle_first)


def extract_label(picture: Image, side: int, count: int, view_count: int) -> LocalFeatures:
    """Return the features of a label as ``extract`` does, and ``view_count`` of each view of it from aside and above.

    SIFT bears a tilt of some 40 degrees; the views, compressed to ``_VIEWS``, add the steeper ones at no cost to a
    query but more to compare (Morel and Yu, ASIFT, SIAM J. Imaging Sciences 2009).
    """
    frontal = extract(picture, side, count)
    points, descriptors = [frontal.points], [frontal.descriptors]
    for across, down in _VIEWS:
        view = cv2.resize(frontal.picture, None, fx=across, fy=down, interpolation=cv2.INTER_AREA)
        features = _features(np.asarray(view, np.uint8), view_count, middle_first=False)
        points.append(np.asarray(features.points / np.array([across, down]), np.float32))
        descriptors.append(features.descriptors)
    return LocalFeatures(np.concatenate(points), np.concatenate(descriptors), frontal.picture)


def _features(picture: Image, count: int, middle_first: bool) -> LocalFeatures:
    gray = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    sift = cv2.SIFT.create(nfeatures=0 if middle_first else count, contrastThreshold=0.02)
    if middle_first:
        found, descriptors = sift.compute(gray, _middle_first(sift.detect(gray, None), gray.shape, count))
    else:
        found, descriptors = sift.detectAndCompute(gray, None)
    if descriptors is None or len(found) == 0:
        return LocalFeatures(np.empty((0, 2), np.float32), np.empty((0, 128), np.float32), picture)
    rooted = np.sqrt(descriptors / np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-9))
    points = np.array([keypoint.pt for keypoint in found], np.float32)
    return LocalFeatures(points, np.asarray(rooted, np.float32), picture)


def _middle_first(found: Sequence[cv2.KeyPoint], shape: tuple[int, ...], count: int) -> list[cv2.KeyPoint]:
    if not found:
        return []
    points = np.array([keypoint.pt for keypoint in found]) / np.array([shape[1], shape[0]]) - 0.5
    nearness = np.exp(-0.5 * ((points / _MIDDLE_SPREAD) ** 2).sum(axis=1))
    strength = np.array([keypoint.response for keypoint in found]) * nearness
    return [found[index] for index in np.argsort(-strength, kind="stable")[:count]]


def match(label: LocalFeatures, query: LocalFeatures, ratio: float) -> Matches:
    """Find for each feature of a label the query's most similar one; it counts when the second is clearly farther."""
    if len(label.points) == 0 or len(query.points) < 2:
        nothing = np.empty((0, 2), np.float32)
        return Matches(nothing, nothing, np.full(len(query.points), _FARTHEST, np.float32))
    near = label.descriptors @ query.descriptors.T
    nearest = 2 - 2 * near.max(axis=0)
    best = near.argmax(axis=1)
    rows = np.arange(len(near))
    first = near[rows, best]
    near[rows, best] = -1.0
    # Distances of unit vectors follow from their products.
    passed = 2 - 2 * first < ratio**2 * (2 - 2 * near.max(axis=1))
    return Matches(label.points[passed], query.points[best[passed]], nearest)


def votes(matched: Sequence[Matches], query: LocalFeatures) -> Matrix:
    """Return (labels,) how much more the query's features look like each label than like labels in general.

    Each feature in the query's middle votes for the labels nearest to it, by how much nearer they are than the ninth
    nearest: what many labels show alike, or none, says little.
    """
    nearest = np.stack([one.nearest for one in matched])
    rank = min(_BACKGROUND_RANK, len(nearest) - 1)
    background = np.partition(nearest, rank, axis=0)[rank]
    height, width = query.picture.shape[:2]
    off_centre = np.abs(query.points / np.array([width, height], np.float32) - 0.5).max(axis=1, initial=0.0)
    gains = np.maximum(background - nearest, 0.0)[:, off_centre < _MIDDLE / 2]
    return np.asarray(gains.sum(axis=1), np.float64)


def agree(label: LocalFeatures, matches: Matches, tolerance: float, seed: int = 0) -> Agreement:
    """Count the matches that one homography explains within ``tolerance`` pixels of the query.

    An affine mapping is sought first and the homography among the matches near it only: three points instead of four,
    and few strangers left for the second search, make it many times faster, and it finds as much.
    """
    if len(matches.source) < _LEAST_POINTS:
        return _NONE
    cv2.setRNGSeed(seed)
    affine, _ = cv2.estimateAffine2D(
        matches.source, matches.target, ransacReprojThreshold=1.5 * tolerance, maxIters=500, confidence=0.995
    )
    if affine is None:
        return _NONE  # type: ignore[unreachable]  # OpenCV's types do not say that it may find none
    astray = np.linalg.norm(matches.source @ affine[:, :2].T + affine[:, 2] - matches.target, axis=1)
    source, target = matches.source[astray < 3 * tolerance], matches.target[astray < 3 * tolerance]
    if len(source) < _LEAST_POINTS:
        return _NONE
    homography, inside = cv2.findHomography(source, target, cv2.RANSAC, tolerance, maxIters=200, confidence=0.995)
    if homography is None or not _plausible(homography, label.picture.shape):
        return _NONE
    # Many features of one spot count once: a logo's corner may give several.
    spots = np.unique(np.round(np.hstack([source, target])[inside.ravel().astype(bool)] / 3.0), axis=0)
    return Agreement(len(spots), np.asarray(homography, np.float64))


def _plausible(mapping: Matrix, shape: tuple[int, ...]) -> bool:
    """Whether a label laid out so is still a convex, unmirrored quadrangle of a sensible size."""
    height, width = shape[:2]
    corners = np.array([[[0, 0], [width, 0], [width, height], [0, height]]], np.float64)
    laid = cv2.perspectiveTransform(corners, mapping)[0]
    sides = np.roll(laid, -1, axis=0) - laid
    turns = sides[:, 0] * np.roll(sides[:, 1], -1) - sides[:, 1] * np.roll(sides[:, 0], -1)
    area = 0.5 * abs(float(np.sum(laid[:, 0] * np.roll(laid[:, 1], -1) - laid[:, 1] * np.roll(laid[:, 0], -1))))
    return bool((turns > 0).all() and 0.01 * width * height < area < 100 * width * height)
