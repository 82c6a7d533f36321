"""The floor people walk on: clearances to fixtures, shortest comfortable paths, and the ways through the gates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from walkout.store.model import Fixture, FixtureType, GateDirection, Store

FloatArray = NDArray[np.float64]

CELL_M = 0.08
TABLE_M = 0.03
BODY_RADIUS_M = 0.24
COMFORT_M = 0.42
PERSON_BLOCK_M = 0.52


@dataclass(frozen=True)
class Portal:
    """The way through a gate: points (2,) on the floor, walked from ``start`` over ``centre`` to ``end``.

    For an entry ``start`` lies outside and ``end`` inside; ``halt`` is where one stands while the gate is closed.
    """

    gate_id: str
    direction: GateDirection
    start: FloatArray
    halt: FloatArray
    centre: FloatArray
    end: FloatArray

    @property
    def inside(self) -> FloatArray:
        """The portal's end that lies inside the store."""
        return self.end if self.direction is GateDirection.ENTRY else self.start


class FloorMap:
    """Free space of a store for a person's centre, as exact clearances and as a grid to plan on."""

    def __init__(self, store: Store) -> None:
        """Measure the fixtures. The coordinates are those of the store frame, metres."""
        self._floor = store.floor
        solid = [fixture for fixture in store.fixtures if fixture.size[0] > 0 and fixture.size[1] > 0]
        self._centres = np.array([[f.pose.x, f.pose.y] for f in solid]).reshape(-1, 2)
        self._halves = np.array([[f.size[0] / 2, f.size[1] / 2] for f in solid]).reshape(-1, 2)
        yaws = np.array([f.pose.yaw for f in solid])
        self._cos, self._sin = np.cos(yaws), np.sin(yaws)
        self.portals = {f.fixture_id: make_portal(f) for f in store.fixtures if f.type is FixtureType.GATE}
        self._build_table()
        self._build_grid()

    def _build_table(self) -> None:
        margin = 2.0
        x_min, y_min, x_max, y_max = self._floor
        self._table_origin = np.array([x_min - margin, y_min - margin])
        xs = np.arange(x_min - margin, x_max + margin, TABLE_M)
        ys = np.arange(y_min - margin, y_max + margin, TABLE_M)
        points = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
        self._table = np.concatenate([self.exact_clearance(part) for part in np.array_split(points, 16)])
        self._table = self._table.reshape(len(ys), len(xs))
        self._table_most = np.array([len(xs) - 1.001, len(ys) - 1.001])

    def clearance(self, points: FloatArray) -> FloatArray:
        """Return ``exact_clearance`` to a few millimetres, read from a table."""
        place = (points - self._table_origin) / TABLE_M
        np.clip(place, 0.0, self._table_most, out=place)
        cell = place.astype(np.intp)
        across, up = place[:, 0] - cell[:, 0], place[:, 1] - cell[:, 1]
        table, column, row = self._table, cell[:, 0], cell[:, 1]
        low = table[row, column] * (1 - across) + table[row, column + 1] * across
        high = table[row + 1, column] * (1 - across) + table[row + 1, column + 1] * across
        return np.asarray(low * (1 - up) + high * up)

    def exact_clearance(self, points: FloatArray) -> FloatArray:
        """Return the distance (n,) from points (n, 2) to the nearest fixture or the edge of the floor; < 0 inside."""
        x_min, y_min, x_max, y_max = self._floor
        edge = np.min(
            np.stack([points[:, 0] - x_min, x_max - points[:, 0], points[:, 1] - y_min, y_max - points[:, 1]]), axis=0
        )
        if not len(self._centres):
            return edge
        offset = points[:, None, :] - self._centres
        local_x = np.abs(offset[..., 0] * self._cos + offset[..., 1] * self._sin) - self._halves[:, 0]
        local_y = np.abs(-offset[..., 0] * self._sin + offset[..., 1] * self._cos) - self._halves[:, 1]
        outside = np.hypot(np.maximum(local_x, 0.0), np.maximum(local_y, 0.0))
        signed = outside + np.minimum(np.maximum(local_x, local_y), 0.0)
        return np.minimum(edge, signed.min(axis=1))

    def _build_grid(self) -> None:
        x_min, y_min, x_max, y_max = self._floor
        self._columns = max(2, int(np.ceil((x_max - x_min) / CELL_M)))
        self._rows = max(2, int(np.ceil((y_max - y_min) / CELL_M)))
        xs = x_min + (np.arange(self._columns) + 0.5) * (x_max - x_min) / self._columns
        ys = y_min + (np.arange(self._rows) + 0.5) * (y_max - y_min) / self._rows
        self._points = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
        clear = self.clearance(self._points)
        self._free = clear >= BODY_RADIUS_M + 0.01
        discomfort = np.clip((COMFORT_M - clear) / (COMFORT_M - BODY_RADIUS_M), 0.0, 1.0)
        self._cell_cost = 1.0 + 3.0 * discomfort**2
        self._build_edges()

    def _build_edges(self) -> None:
        index = np.arange(self._rows * self._columns).reshape(self._rows, self._columns)
        pairs = [
            (index[:, :-1], index[:, 1:]),
            (index[:-1, :], index[1:, :]),
            (index[:-1, :-1], index[1:, 1:]),
            (index[:-1, 1:], index[1:, :-1]),
        ]
        first = np.concatenate([a.ravel() for a, _ in pairs])
        second = np.concatenate([b.ravel() for _, b in pairs])
        usable = self._free[first] & self._free[second]
        first, second = first[usable], second[usable]
        self._edge_from = np.concatenate([first, second])
        self._edge_to = np.concatenate([second, first])
        self._edge_length = np.linalg.norm(self._points[self._edge_from] - self._points[self._edge_to], axis=1)

    def plan(self, start: FloatArray, goal: FloatArray, people: FloatArray | None = None) -> FloatArray | None:
        """Return the corners (n, 2) of a comfortable path from start to goal, start excluded, or None without one.

        ``people`` (m, 2) are persons who stand in the way; cells near them are barred.
        """
        free = self._free
        cost = self._cell_cost
        if people is not None and len(people):
            gap = np.linalg.norm(self._points[:, None] - people, axis=2).min(axis=1)
            near_start = np.linalg.norm(self._points - start, axis=1) < 0.12
            free = free & ((gap > PERSON_BLOCK_M) | near_start)
            cost = cost + 2.0 * np.clip((0.9 - gap) / 0.4, 0.0, 1.0)
        first, last = self._nearest_free(start, free), self._nearest_free(goal, free)
        if first is None or last is None:
            return None
        open_edge = free[self._edge_from] & free[self._edge_to]
        source, target = self._edge_from[open_edge], self._edge_to[open_edge]
        weight = self._edge_length[open_edge] * 0.5 * (cost[source] + cost[target])
        graph = csr_matrix((weight, (source, target)), shape=(len(self._points),) * 2)
        distance, parent = dijkstra(graph, indices=first, return_predecessors=True)
        if not np.isfinite(distance[last]):
            return None
        cells = [last]
        while cells[-1] != first:
            cells.append(int(parent[cells[-1]]))
        path = np.vstack([start, self._points[cells[::-1]], goal])
        return self._pull(path, people)

    def _nearest_free(self, point: FloatArray, free: NDArray[np.bool_]) -> int | None:
        distance = np.where(free, np.linalg.norm(self._points - point, axis=1), np.inf)
        best = int(np.argmin(distance))
        return best if distance[best] < 0.45 else None

    def _pull(self, path: FloatArray, people: FloatArray | None) -> FloatArray:
        """Shorten a path: keep only the corners that are needed to see from each to the next."""
        corners = []
        at = 0
        while at < len(path) - 1:
            low, high = at + 1, len(path) - 1
            while low < high:
                middle = (low + high + 1) // 2
                if self.visible(path[at], path[middle], people):
                    low = middle
                else:
                    high = middle - 1
            corners.append(path[low])
            at = low
        return np.array(corners)

    def visible(self, start: FloatArray, end: FloatArray, people: FloatArray | None = None) -> bool:
        """Return whether one can walk straight from start to end with some comfort."""
        length = float(np.linalg.norm(end - start))
        points = start + np.linspace(0.0, 1.0, max(2, int(length / 0.06)))[:, None] * (end - start)
        clear = self.clearance(points)
        need = min(BODY_RADIUS_M + 0.1, max(BODY_RADIUS_M, min(float(clear[0]), float(clear[-1]))))
        if clear[1:].min() < need:
            return False
        if people is None or not len(people):
            return True
        gap = np.linalg.norm(points[:, None] - people, axis=2)
        return bool(gap[1:].min() > PERSON_BLOCK_M)

    def free_area(self) -> float:
        """Return how much of the floor is free for people's centres, square metres."""
        x_min, y_min, x_max, y_max = self._floor
        return float(self._free.mean() * (x_max - x_min) * (y_max - y_min))

    def free_points(self, spacing: float = 0.24) -> FloatArray:
        """Return comfortable places to stand (n, 2) that can be reached from the gates."""
        step = max(1, round(spacing / CELL_M))
        rows = np.arange(len(self._points))
        on_grid = (rows // self._columns % step == 0) & (rows % self._columns % step == 0)
        return self._points[on_grid & self._free & (self._cell_cost < 2.0)]


def make_portal(gate: Fixture) -> Portal:
    """Return the way through a gate: people come out of its front, outside for an exit and inside for an entry."""
    centre = np.array([gate.pose.x, gate.pose.y])
    axis = np.array([np.cos(gate.pose.yaw), np.sin(gate.pose.yaw)])
    half = gate.size[0] / 2
    if gate.direction is GateDirection.EXIT:
        start = centre - axis * (half + 0.4)
        return Portal(gate.fixture_id, GateDirection.EXIT, start, start, centre, centre + axis * (half + 1.0))
    start, halt = centre - axis * (half + 1.3), centre - axis * (half + 0.4)
    return Portal(gate.fixture_id, GateDirection.ENTRY, start, halt, centre, centre + axis * (half + 0.4))
