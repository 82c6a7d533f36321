"""What lies in every lane: the planogram, and the strangers that put-backs leave behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from walkout.store.model import Store

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class PlanogramParameters:
    """How far the planogram is trusted.

    Attributes:
        neighbour: odds that a piece taken from a lane belongs to the lane beside it (own lane: 1).
        anywhere: odds that it is any other product of the catalogue, shared among all of them.
        stranger: odds of a product that is believed to lie in the lane as a stranger, per expected piece.
        return_elsewhere: odds that somebody puts a product into a lane that is not its own (own lane: 1).
        adopt_pieces: strangers beyond this many make a product a regular of the lane (re-merchandised shelf).
    """

    neighbour: float = 0.004
    anywhere: float = 0.004
    stranger: float = 0.4
    return_elsewhere: float = 0.15
    adopt_pieces: float = 3.0

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        for name, value in vars(self).items():
            if value <= 0:
                raise ValueError(f"{name} is {value}: must be positive")

    RANGES: ClassVar[Mapping[str, tuple[float, float]]] = {
        "neighbour": (1e-9, 1),
        "anywhere": (1e-9, 1),
        "stranger": (1e-9, 10),
        "return_elsewhere": (1e-9, 1),
        "adopt_pieces": (0.1, 100),
    }


class PlanogramBelief:
    """Odds of products per lane. ``skus`` gives the order of all arrays."""

    def __init__(self, store: Store, parameters: PlanogramParameters) -> None:
        """Start from the store's planogram."""
        self._p = parameters
        self.skus = tuple(product.sku for product in store.products)
        self._index = {sku: index for index, sku in enumerate(self.skus)}
        self._own: dict[str, int] = {
            lane_id: self._index[facing.sku] for lane_id, facing in store.facing_by_lane.items()
        }
        self._base = {
            lane.lane_id: self._start(shelf_lanes, position)
            for fixture in store.fixtures
            for shelf in fixture.shelves
            for shelf_lanes in [[lane.lane_id for lane in shelf.lanes]]
            for position, lane in enumerate(shelf.lanes)
        }
        self._strangers: dict[str, dict[str, float]] = {}

    def own_sku(self, lane_id: str) -> str:
        """Return the product that the planogram puts into the lane, "" when none."""
        index = self._own.get(lane_id)
        return "" if index is None else self.skus[index]

    def take_log_odds(self, lane_id: str) -> FloatArray:
        """Return (products,) log odds that a piece taken from the lane is of each product, summing to 1 as odds."""
        odds = self._base[lane_id].copy()
        for sku, pieces in self._strangers.get(lane_id, {}).items():
            regular = min(pieces / self._p.adopt_pieces, 1.0)
            odds[self._index[sku]] += self._p.stranger * min(pieces, 1.0) + regular
        return np.asarray(np.log(odds / odds.sum()))

    def stranger_log_odds(self) -> float:
        """Return the log odds of a product that lies in the lane as a stranger for sure."""
        return float(np.log(self._p.stranger / (1 + self._p.stranger)))

    def return_log_odds(self, lane_id: str) -> FloatArray:
        """Return (products,) log odds that a piece of each product is put into this lane, given that it is put back."""
        odds = np.full(len(self.skus), self._p.return_elsewhere)
        if lane_id in self._own:
            odds[self._own[lane_id]] = 1.0
        return np.asarray(np.log(odds))

    def strangers(self) -> dict[str, dict[str, float]]:
        """Return the expected pieces of foreign products by lane and product."""
        return {lane_id: dict(pieces) for lane_id, pieces in self._strangers.items()}

    def move(self, lane_id: str, sku: str, pieces: float) -> None:
        """Learn that an expected number of pieces came into the lane (negative: left it)."""
        if sku not in self._index or self.own_sku(lane_id) == sku:
            return
        lane = self._strangers.setdefault(lane_id, {})
        lane[sku] = max(0.0, lane.get(sku, 0.0) + pieces)
        if lane[sku] < 0.02:
            del lane[sku]
        if not lane:
            del self._strangers[lane_id]

    def to_document(self) -> dict[str, dict[str, float]]:
        """Return the belief as a plain document for the ledger."""
        return self.strangers()

    def restore(self, document: dict[str, dict[str, float]]) -> None:
        """Take the belief from a document; lanes and products that are no longer in the store are left out."""
        self._strangers = {
            lane_id: {sku: float(pieces) for sku, pieces in lane.items() if sku in self._index}
            for lane_id, lane in document.items()
            if lane_id in self._base
        }

    def _start(self, shelf_lanes: list[str], position: int) -> FloatArray:
        odds = np.full(len(self.skus), self._p.anywhere / max(len(self.skus), 1))
        for beside in (position - 1, position + 1):
            if 0 <= beside < len(shelf_lanes) and shelf_lanes[beside] in self._own:
                odds[self._own[shelf_lanes[beside]]] += self._p.neighbour
        if shelf_lanes[position] in self._own:
            odds[self._own[shelf_lanes[position]]] += 1.0
        return odds
