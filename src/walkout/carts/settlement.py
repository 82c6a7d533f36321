"""What to charge when the contents of a cart are not certain: the number of pieces with the least expected cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from walkout.carts.types import CartLine
from walkout.interactions.types import VisitEstimate
from walkout.store.model import Store


@dataclass(frozen=True)
class SettlementParameters:
    """What mistakes cost.

    Attributes:
        overcharge: cost of charging a piece that was not taken, in multiples of its price.
        undercharge: cost of giving away a piece.
        review_minor: cost of having a person look, in minor units: dearer doubts are reviewed.
    """

    overcharge: float = 2.0
    undercharge: float = 1.0
    review_minor: float = 60.0

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        if self.undercharge <= 0 or self.overcharge < self.undercharge:
            raise ValueError("undercharge must be positive and overcharge at least as large")
        if self.review_minor <= 0:
            raise ValueError(f"review_minor is {self.review_minor}: must be positive")

    RANGES: ClassVar[Mapping[str, tuple[float, float]]] = {
        "overcharge": (0.01, 1000),
        "undercharge": (0.01, 1000),
        "review_minor": (0.01, 1e6),
    }


@dataclass(frozen=True)
class Doubt:
    """A product whose decision may cost more than a look: the most probable line and what is at stake."""

    proposed: CartLine
    at_stake_minor: int


@dataclass(frozen=True)
class Settlement:
    """What is charged, sorted by name, and what a person should look at."""

    lines: tuple[CartLine, ...]
    doubts: tuple[Doubt, ...]

    @property
    def total_minor(self) -> int:
        """What is charged in all."""
        return sum(line.total_minor for line in self.lines)


def settle(visit: VisitEstimate, store: Store, parameters: SettlementParameters) -> Settlement:
    """Decide for every product of a visit how many pieces are charged and whether a person should look."""
    lines, doubts = [], []
    for sku, odds in visit.counts.items():
        price = store.product_by_sku[sku].price_minor
        costs = {count: _cost(count, odds, price, parameters) for count in {0, *odds}}
        charged = min(costs, key=lambda count: (costs[count], count))
        if charged > 0:
            lines.append(_line(visit, store, sku, charged))
        if costs[charged] > parameters.review_minor:
            likeliest = max(odds, key=lambda count: (odds[count], -count))
            proposed = _line(visit, store, sku, likeliest if likeliest > 0 else max(odds))
            doubts.append(Doubt(proposed, round(costs[charged])))
    return Settlement(
        tuple(sorted(lines, key=lambda line: (line.name, line.sku))),
        tuple(sorted(doubts, key=lambda doubt: -doubt.at_stake_minor)),
    )


def _cost(charged: int, odds: dict[int, float], price_minor: int, p: SettlementParameters) -> float:
    """Return the expected cost in minor units; what the odds leave open counts as nothing taken."""
    open_odds = {**odds, 0: odds.get(0, 0.0) + max(0.0, 1.0 - sum(odds.values()))}
    return price_minor * sum(
        probability * (p.overcharge * max(0, charged - count) + p.undercharge * max(0, count - charged))
        for count, probability in open_odds.items()
    )


def _line(visit: VisitEstimate, store: Store, sku: str, quantity: int) -> CartLine:
    product = store.product_by_sku[sku]
    return CartLine(
        sku=sku,
        name=product.name,
        quantity=quantity,
        unit_price_minor=product.price_minor,
        probability=visit.counts[sku].get(quantity, 0.0),
        interaction_ids=visit.interaction_ids.get(sku, ()),
        camera_ids=visit.camera_ids.get(sku, ()),
    )
