"""Items as the renderer takes them: how products look, and which items stand still where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from walkout.simulation.device import INSTANCE, SHAPES
from walkout.simulation.scene import ItemTable
from walkout.simulation.textures import PATTERN_COUNT
from walkout.simulation.views import Rectangle
from walkout.store.model import Camera, ProductShape, Store

_FINE_RADIUS_PX = 22.0
"""Packages that look larger than this are drawn in fine detail."""


@dataclass(frozen=True)
class ProductLook:
    """Columns over the store's products: size (p, 3), shape number, cap colour (p, 3)."""

    sizes: NDArray[np.float32]
    shapes: NDArray[np.int64]
    caps: NDArray[np.float32]

    @staticmethod
    def of(store: Store, layers: NDArray[np.uint8]) -> ProductLook:
        """Read the products' outlines; what is in a bottle has something of its label's colour."""
        caps = {
            ProductShape.BOX: (0.8, 0.8, 0.8),
            ProductShape.CAN: (0.62, 0.63, 0.66),
            ProductShape.BOTTLE: (0.45, 0.52, 0.55),
            ProductShape.BAG: (0.8, 0.8, 0.8),
            ProductShape.CUP: (0.85, 0.84, 0.82),
        }
        tints = (layers[PATTERN_COUNT:].reshape(len(store.products), -1, 3).mean(axis=1) / 255.0) ** 2
        plain = np.array([caps[product.shape] for product in store.products]).reshape(-1, 3)
        bottle = np.array([product.shape is ProductShape.BOTTLE for product in store.products])[:, None]
        return ProductLook(
            np.array([product.size for product in store.products], dtype=np.float32).reshape(-1, 3),
            np.array([SHAPES.index(product.shape) for product in store.products], dtype=np.int64),
            np.where(bottle, 0.55 * plain + 0.45 * tints, plain).astype(np.float32),
        )

    def instances(
        self,
        products: NDArray[np.int32],
        positions: NDArray[np.float32],
        yaws: NDArray[np.float32],
        rows: NDArray[np.integer],
    ) -> NDArray[np.void]:
        """Return the packages to draw for item numbers ``rows``."""
        result = np.zeros(len(rows), INSTANCE)
        result["place"][:, :3], result["place"][:, 3] = positions, yaws
        result["size"], result["cap"] = self.sizes[products], self.caps[products]
        result["layer"], result["id"] = PATTERN_COUNT + products, rows + 1
        return result


@dataclass
class BakedItems:
    """Which items the still layers show, and where they stood when they were drawn."""

    rows: NDArray[np.bool_]
    product: NDArray[np.int32]
    position: NDArray[np.float32]
    yaw: NDArray[np.float32]

    @staticmethod
    def empty(count: int) -> BakedItems:
        """Return a state without items."""
        return BakedItems(
            np.zeros(count, np.bool_),
            np.zeros(count, np.int32),
            np.zeros((count, 3), np.float32),
            np.zeros(count, np.float32),
        )

    def same_place(self, items: ItemTable) -> NDArray[np.bool_]:
        """Return which items stand where they were drawn."""
        same: NDArray[np.bool_] = (self.position == items.position).all(axis=1) & (self.yaw == items.yaw)
        return same & (self.product == items.product)

    def add(self, items: ItemTable, rows: NDArray[np.bool_]) -> None:
        """Take items in, where they stand now."""
        self.rows |= rows
        self.product[rows], self.position[rows], self.yaw[rows] = (
            items.product[rows],
            items.position[rows],
            items.yaw[rows],
        )

    def instances(self, look: ProductLook, rows: NDArray[np.integer]) -> NDArray[np.void]:
        """Return the packages to draw for some rows."""
        return look.instances(self.product[rows], self.position[rows], self.yaw[rows], rows)

    def visible(
        self, camera: Camera, rectangle: Rectangle, look: ProductLook
    ) -> tuple[NDArray[np.integer], NDArray[np.bool_]]:
        """Return the still items that may show in a rectangle of a picture, nearest first, and which in detail."""
        rows = np.flatnonzero(self.rows)
        sizes = look.sizes[self.product[rows]]
        centres = self.position[rows] + sizes * np.array([0, 0, 0.5], np.float32)
        radius = np.linalg.norm(sizes, axis=1) / 2
        local = (centres - camera.position) @ camera.rotation
        near = np.maximum(local[:, 2] - radius, 0.05)
        pixels = local[:, :2] @ camera.matrix[:2, :2].T / local[:, 2:] + camera.matrix[:2, 2]
        reach = camera.matrix[0, 0] * radius * (1 + np.abs(local[:, :2]).max(axis=1) / near) / near + 2
        x0, y0, x1, y1 = rectangle
        inside = (pixels[:, 0] + reach > x0) & (pixels[:, 0] - reach < x1)
        inside &= (pixels[:, 1] + reach > y0) & (pixels[:, 1] - reach < y1)
        chosen = np.flatnonzero((local[:, 2] > -radius) & (inside | (local[:, 2] < 2 * radius)))
        chosen = chosen[np.argsort(local[chosen, 2])]
        return rows[chosen], camera.matrix[0, 0] * radius[chosen] / near[chosen] > _FINE_RADIUS_PX


def corners(instances: NDArray[np.void]) -> list[NDArray[np.float32]]:
    """Return a box of 8 points around every package, whatever its yaw."""
    if not len(instances):
        return []
    radius = np.hypot(instances["size"][:, 0], instances["size"][:, 1]) / 2
    signs = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (0, 1)], dtype=np.float32)
    extent = np.stack([radius, radius, instances["size"][:, 2]], axis=1)
    boxes = instances["place"][:, None, :3] + signs[None] * extent[:, None]
    return list(boxes.astype(np.float32))
