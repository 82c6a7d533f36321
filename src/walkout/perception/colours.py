"""Which colours a picture has: a histogram, and how telling it is that two pictures share some.

What shops are made of (shelves, hands, card, white cartons under warm lamps) is in every picture and tells nothing; a
colour counts by how rare it is in pictures of shops.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
FloatArray = NDArray[np.float64]

_SIDE = 96
_EDGES = np.arange(-96.0, 97.0, 12.0)
_BANDS = np.array([0.0, 33.0, 66.0, 101.0])
"""Bins of the chromaticities and of the lightness, units of CIE L*a*b*."""
_SPREAD = np.array([0.18, 0.25])
"""Standard deviations, in shares of width and height, with which a query's pixels count the less off its middle."""
_USUAL = np.array([6.0, 16.0])
_USUAL_SCALE = np.array([10.5, 12.5])
_USUAL_BANDS = np.array([0.22, 0.53, 0.25])
_USUAL_FREEDOM = 4.0
"""Colours of pictures of shops: chromaticities by Student's t about a warm grey, shares of the bands of lightness."""
_RAREST = 3e-4


def lab(picture: Image) -> NDArray[np.float32]:
    """Return a uint8 BGR picture in CIE L*a*b*, L 0..100."""
    return np.asarray(cv2.cvtColor(np.asarray(picture, np.float32) / 255.0, cv2.COLOR_BGR2LAB), np.float32)


def histogram(picture: Image, middle: bool) -> FloatArray:
    """Return (bins,) shares of the colours of a uint8 BGR picture, those off its middle counted less if ``middle``."""
    scale = _SIDE / max(picture.shape[:2])
    size = tuple(max(1, round(length * scale)) for length in picture.shape[1::-1])
    pixels = lab(np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8))
    rows, columns = (np.arange(length) / length - 0.5 for length in pixels.shape[:2])
    weights = np.ones(pixels.shape[:2])
    if middle:
        weights = np.exp(-0.5 * ((columns[None] / _SPREAD[0]) ** 2 + (rows[:, None] / _SPREAD[1]) ** 2))
    points = pixels.reshape(-1, 3)[:, [1, 2, 0]]
    counts, _ = np.histogramdd(points, bins=(_EDGES, _EDGES, _BANDS), weights=weights.ravel())
    # Neighbouring bins share: the same ink differs a little from picture to picture. Colours do not reach the ends.
    for axis in (0, 1):
        counts = (np.roll(counts, 1, axis) + 2 * counts + np.roll(counts, -1, axis)) / 4
    return np.asarray(counts.ravel() / counts.sum(), np.float64)


def likeness(query: FloatArray, labels: FloatArray) -> FloatArray:
    """Return (labels,) how much of a query's (bins,) rare colours each label (labels, bins) has too, 0 or more.

    Bhattacharyya's coefficient with every colour weighted by its rarity, as a logarithm: one vivid patch must not
    outweigh everything else.
    """
    return np.asarray(np.log1p((np.sqrt(query) * _RARITY) @ np.sqrt(labels).T), np.float64)


def _rarity() -> FloatArray:
    """Return (bins,) the inverse of how usual each colour is in a shop."""
    centres = (_EDGES[:-1] + _EDGES[1:]) / 2
    a, b = np.meshgrid((centres - _USUAL[0]) / _USUAL_SCALE[0], (centres - _USUAL[1]) / _USUAL_SCALE[1], indexing="ij")
    usual = (1 + (a**2 + b**2) / _USUAL_FREEDOM) ** (-(_USUAL_FREEDOM + 2) / 2)
    shares = (usual / usual.sum())[:, :, None] * _USUAL_BANDS
    return np.asarray(1 / (shares.ravel() + _RAREST), np.float64)


_RARITY = _rarity()
