"""Pictures on surfaces: product labels and the patterns of floor, walls and price tags, all made or read as arrays."""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from walkout.simulation.errors import RendererError
from walkout.store.model import Store

Image = NDArray[np.uint8]


class Pattern(IntEnum):
    """Layers of the texture array before the product labels."""

    FLOOR = 0
    WALL = 1
    PRICE_TAG = 2
    COFFEE = 3
    SIGN = 4
    STRIPES = 5
    CHECKS = 6
    PRINT = 7


PATTERN_COUNT = len(Pattern)


class Cloth(IntEnum):
    """Patterns of tops."""

    PLAIN = 0
    STRIPED = 1
    CHECKED = 2
    PRINTED = 3


CLOTH_LAYERS = {Cloth.STRIPED: Pattern.STRIPES, Cloth.CHECKED: Pattern.CHECKS, Cloth.PRINTED: Pattern.PRINT}
CLOTH_REPEAT_M = {Cloth.STRIPED: 0.16, Cloth.CHECKED: 0.12, Cloth.PRINTED: 1.2}
"""Metres of cloth per repeat of its pattern; a print stands once on the chest and once on the back."""


def texture_layers(store: Store, size: int, rng: np.random.Generator) -> Image:
    """Return all layers (PATTERN_COUNT + products, size, size, 3) RGB; product number p is layer PATTERN_COUNT + p.

    Raises RendererError when a product's picture cannot be read.
    """
    drawn = [_floor(size, rng), _wall(size, rng), _price_tag(size), _coffee(size), _sign(size)]
    drawn += [_stripes(size), _checks(size), _print(size)]
    return np.stack([*drawn, *(_label(store, product.sku, product.image, size) for product in store.products)])


def _label(store: Store, sku: str, image: str, size: int) -> Image:
    path = Path(store.directory) / image
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise RendererError(f"{path}: product {sku}: picture cannot be read; correct `image` in the catalogue")
    resized = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(resized, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _speckled(
    size: int, colour: tuple[float, float, float], amount: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return a surface of one colour (RGB 0..255) with fine and coarse, tileable noise."""
    noise = np.zeros((size, size))
    for cells, share in ((size, 0.5), (size // 4, 0.3), (8, 0.2)):
        patch = rng.standard_normal((cells, cells))
        wide = cv2.resize(np.tile(patch, (3, 3)), (3 * size, 3 * size), interpolation=cv2.INTER_CUBIC)
        noise += share * wide[size : 2 * size, size : 2 * size]
    return np.asarray(colour) + amount * noise[..., None]


def _floor(size: int, rng: np.random.Generator) -> Image:
    """Two by two tiles with grout."""
    base = ((196, 192, 184), (172, 168, 160), (184, 170, 150), (150, 152, 156))[int(rng.integers(4))]
    picture = _speckled(size, base, 5.0, rng)
    half = size // 2
    for row in (0, 1):
        for column in (0, 1):
            picture[row * half : (row + 1) * half, column * half : (column + 1) * half] += rng.normal(0, 4)
    grout = max(size // 128, 1)
    for start in (0, half):
        picture[start : start + grout] = np.asarray(base) * 0.72
        picture[:, start : start + grout] = np.asarray(base) * 0.72
    return np.clip(picture, 0, 255).astype(np.uint8)


def _wall(size: int, rng: np.random.Generator) -> Image:
    base = ((226, 224, 216), (214, 220, 222), (222, 212, 196), (204, 212, 200))[int(rng.integers(4))]
    return np.clip(_speckled(size, base, 2.0, rng), 0, 255).astype(np.uint8)


def _price_tag(size: int) -> Image:
    """A white tag with a large price and small print; what stands on it is not legible from a ceiling."""
    picture = np.full((size, size, 3), 248, np.uint8)
    cv2.rectangle(picture, (0, 0), (size - 1, size - 1), (200, 200, 200), max(size // 64, 1))
    scale = size / 128
    cv2.putText(
        picture,
        "1.29",
        (int(10 * scale), int(90 * scale)),
        cv2.FONT_HERSHEY_DUPLEX,
        1.5 * scale,
        (190, 20, 30),
        int(3 * scale) + 1,
    )
    for line, width in enumerate((0.55, 0.4)):
        y = int((16 + 14 * line) * scale)
        cv2.line(picture, (int(8 * scale), y), (int(width * size), y), (60, 60, 60), int(4 * scale) + 1)
    for bar in range(12):
        x = int((70 + bar * 4) * scale)
        cv2.line(picture, (x, int(106 * scale)), (x, int(122 * scale)), (20, 20, 20), 1 + (bar * 7) % 3)
    return picture


def _stripes(size: int) -> Image:
    """Two dark stripes across; cloth multiplies its colour with its pattern."""
    picture = np.full((size, size, 3), 255, np.uint8)
    picture[int(0.1 * size) : int(0.45 * size)] = 120
    picture[int(0.65 * size) : int(0.75 * size)] = 60
    return picture


def _checks(size: int) -> Image:
    """A woven check: bands that darken where they cross."""
    band = np.ones(size)
    band[: size // 2] = 0.62
    line = np.ones(size)
    line[int(0.72 * size) : int(0.78 * size)] = 0.5
    weave = band[:, None] * band[None] * line[:, None] * line[None]
    return np.repeat((255 * weave[..., None]).astype(np.uint8), 3, axis=2)


def _print(size: int) -> Image:
    """A badge in the middle of plain cloth."""
    picture = np.full((size, size, 3), 255, np.uint8)
    middle = (size // 2, size // 2)
    cv2.circle(picture, middle, int(0.085 * size), (70, 80, 150), -1)
    cv2.circle(picture, middle, int(0.085 * size), (20, 20, 20), max(size // 90, 1))
    return picture


def _coffee(size: int) -> Image:
    """The front of a coffee machine: display, buttons, outlet."""
    picture = np.full((size, size, 3), (38, 36, 36), np.uint8)
    unit = size / 100

    def at(x: float, y: float) -> tuple[int, int]:
        return int(x * unit), int(y * unit)

    cv2.rectangle(picture, at(22, 8), at(78, 44), (70, 130, 170), -1)
    cv2.putText(
        picture, "COFFEE", at(27, 30), cv2.FONT_HERSHEY_DUPLEX, size / 190, (245, 245, 245), max(size // 120, 1)
    )
    for number in range(6):
        cv2.circle(picture, at(15 + 14 * number, 54), int(4 * unit), (180, 150, 90), -1)
    cv2.rectangle(picture, at(20, 64), at(80, 98), (14, 13, 13), -1)
    cv2.rectangle(picture, at(42, 62), at(58, 74), (120, 120, 124), -1)
    cv2.rectangle(picture, at(18, 95), at(82, 99), (150, 150, 155), -1)
    return picture


def _sign(size: int) -> Image:
    """The lit header of a fridge."""
    picture = np.full((size, size, 3), (30, 90, 150), np.uint8)
    picture[int(0.8 * size) :] = (240, 240, 245)
    scale = size / 256
    cv2.putText(
        picture,
        "FRESH & COLD",
        (int(14 * scale), int(140 * scale)),
        cv2.FONT_HERSHEY_DUPLEX,
        1.0 * scale,
        (245, 250, 255),
        max(int(2 * scale), 1),
    )
    return picture
