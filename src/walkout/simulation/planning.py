"""Drawing a visit from a behaviour mix: what to take, in which order, where to look, what to put back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from walkout.simulation.scenario import Action, ActionKind, Behaviour
from walkout.simulation.stock import Stock
from walkout.store.model import FixtureType, Store

FloatArray = NDArray[np.float64]


def plan_visit(
    store: Store, stock: Stock, mix: Behaviour, generator: np.random.Generator, position: FloatArray
) -> list[Action]:
    """Draw the actions of one visit from a behaviour mix: what to take, in a sensible order, and what to return."""
    skus = _draw_products(store, stock, mix, generator)
    actions: list[Action] = []
    for lane_id, sku, quantity in _order(store, skus, generator, position):
        if generator.random() < mix.browse_probability:
            actions.append(_browse(store, generator))
        if generator.random() < mix.touch_probability:
            actions.append(Action(ActionKind.TOUCH, lane_id=lane_id))
        actions.append(Action(ActionKind.TAKE, sku=sku, lane_id=lane_id, quantity=quantity))
        actions.append(Action(ActionKind.WAIT, seconds=float(generator.uniform(*mix.dwell_s))))
    if skus and generator.random() < mix.put_back_probability:
        _insert_return(actions, generator, Action(ActionKind.PUT_BACK))
    if skus and generator.random() < mix.put_back_elsewhere_probability:
        lanes = list(store.lane_sites)
        wrong = lanes[int(generator.integers(len(lanes)))]
        _insert_return(actions, generator, Action(ActionKind.PUT_BACK_ELSEWHERE, lane_id=wrong))
    return actions


def _draw_products(
    store: Store, stock: Stock, mix: Behaviour, generator: np.random.Generator
) -> list[tuple[str, str, int]]:
    """Return (lane id, sku, quantity) triples whose quantities sum to the drawn number of items, as stock allows."""
    offers = [
        facing
        for facing in store.facings
        if stock.available(stock.lane_by_id[facing.lane_id])
        and not store.product_by_sku[facing.sku].sold_by_weight
        and (not mix.categories or store.product_by_sku[facing.sku].category in mix.categories)
    ]
    wanted = int(generator.integers(mix.items[0], mix.items[1] + 1))
    chosen: list[tuple[str, str, int]] = []
    for index in generator.permutation(len(offers)):
        if wanted <= 0:
            break
        facing = offers[int(index)]
        if any(sku == facing.sku for _, sku, _ in chosen):
            continue
        lane = stock.lane_by_id[facing.lane_id]
        most = min(wanted, len(lane.rows), 3)
        several = most > 1 and generator.random() < mix.multi_take_probability
        quantity = int(generator.integers(2, most + 1)) if several else 1
        chosen.append((facing.lane_id, facing.sku, quantity))
        wanted -= quantity
    return chosen


def _order(
    store: Store, wanted: list[tuple[str, str, int]], generator: np.random.Generator, position: FloatArray
) -> list[tuple[str, str, int]]:
    """Walk the list nearest first, with a little caprice."""
    here = position
    left, ordered = list(wanted), []
    while left:
        distances = [np.hypot(*(store.lane_sites[entry[0]].position[:2] - here)) for entry in left]
        index = int(np.argmin(np.array(distances) * generator.uniform(0.6, 1.4, len(left))))
        ordered.append(left.pop(index))
        here = store.lane_sites[ordered[-1][0]].position[:2]
    return ordered


def _browse(store: Store, generator: np.random.Generator) -> Action:
    fixtures = [f.fixture_id for f in store.fixtures if f.shelves or f.type is FixtureType.COFFEE_MACHINE]
    fixture_id = fixtures[int(generator.integers(len(fixtures)))]
    return Action(ActionKind.LOOK, fixture_id=fixture_id, seconds=float(generator.uniform(0.8, 3.5)))


def _insert_return(actions: list[Action], generator: np.random.Generator, template: Action) -> None:
    """Let the shopper think better of one product: at once, before the same shelf, or later on the way."""
    takes = [index for index, action in enumerate(actions) if action.kind is ActionKind.TAKE]
    index = takes[int(generator.integers(len(takes)))]
    taken = actions[index]
    pieces = 1 if generator.random() < 0.7 else taken.quantity
    back = Action(template.kind, sku=taken.sku, lane_id=template.lane_id or taken.lane_id, quantity=pieces)
    at_once = generator.random() < 0.5
    later = [position for position in takes if position > index]
    position = len(actions)
    if at_once:
        position = index + 2
    elif later:
        position = later[int(generator.integers(len(later)))]
    actions.insert(min(position, len(actions)), back)
