"""A store of one gondola for tests of pictures, and scenes in it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from walkout.simulation.scene import Appearance, BodyPose, ItemPlace, ItemTable, Person
from walkout.store.model import (
    Camera,
    Facing,
    Fixture,
    FixtureType,
    GateDirection,
    Lane,
    Pose2,
    Product,
    ProductShape,
    Shelf,
    Store,
)


def camera_at(
    position: tuple[float, float, float],
    target: tuple[float, float, float],
    size: tuple[int, int] = (320, 240),
    focal: float = 230.0,
    distortion: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0, 0.0),
) -> Camera:
    eye = np.array(position)
    forward = np.array(target) - eye
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    # An off-centre principal point and unequal focal lengths show mistakes that a centred lens hides.
    matrix = np.array([[focal, 0.0, size[0] / 2 + 7.3], [0.0, focal * 1.04, size[1] / 2 - 4.1], [0.0, 0.0, 1.0]])
    rotation = np.stack([right, np.cross(forward, right), forward], axis=1)
    return Camera("test", *size, matrix, np.array(distortion), eye, rotation, "sim://test")


def build_store(directory: Path) -> Store:
    products = []
    for number, shape in enumerate(ProductShape):
        picture = np.full((64, 64, 3), (40 + 40 * number, 200 - 30 * number, 90), np.uint8)
        cv2.putText(picture, shape.value, (2, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 255), 2)
        cv2.imwrite(str(directory / f"{shape.value}.png"), picture)
        products.append(
            Product(
                sku=shape.value, gtin="", name=shape.value, brand="", category="", price_minor=100, tax_percent=7.0,
                weight_g=100.0, weight_sd_g=1.0, size=(0.08, 0.08, 0.16), shape=shape, image=f"{shape.value}.png",
            )
        )  # fmt: skip
    lanes = tuple(Lane(f"g/0/{i}", i, 0.4 * (i - 1), 0.4, 0.4) for i in range(3))
    shelves = (Shelf(0, 0.03, 0.6, 1.2, 0.4, 0.4, lanes),)
    fixtures = (
        Fixture("g", FixtureType.GONDOLA, Pose2(0.3, 2.0, 0.0), (0.5, 1.2, 1.2), shelves),
        Fixture("f", FixtureType.FRIDGE, Pose2(2.0, 3.7, -np.pi / 2), (0.5, 1.2, 1.8), (), has_door=True),
        Fixture("x", FixtureType.GATE, Pose2(3.0, 0.5, 0.0), (0.4, 1.0, 1.0), (), GateDirection.EXIT),
    )
    facings = tuple(Facing(lane.lane_id, products[lane.index].sku, 2, 2) for lane in lanes)
    return Store(
        "t", "Test", "EUR", (0.0, 0.0, 4.0, 4.0), 2.8, fixtures, (), (), tuple(products), facings, str(directory)
    )


def stock(count: int = 12) -> ItemTable:
    """Items of all shapes in a row on the board's front half."""
    rows = np.arange(count)
    position = np.zeros((count, 3), np.float32)
    position[:, 0] = 0.40
    position[:, 1] = 2.0 - 0.5 + rows * (1.0 / max(count - 1, 1))
    position[:, 2] = 0.6
    return ItemTable(
        product=(rows % 5).astype(np.int32),
        position=position,
        yaw=np.zeros(count, np.float32),
        place=np.full(count, ItemPlace.SHELF, np.uint8),
        touched=np.zeros(count, np.bool_),
    )


def person(
    pose: BodyPose, body: int = 0, scale: float = 1.0, outfit: int = 0, number: int = 7, bag: bool = False
) -> Person:
    looks = Appearance(
        body, scale, (0.5, 0.3, 0.2), (0.05, 0.04, 0.03), (0.6, 0.05, 0.05), (0.03, 0.04, 0.1), (0.1, 0.1, 0.1),
        bag=bag, outfit=outfit,
    )  # fmt: skip
    return Person(number, looks, pose)
