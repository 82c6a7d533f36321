"""Stores, cameras and crowds drawn at random: what the detector is trained on instead of the store it is judged on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from walkout.geometry.camera import intrinsics_from_fov
from walkout.geometry.transforms import look_at
from walkout.store.floor import footprint, overlap_depth
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

FloatArray = NDArray[np.float64]
Rng = np.random.Generator

TURNS = (0.0, np.pi / 2, np.pi, -np.pi / 2)


@dataclass(frozen=True)
class CameraRanges:
    """What ceiling cameras there may be: heights in metres, tilt below the horizon and fields of view in degrees."""

    height: tuple[float, float] = (2.35, 3.0)
    tilt: tuple[float, float] = (20.0, 70.0)
    field_of_view: tuple[float, float] = (68.0, 102.0)
    resolutions: tuple[tuple[int, int], ...] = ((480, 360), (480, 360), (640, 480))
    distorted_share: float = 0.05


def random_store(catalogue: Store, rng: Rng) -> Store:
    """Return a store of random size and furniture that sells products of ``catalogue``; it has no cameras."""
    width, depth = rng.uniform(4.0, 10.0), rng.uniform(4.0, 8.0)
    fixtures = _along_walls(width, depth, rng)
    for _ in range(int(rng.integers(0, 4))):
        _add_island(fixtures, width, depth, rng)
    facings = [
        _facing(lane, shelf, catalogue.products, rng) for f in fixtures for shelf in f.shelves for lane in shelf.lanes
    ]
    by_lane = {facing.lane_id: facing for facing in facings if facing is not None}
    return Store(
        store_id="random",
        name="Random",
        currency="EUR",
        floor=(0.0, 0.0, width, depth),
        ceiling=float(rng.uniform(2.6, 3.2)),
        fixtures=tuple(fixtures),
        cameras=(),
        zones=(),
        products=catalogue.products,
        facings=tuple(by_lane.values()),
        directory=catalogue.directory,
    )


def random_camera(number: int, store: Store, around: FloatArray, ranges: CameraRanges, rng: Rng) -> Camera:
    """Return a camera near the ceiling that looks at about the point ``around`` (2,) of the floor."""
    low, high = np.array(store.floor[:2]), np.array(store.floor[2:])
    height = min(rng.uniform(*ranges.height), store.ceiling - 0.05)
    low_tilt, high_tilt = ranges.tilt
    tilt = np.radians(low_tilt + (high_tilt - low_tilt) * rng.beta(1.2, 1.8))
    aim_height = rng.uniform(0.3, 1.3)
    distance = (height - aim_height) / np.tan(tilt)
    heading = rng.uniform(-np.pi, np.pi)
    aim = around + rng.normal(0, 0.5, 2)
    place = np.clip(aim - distance * np.array([np.cos(heading), np.sin(heading)]), low + 0.1, high - 0.1)
    if np.linalg.norm(aim - place) < 0.3:
        aim = place + 0.3 * np.array([np.cos(heading), np.sin(heading)])
    position = np.array([*place, height])
    rotation = look_at(position, np.array([*aim, aim_height])) @ _roll(rng.normal(0, 0.03))
    width, image_height = ranges.resolutions[int(rng.integers(len(ranges.resolutions)))]
    distortion = np.zeros(5)
    if rng.random() < ranges.distorted_share:
        distortion[:2] = rng.uniform(-0.12, 0.04), rng.uniform(0.0, 0.02)
    return Camera(
        camera_id=f"r{number}",
        width=width,
        height=image_height,
        matrix=intrinsics_from_fov(width, image_height, np.radians(rng.uniform(*ranges.field_of_view))),
        distortion=distortion,
        position=position,
        rotation=rotation,
        source="",
    )


def _roll(angle: float) -> FloatArray:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])


def _along_walls(width: float, depth: float, rng: Rng) -> list[Fixture]:
    fixtures: list[Fixture] = []
    walls = (
        (np.array([0.0, 0.0]), np.array([1.0, 0.0]), width, np.pi / 2),
        (np.array([width, 0.0]), np.array([0.0, 1.0]), depth, np.pi),
        (np.array([width, depth]), np.array([-1.0, 0.0]), width, -np.pi / 2),
        (np.array([0.0, depth]), np.array([0.0, -1.0]), depth, 0.0),
    )
    for corner, along, length, yaw in walls:
        inward = np.array([np.cos(yaw), np.sin(yaw)])
        at = rng.uniform(0.0, 1.2)
        while at + 0.9 < length:
            span = min(rng.uniform(0.8, 1.9), length - at)
            if rng.random() < 0.6:
                kind = _kind(rng)
                size = _size(kind, span, rng)
                middle = corner + along * (at + span / 2) + inward * (size[0] / 2 + 0.02)
                _add(fixtures, _fixture(len(fixtures), kind, Pose2(middle[0], middle[1], yaw), size, rng))
            at += span + max(rng.uniform(-0.2, 0.6), 0.0)
    return fixtures


def _add_island(fixtures: list[Fixture], width: float, depth: float, rng: Rng) -> None:
    """Add two gondolas back to back, maybe turned by any angle."""
    yaw = float(rng.choice(TURNS)) if rng.random() < 0.7 else rng.uniform(-np.pi, np.pi)
    middle = np.array([rng.uniform(1.2, width - 1.2), rng.uniform(1.2, depth - 1.2)])
    size = _size(FixtureType.GONDOLA, rng.uniform(0.9, 1.8), rng)
    for turn in (0.0, np.pi):
        ahead = np.array([np.cos(yaw + turn), np.sin(yaw + turn)]) * size[0] / 2
        pose = Pose2(middle[0] + ahead[0], middle[1] + ahead[1], yaw + turn)
        _add(fixtures, _fixture(len(fixtures), FixtureType.GONDOLA, pose, size, rng))


def _add(fixtures: list[Fixture], fixture: Fixture) -> None:
    shape = footprint(fixture)
    if all(overlap_depth(shape, footprint(other)) < 0.03 for other in fixtures):
        fixtures.append(fixture)


def _kind(rng: Rng) -> FixtureType:
    kinds = (FixtureType.GONDOLA, FixtureType.FRIDGE, FixtureType.COFFEE_MACHINE, FixtureType.GATE, FixtureType.WALL)
    return kinds[int(rng.choice(5, p=[0.62, 0.14, 0.08, 0.1, 0.06]))]


def _size(kind: FixtureType, span: float, rng: Rng) -> tuple[float, float, float]:
    depth, height = rng.uniform(0.35, 0.6), rng.uniform(1.2, 2.0)
    if kind is FixtureType.GATE:
        return float(rng.uniform(0.4, 0.7)), float(min(span, 1.1)), 1.0
    if kind is FixtureType.FRIDGE:
        depth, height = depth + 0.15, rng.uniform(1.7, 2.1)
    if kind is FixtureType.WALL:
        depth, height = 0.15, rng.uniform(1.0, 2.4)
    if kind is FixtureType.COFFEE_MACHINE:
        span, height = min(span, 0.9), 1.5
    return float(depth), float(span), float(height)


def _fixture(number: int, kind: FixtureType, pose: Pose2, size: tuple[float, float, float], rng: Rng) -> Fixture:
    name = f"f{number}"
    shelves: tuple[Shelf, ...] = ()
    if kind in (FixtureType.GONDOLA, FixtureType.FRIDGE):
        shelves = _shelves(name, size, int(rng.integers(3, 7)), rng)
    elif kind is FixtureType.COFFEE_MACHINE:
        shelves = (_shelf(name, 0, size, 0.95, 0.3, 0.35, rng),)
    direction = None
    if kind is FixtureType.GATE:
        direction = GateDirection.ENTRY if rng.random() < 0.5 else GateDirection.EXIT
    return Fixture(name, kind, pose, size, shelves, direction, kind is FixtureType.FRIDGE)


def _shelves(name: str, size: tuple[float, float, float], count: int, rng: Rng) -> tuple[Shelf, ...]:
    heights = np.linspace(0.12, size[2] - rng.uniform(0.22, 0.35), count)
    depths = np.linspace(size[0] - 0.04, rng.uniform(0.26, size[0] - 0.04), count)
    clearance = float(heights[1] - heights[0]) - 0.03
    return tuple(
        _shelf(name, index, size, float(heights[index]), clearance, float(depths[index]), rng) for index in range(count)
    )


def _shelf(
    name: str, index: int, size: tuple[float, float, float], z: float, clearance: float, depth: float, rng: Rng
) -> Shelf:
    width = size[1] - 0.04
    count = max(1, round(width / rng.uniform(0.2, 0.32)))
    pitch = width / count
    lanes = tuple(
        Lane(f"{name}/{index}/{lane}", lane, (lane - (count - 1) / 2) * pitch, pitch - 0.005, depth)
        for lane in range(count)
    )
    return Shelf(index, -size[0] / 2 + 0.03 + depth / 2, z, width, depth, clearance, lanes)


def _facing(lane: Lane, shelf: Shelf, products: tuple[Product, ...], rng: Rng) -> Facing | None:
    fitting = [p for p in products if p.size[1] < lane.width and p.size[2] < shelf.clearance and p.size[0] < lane.depth]
    if not fitting or rng.random() < 0.04:
        return None
    product = fitting[int(rng.integers(len(fitting)))]
    gap = 0.004 if product.shape is not ProductShape.BAG else 0.01
    columns = max(1, int(lane.width / (product.size[1] + gap)))
    return Facing(lane.lane_id, product.sku, columns, max(1, int((lane.depth - 0.02) / (product.size[0] + gap))))
