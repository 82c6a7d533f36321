"""The items on the shelves of the simulated store: every single piece with its place and its own true weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from walkout.simulation.scene import ItemPlace, ItemTable
from walkout.store.model import Facing, LaneSite, Product, Store

FRONT_MARGIN_M = 0.015
GAP_M = 0.004
TOUCHED_FOR_NS = 8_000_000_000


@dataclass
class LaneStock:
    """What stands in one lane: per column the rows of its items, the front one first."""

    site: LaneSite
    index: int
    pitch_y: float
    columns: list[list[int]] = field(default_factory=list)

    @property
    def rows(self) -> list[int]:
        """All items of the lane."""
        return [row for column in self.columns for row in column]


class Stock:
    """All items. Items move between shelf, hand, floor and gone (bought); none is ever created or destroyed.

    ``weight_g`` (n,) is each piece's true weight; ``lane`` (n,) the index of the lane an item stands in, -1 elsewhere.
    """

    def __init__(
        self,
        store: Store,
        fill: tuple[float, float],
        generator: np.random.Generator,
        counts: Mapping[str, int] | None = None,
        spares: Sequence[str] = (),
    ) -> None:
        """Fill every lane to a share drawn from ``fill``, at least with one piece unless fill is 0.

        Args:
            store: the store as it is truly stocked.
            fill: least and most share of a lane's capacity.
            generator: draws fill, weights and how pieces stand.
            counts: pieces in lanes of which it is known.
            spares: products of pieces that are nowhere yet; their rows are the last ones.
        """
        self._store = store
        self._generator = generator
        self._sku_index = {product.sku: index for index, product in enumerate(store.products)}
        self.lanes = [
            LaneStock(site, index, _pitch_y(site, store.facing_by_lane.get(lane_id)))
            for index, (lane_id, site) in enumerate(store.lane_sites.items())
        ]
        self.lane_by_id = {lane.site.lane.lane_id: lane for lane in self.lanes}
        known = counts or {}
        drawn = [self._draw_count(lane, fill) for lane in self.lanes]
        numbers = [known.get(lane.site.lane.lane_id, count) for lane, count in zip(self.lanes, drawn, strict=True)]
        shelved = sum(numbers)
        total = shelved + len(spares)
        self.table = ItemTable(
            product=np.zeros(total, np.int32),
            position=np.zeros((total, 3), np.float32),
            yaw=np.zeros(total, np.float32),
            place=np.full(total, ItemPlace.SHELF, np.uint8),
            touched=np.zeros(total, np.bool_),
        )
        self.weight_g = np.zeros(total)
        self.lane = np.full(total, -1, np.int32)
        self._local_x = np.zeros(total)
        self._touched_until: dict[int, int] = {}
        self.reserved: set[int] = set()
        self._fill_lanes(numbers)
        self.spare_rows = range(shelved, total)
        for row, sku in zip(self.spare_rows, spares, strict=True):
            product = store.product_by_sku[sku]
            self.table.product[row] = self._sku_index[sku]
            self.table.place[row] = ItemPlace.GONE
            self.weight_g[row] = max(1.0, generator.normal(product.weight_g, product.weight_sd_g))

    def _draw_count(self, lane: LaneStock, fill: tuple[float, float]) -> int:
        facing = self._store.facing_by_lane.get(lane.site.lane.lane_id)
        if facing is None:
            return 0
        share = self._generator.uniform(*fill)
        least = 1 if fill[1] > 0.0 else 0
        return int(np.clip(round(share * facing.capacity), least, facing.capacity))

    def _fill_lanes(self, counts: list[int]) -> None:
        row = 0
        for lane, count in zip(self.lanes, counts, strict=True):
            facing = self._store.facing_by_lane.get(lane.site.lane.lane_id)
            columns = facing.columns if facing else 1
            lane.columns = [[] for _ in range(columns)]
            if facing is None:
                continue
            product = self._store.product_by_sku[facing.sku]
            pitch = _pitch_x(lane.site, facing, product)
            for number in range(count):
                depth_index, column = divmod(number, columns)
                front = lane.site.lane.depth / 2 - FRONT_MARGIN_M - depth_index * pitch
                self.table.product[row] = self._sku_index[facing.sku]
                self.weight_g[row] = max(1.0, self._generator.normal(product.weight_g, product.weight_sd_g))
                lane.columns[column].append(row)
                jitter = self._generator.normal(0.0, [0.002, 0.002, 0.04])
                jitter[0] = np.clip(jitter[0], -GAP_M / 2, GAP_M / 2)
                self._place(row, lane, column, front - product.size[0] / 2 + jitter[0], jitter[1:])
                row += 1

    def _place(
        self, row: int, lane: LaneStock, column: int, local_x: float, jitter: NDArray[np.float64] | list[float]
    ) -> None:
        local_y = (column - (len(lane.columns) - 1) / 2) * lane.pitch_y + jitter[0]
        transform = lane.site.transform
        self.table.position[row] = transform[:3, :3] @ np.array([local_x, local_y, 0.0]) + transform[:3, 3]
        self.table.yaw[row] = lane.site.fixture.pose.yaw + jitter[1]
        self.table.place[row] = ItemPlace.SHELF
        self.lane[row] = lane.index
        self._local_x[row] = local_x

    def product(self, row: int) -> Product:
        """Return the product of an item."""
        return self._store.products[int(self.table.product[row])]

    def lane_loads(self) -> NDArray[np.float64]:
        """Return the true grams on every lane's plate, (lanes,)."""
        shelved = self.lane >= 0
        loads = np.bincount(self.lane[shelved], self.weight_g[shelved], minlength=len(self.lanes))
        return loads.astype(np.float64)

    def lanes_with(self, sku: str) -> list[LaneStock]:
        """Return the lanes in which a product can be taken now (its own lanes first)."""
        wanted = self._sku_index[sku]
        lanes = []
        for lane in self.lanes:
            if any(self.table.product[row] == wanted for row in self.available(lane)):
                lanes.append(lane)
        own = {facing.lane_id for facing in self._store.facings if facing.sku == sku}
        return sorted(lanes, key=lambda lane: lane.site.lane.lane_id not in own)

    def available(self, lane: LaneStock) -> list[int]:
        """Return the items at the front of the lane's columns that nobody is about to take."""
        return [column[0] for column in lane.columns if column and column[0] not in self.reserved]

    def choose(self, lane: LaneStock, sku: str, quantity: int, generator: np.random.Generator) -> list[int]:
        """Reserve up to ``quantity`` items that one hand grasps together: fronts of adjacent columns, then behind."""
        wanted = self._sku_index[sku]
        fronts = [
            index
            for index, column in enumerate(lane.columns)
            if column and column[0] not in self.reserved and self.table.product[column[0]] == wanted
        ]
        if not fronts:
            return []
        first = int(generator.choice(fronts))
        order = sorted(range(len(lane.columns)), key=lambda column: abs(column - first))
        rows: list[int] = []
        for column in order:
            for row in lane.columns[column]:
                if row in self.reserved or self.table.product[row] != wanted or len(rows) == quantity:
                    break
                rows.append(row)
                if abs(column - first) > 0:
                    break
            if len(rows) == quantity:
                break
        self.reserved.update(rows)
        return rows

    def release(self, rows: list[int]) -> None:
        """Give up a reservation."""
        self.reserved.difference_update(rows)

    def take(self, row: int) -> None:
        """Move an item from its shelf into a hand."""
        lane = self.lanes[int(self.lane[row])]
        for column in lane.columns:
            if row in column:
                column.remove(row)
        self.lane[row] = -1
        self.table.place[row] = ItemPlace.HAND
        self.table.touched[row] = True
        self._touched_until.pop(row, None)
        self.reserved.discard(row)
        self.table.version += 1

    def room(self, lane: LaneStock, product: Product) -> list[int]:
        """Return the columns that have space for one piece of a product in front of what stands there."""
        size_x, size_y, size_z = product.size
        if size_z > lane.site.shelf.clearance or size_y > lane.pitch_y + 0.02:
            return []
        return [index for index in range(len(lane.columns)) if self._front_space(lane, index) >= size_x + GAP_M]

    def _front_space(self, lane: LaneStock, column: int) -> float:
        front = lane.site.lane.depth / 2 - FRONT_MARGIN_M / 2
        if not lane.columns[column]:
            return lane.site.lane.depth - FRONT_MARGIN_M
        row = lane.columns[column][0]
        return float(front - self._local_x[row] - self.product(row).size[0] / 2)

    def spot(self, lane: LaneStock, column: int, product: Product) -> tuple[float, NDArray[np.float64]]:
        """Return local x and store position (3,) where a returned piece would stand in a column."""
        if lane.columns[column]:
            row = lane.columns[column][0]
            local_x = self._local_x[row] + self.product(row).size[0] / 2 + GAP_M + product.size[0] / 2
        else:
            local_x = lane.site.lane.depth / 2 - FRONT_MARGIN_M - product.size[0] / 2
        local_y = (column - (len(lane.columns) - 1) / 2) * lane.pitch_y
        transform = lane.site.transform
        return local_x, transform[:3, :3] @ np.array([local_x, local_y, 0.0]) + transform[:3, 3]

    def put(self, row: int, lane: LaneStock, column: int, now_ns: int, generator: np.random.Generator) -> None:
        """Move an item from a hand to the front of a lane's column."""
        local_x, _ = self.spot(lane, column, self.product(row))
        self._place(row, lane, column, local_x, generator.normal(0.0, [0.003, 0.15]))
        lane.columns[column].insert(0, row)
        self.table.touched[row] = True
        self._touched_until[row] = now_ns + TOUCHED_FOR_NS
        self.table.version += 1

    def room_behind(self, lane: LaneStock, product: Product) -> list[int]:
        """Return the columns that have space for one more piece of a product behind what stands there."""
        size_x, size_y, size_z = product.size
        if size_z > lane.site.shelf.clearance or size_y > lane.pitch_y + 0.02:
            return []
        back = -lane.site.lane.depth / 2
        return [c for c in range(len(lane.columns)) if self._behind(lane, c, product) - size_x / 2 >= back]

    def spot_behind(self, lane: LaneStock, column: int, product: Product) -> NDArray[np.float64]:
        """Return the store position (3,) where a piece would stand behind all others of a column."""
        local_y = (column - (len(lane.columns) - 1) / 2) * lane.pitch_y
        local = np.array([self._behind(lane, column, product), local_y, 0.0])
        return np.asarray(lane.site.transform[:3, :3] @ local + lane.site.transform[:3, 3])

    def _behind(self, lane: LaneStock, column: int, product: Product) -> float:
        if not lane.columns[column]:
            return float(lane.site.lane.depth / 2 - FRONT_MARGIN_M - product.size[0] / 2)
        row = lane.columns[column][-1]
        return float(self._local_x[row] - self.product(row).size[0] / 2 - GAP_M - product.size[0] / 2)

    def put_behind(self, row: int, lane: LaneStock, column: int, now_ns: int, generator: np.random.Generator) -> None:
        """Move an item from a hand behind all others of a lane's column."""
        local_x = self._behind(lane, column, self.product(row))
        self._place(row, lane, column, local_x, generator.normal(0.0, [0.003, 0.1]))
        lane.columns[column].append(row)
        self.table.touched[row] = True
        self._touched_until[row] = now_ns + TOUCHED_FOR_NS
        self.table.version += 1

    def stow(self, row: int) -> None:
        """Let an item vanish from the hand into a bag."""
        self.table.place[row] = ItemPlace.GONE

    def unstow(self, row: int) -> None:
        """Bring an item back from the bag into the hand."""
        self.table.place[row] = ItemPlace.HAND

    def hand_on(self, row: int) -> None:
        """Move an item that is on the floor, or in another hand, into a hand."""
        self.table.place[row] = ItemPlace.HAND
        self.table.version += 1

    def lay(self, row: int, position: NDArray[np.float64]) -> None:
        """Put an item that left a hand at a place (3,) on, or on its way to, the floor."""
        self.table.place[row] = ItemPlace.FLOOR
        self.table.position[row] = position
        self.table.version += 1

    def settle(self, now_ns: int) -> None:
        """Clear the touched mark of items that have stayed on their shelf for a while."""
        done = [row for row, until in self._touched_until.items() if until <= now_ns]
        for row in done:
            del self._touched_until[row]
            self.table.touched[row] = False
            self.table.version += 1


def _pitch_y(site: LaneSite, facing: Facing | None) -> float:
    return site.lane.width / (facing.columns if facing else 1)


def _pitch_x(site: LaneSite, facing: Facing, product: Product) -> float:
    fair = (site.lane.depth - 2 * FRONT_MARGIN_M) / facing.depth_count
    return min(max(product.size[0] * 1.01 + GAP_M, 0.0), max(fair, product.size[0] + GAP_M))
