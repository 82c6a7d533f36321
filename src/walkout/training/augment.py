"""Changes to pictures while training: what another camera, lamp or lens would have made of them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from walkout.training.labels import Labels

Image = NDArray[np.uint8]

_ARM_PREFERENCE = 3.0
"""How much more often than others somebody with an outstretched arm is what a part of a picture is cut around."""


def augment(
    image: Image, labels: Labels, rng: np.random.Generator, size: tuple[int, int] | None = None
) -> tuple[Image, Labels]:
    """Return the picture scaled, shifted, maybe mirrored, recoloured, blurred and with noise, and its labels.

    ``size`` (width, height) cuts a smaller picture out, mostly where a shopper is: more shoppers for the same work.
    """
    image, labels = _warp(image, labels, rng, size or (image.shape[1], image.shape[0]))
    return discolour(image, rng), labels


def discolour(image: Image, rng: np.random.Generator) -> Image:
    """Return the picture recoloured, maybe blurred or partly covered, with noise: every pixel stays where it is."""
    image = _recolour(image, rng)
    if rng.random() < 0.15:
        image = _blur(image, rng)
    if rng.random() < 0.25:
        image = _cover(image, rng)
    return _noise(image, rng)


def _warp(image: Image, labels: Labels, rng: np.random.Generator, size: tuple[int, int]) -> tuple[Image, Labels]:
    height, width = image.shape[:2]
    scale = float(np.exp(rng.uniform(np.log(0.65), np.log(1.15)))) if rng.random() < 0.7 else 1.0
    free = np.array(size) - scale * np.array([width, height])
    shift = free * rng.uniform(0.1, 0.9, 2)
    if (free < 0).all() and len(labels) and rng.random() < 0.8:
        chance = 1.0 + _ARM_PREFERENCE * labels.outstretched().max(axis=1)
        box = labels.seen_boxes[int(rng.choice(len(labels), p=chance / chance.sum()))]
        aim = rng.uniform(box[:2], np.maximum(box[2:], box[:2] + 1e-3))
        shift = np.clip(np.array(size) * rng.uniform(0.3, 0.7, 2) - scale * aim, free, 0)
    shift = np.round(shift)
    mirrored = bool(rng.random() < 0.5)
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    if mirrored:
        matrix = np.array([[-scale, 0, size[0] - 1 - shift[0]], [0, scale, shift[1]]])
    fill = tuple(float(v) for v in rng.integers(0, 255, 3))
    warped = np.asarray(cv2.warpAffine(image, matrix, size, borderValue=fill), dtype=np.uint8)
    return warped, labels.warp(matrix, *size, mirrored)


def _recolour(image: Image, rng: np.random.Generator) -> Image:
    """Apply gain, offset and gamma per channel by a table, and sometimes turn the hue."""
    if rng.random() < 0.1:
        hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
        hsv[..., 0] = (hsv[..., 0].astype(np.int16) + int(rng.integers(0, 180))) % 180
        hsv[..., 1] = cv2.convertScaleAbs(hsv[..., 1], alpha=rng.uniform(0.5, 1.4))
        image = np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR), dtype=np.uint8)
    gain = rng.uniform(0.65, 1.4) * rng.uniform(0.9, 1.1, 3)
    gamma = np.exp(rng.uniform(-0.3, 0.3))
    level = (np.arange(256) / 255.0) ** gamma
    table = np.clip(255 * (level[:, None] * gain + rng.uniform(-0.08, 0.08)), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table[None]), dtype=np.uint8)


def _blur(image: Image, rng: np.random.Generator) -> Image:
    if rng.random() < 0.6:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.1)), dtype=np.uint8)
    length = int(rng.integers(3, 7))
    kernel = np.zeros((length, length), np.float32)
    angle = rng.uniform(0, np.pi)
    for step in np.linspace(-(length - 1) / 2, (length - 1) / 2, 4 * length):
        kernel[round(length / 2 - 0.5 + step * np.sin(angle)), round(length / 2 - 0.5 + step * np.cos(angle))] = 1
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), dtype=np.uint8)


def _cover(image: Image, rng: np.random.Generator) -> Image:
    """Paint a few small rectangles over the picture."""
    image = image.copy()
    height, width = image.shape[:2]
    for _ in range(int(rng.integers(1, 4))):
        w, h = rng.integers(6, 28, 2)
        x, y = rng.integers(0, width - w), rng.integers(0, height - h)
        image[y : y + h, x : x + w] = rng.integers(0, 255, 3)
    return image


def _noise(image: Image, rng: np.random.Generator) -> Image:
    """Add sensor noise, cheaply: a random shift of one prepared field."""
    sigma = rng.uniform(0, 6)
    y, x = rng.integers(0, _FIELD.shape[0] - image.shape[0]), rng.integers(0, _FIELD.shape[1] - image.shape[1])
    field = _FIELD[y : y + image.shape[0], x : x + image.shape[1]]
    return np.asarray(np.clip(image + sigma * field, 0, 255), dtype=np.uint8)


_FIELD = np.random.default_rng(20240229).standard_normal((400, 480, 3)).astype(np.float32)
