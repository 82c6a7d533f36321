"""The floor plan as polygons and as a grid: footprints, overlaps, free floor."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from walkout.store.model import Fixture, FixtureType, FloatArray

BoolArray = NDArray[np.bool_]


def footprint(fixture: Fixture) -> FloatArray:
    """Return the corners (4, 2) of a fixture on the floor, counter-clockwise, store metres."""
    depth, width = fixture.size[0] / 2, fixture.size[1] / 2
    local = np.array([[depth, -width], [depth, width], [-depth, width], [-depth, -width]])
    matrix = fixture.pose.matrix
    corners: FloatArray = local @ matrix[:2, :2].T + matrix[:2, 3]
    return corners


def overlap_depth(one: FloatArray, other: FloatArray) -> float:
    """Return how far two convex polygons (n, 2) reach into each other, 0 when apart (separating axis theorem)."""
    depth = np.inf
    for polygon in (one, other):
        edges = np.roll(polygon, -1, axis=0) - polygon
        normals = np.column_stack([edges[:, 1], -edges[:, 0]])
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        for normal in normals:
            a, b = one @ normal, other @ normal
            depth = min(depth, a.max() - b.min(), b.max() - a.min())
    return max(float(depth), 0.0)


def inside_polygon(points: FloatArray, polygon: FloatArray, margin: float = 0.0) -> BoolArray:
    """Return which points (..., 2) lie in a counter-clockwise convex polygon grown by ``margin`` metres."""
    edges = np.roll(polygon, -1, axis=0) - polygon
    normals = np.column_stack([edges[:, 1], -edges[:, 0]]) / np.linalg.norm(edges, axis=1, keepdims=True)
    signed = np.einsum("...ij,ij->...i", points[..., None, :] - polygon, normals)
    return np.asarray((signed <= margin).all(axis=-1), dtype=np.bool_)


class FloorGrid:
    """Square cells over the floor. ``centres`` (rows, columns, 2) are store metres.

    ``free`` marks the cells where a shopper of the given radius can stand; gates are passed through and do not block.
    """

    def __init__(
        self,
        floor: tuple[float, float, float, float],
        fixtures: Iterable[Fixture],
        radius: float,
        cell: float = 0.05,
    ) -> None:
        self.cell = cell
        xs = np.arange(floor[0] + cell / 2, floor[2], cell)
        ys = np.arange(floor[1] + cell / 2, floor[3], cell)
        self.centres = np.stack(np.meshgrid(xs, ys), axis=-1)
        blocked = np.zeros(self.centres.shape[:2], dtype=bool)
        for fixture in fixtures:
            if fixture.type is not FixtureType.GATE:
                blocked |= inside_polygon(self.centres, footprint(fixture))
        self.blocked: BoolArray = blocked
        self.origin = np.array(floor[:2])
        # A border of blocked cells stands for the outer walls.
        distance = ndimage.distance_transform_edt(~np.pad(blocked, 1, constant_values=True))[1:-1, 1:-1]
        self.free: BoolArray = np.asarray((distance - 0.5) * cell >= radius, dtype=np.bool_)

    def inside(self, polygon: FloatArray) -> BoolArray:
        """Return the cells whose centres lie in a convex counter-clockwise polygon (n, 2)."""
        return inside_polygon(self.centres, polygon)

    def before(self, fixture: Fixture) -> BoolArray:
        """Return the cells that lie on the front's side of a fixture's front plane."""
        forward, origin = fixture.pose.matrix[:2, 0], fixture.pose.matrix[:2, 3]
        return np.asarray((self.centres - origin) @ forward >= fixture.size[0] / 2, dtype=np.bool_)

    def within_reach(self, spots: FloatArray, point: FloatArray, distance: float) -> bool:
        """Return whether a straight unblocked line of at most ``distance`` metres leads from a spot to the point.

        The spots are (n, 2); the point (2,) may lie on the front of a fixture.
        """
        candidates = spots[((spots - point) ** 2).sum(axis=-1) <= distance**2]
        if not len(candidates):
            return False
        # The first centimetres are left out: the point itself lies on the edge of a blocked cell.
        shares = np.linspace(0.15, 1.0, 12)[:, None, None]
        samples = point + shares * (candidates - point)
        columns, rows = np.moveaxis(np.floor((samples - self.origin) / self.cell).astype(int), -1, 0)
        height, width = self.blocked.shape
        free = ~self.blocked[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)]
        return bool(free.all(axis=0).any())
