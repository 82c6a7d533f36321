"""What the cameras of a store can see: fixtures as boxes that hide what is behind them, floor and shelf coverage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from walkout.geometry.camera import in_image, project
from walkout.store.floor import FloorGrid
from walkout.store.layout_file import BACK_PANEL, BOARD_THICKNESS
from walkout.store.model import Camera, Fixture, FixtureType, FloatArray, Shelf, Store

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

BODY_HEIGHTS = (0.9, 1.6)
"""Metres above the floor of the hips and the head of a shopper: who shows both is seen."""
FILL = 0.8
"""How far up the goods on a shelf fill the clearance, at most."""
WALL_THICKNESS = 0.03
"""Metres of the side walls of a fridge."""


@dataclass(frozen=True)
class Boxes:
    """Solid boxes: ``to_local`` (m, 4, 4) takes store points to each box, ``low`` and ``high`` (m, 3) are there."""

    to_local: FloatArray
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True)
class ShelfCriterion:
    """When a camera sees a point of a shelf's front plane well: near enough and not too much from the side."""

    max_distance: float = 6.0
    min_cosine: float = 0.17
    hand_gap: float = 0.03

    def __post_init__(self) -> None:
        if self.max_distance <= 0 or not 0 <= self.min_cosine < 1:
            raise ValueError("max_distance must be above 0 and min_cosine within 0..1")


@dataclass(frozen=True)
class Coverage:
    """How many cameras see what. ``floor`` (rows, columns) counts per cell of ``grid``; blocked cells count -1.

    ``shelf_points`` (n, 3) lie on the front planes of the lanes ``shelf_lanes``; ``shelf_counts`` (n,) are the cameras
    that see them well.
    """

    grid: FloorGrid
    floor: IntArray
    shelf_lanes: tuple[str, ...]
    shelf_points: FloatArray
    shelf_counts: IntArray

    def floor_share(self, cameras: int) -> float:
        """Return the share of the free floor on which a shopper is seen by at least so many cameras."""
        counts = self.floor[self.floor >= 0]
        return float((counts >= cameras).mean()) if counts.size else 0.0

    def shelf_share(self, cameras: int) -> float:
        """Return the share of the shelf front points that at least so many cameras see well."""
        return float((self.shelf_counts >= cameras).mean()) if self.shelf_counts.size else 0.0


def solid_boxes(fixtures: Sequence[Fixture]) -> Boxes:
    """Return what of the fixtures hides the view: panels, walls and boards with their goods. Gates hide nothing."""
    matrices, lows, highs = [], [], []
    for fixture in fixtures:
        inverse = np.linalg.inv(fixture.pose.matrix)
        for low, high in _parts(fixture):
            matrices.append(inverse)
            lows.append(low)
            highs.append(high)
    return Boxes(np.reshape(matrices, (-1, 4, 4)), np.reshape(lows, (-1, 3)), np.reshape(highs, (-1, 3)))


def blocked(origin: ArrayLike, points: ArrayLike, boxes: Boxes) -> BoolArray:
    """Return which of the points (n, 3) a box hides from the origin (3,) (slab test on the segments)."""
    start = boxes.to_local[:, :3, :3] @ np.asarray(origin, dtype=float) + boxes.to_local[:, :3, 3]
    ends = np.einsum("mij,nj->nmi", boxes.to_local[:, :3, :3], np.asarray(points, dtype=float))
    ends += boxes.to_local[:, :3, 3]
    along = ends - start
    along = np.where(np.abs(along) < 1e-12, 1e-12, along)
    one, other = (boxes.low - start) / along, (boxes.high - start) / along
    entry = np.minimum(one, other).max(axis=2)
    leave = np.maximum(one, other).min(axis=2)
    return np.asarray(((entry < leave) & (leave > 0) & (entry < 1 - 1e-9)).any(axis=1), dtype=np.bool_)


def visible(camera: Camera, points: ArrayLike, boxes: Boxes, margin: float = 4.0) -> BoolArray:
    """Return which points (n, 3) fall into the camera's picture, ``margin`` pixels inside, with no box before them."""
    given = np.atleast_2d(np.asarray(points, dtype=float))
    seen = in_image(camera, project(camera, given)[0], margin)
    seen[seen] = ~blocked(camera.position, given[seen], boxes)
    return seen


def coverage(store: Store, cell: float = 0.1, criterion: ShelfCriterion | None = None) -> Coverage:
    """Return how many cameras see each spot of the free floor and each shelf front of a store."""
    boxes = solid_boxes(store.fixtures)
    grid = FloorGrid(store.floor, store.fixtures, 0.2, cell)
    lanes, points, normals = shelf_front_points(store)
    rule = criterion or ShelfCriterion()
    floor = np.where(grid.free, 0, -1)
    spots = grid.centres[grid.free]
    shelves = np.zeros(len(points), dtype=np.int64)
    for camera in store.cameras:
        floor[grid.free] += sees_shopper(camera, spots, boxes)
        shelves += sees_shelf(camera, points, normals, boxes, rule)
    return Coverage(grid, floor, lanes, points, shelves)


def sees_shopper(camera: Camera, spots: FloatArray, boxes: Boxes) -> BoolArray:
    """Return at which floor spots (n, 2) the camera sees hips and head of a standing shopper."""
    seen = np.ones(len(spots), dtype=np.bool_)
    for height in BODY_HEIGHTS:
        seen &= visible(camera, np.column_stack([spots, np.full(len(spots), height)]), boxes)
    return seen


def sees_shelf(
    camera: Camera, points: FloatArray, normals: FloatArray, boxes: Boxes, criterion: ShelfCriterion
) -> BoolArray:
    """Return which points (n, 3) of front planes with outward ``normals`` (n, 3) the camera sees well."""
    hands = points + criterion.hand_gap * normals
    back = camera.position - hands
    distance = np.linalg.norm(back, axis=1)
    facing = np.einsum("ni,ni->n", back, normals) / distance
    good = (distance <= criterion.max_distance) & (facing >= criterion.min_cosine)
    good[good] = visible(camera, hands[good], boxes)
    return np.asarray(good, dtype=np.bool_)


def shelf_front_points(store: Store) -> tuple[tuple[str, ...], FloatArray, FloatArray]:
    """Return points of all lanes' front planes (near the board and near the top): lane ids, (n, 3), normals (n, 3)."""
    lanes, points, normals = [], [], []
    for fixture in store.fixtures:
        matrix = fixture.pose.matrix
        for shelf in fixture.shelves:
            for lane in shelf.lanes:
                for height in (0.05, 0.6 * shelf.clearance):
                    lanes.append(lane.lane_id)
                    points.append((matrix @ [shelf.x + lane.depth / 2, lane.y, shelf.z + height, 1.0])[:3])
                    normals.append(matrix[:3, 0])
    return tuple(lanes), np.reshape(points, (-1, 3)), np.reshape(normals, (-1, 3))


def _parts(fixture: Fixture) -> list[tuple[tuple[float, ...], tuple[float, ...]]]:
    """Return the solid boxes (low, high) of a fixture in its own frame."""
    depth, width, height = fixture.size
    back, front, side = -depth / 2, depth / 2, width / 2
    if fixture.type is FixtureType.GATE:
        return []
    if not fixture.shelves:
        return [((back, -side, 0.0), (front, side, height))]
    parts = [_goods(shelf) for shelf in fixture.shelves]
    if fixture.type is FixtureType.GONDOLA:
        return [*parts, ((back, -side, 0.0), (back + BACK_PANEL, side, height))]
    if fixture.type is FixtureType.FRIDGE:
        top = fixture.shelves[-1].z + fixture.shelves[-1].clearance - 0.05
        return [
            *parts,
            ((back, -side, 0.0), (back + BACK_PANEL, side, height)),
            ((back, -side, 0.0), (front, -side + WALL_THICKNESS, height)),
            ((back, side - WALL_THICKNESS, 0.0), (front, side, height)),
            ((back, -side, min(top, height - 0.01)), (front, side, height)),
        ]
    tray = fixture.shelves[0]
    return [
        ((back, -side, 0.0), (front, side, tray.z)),
        ((back, -side, 0.0), (tray.x - tray.depth / 2, side, height)),
    ]


def _goods(shelf: Shelf) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the box of a board with its goods, in the fixture's frame."""
    near, far = shelf.x + shelf.depth / 2, shelf.x - shelf.depth / 2
    low = max(shelf.z - BOARD_THICKNESS, 0.0)
    return (far, -shelf.width / 2, low), (near, shelf.width / 2, shelf.z + FILL * shelf.clearance)
