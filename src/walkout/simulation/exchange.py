"""Goods that change hands without a shelf: handed over, dropped on the floor, picked up from it."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from walkout.simulation.navigation import BODY_RADIUS_M
from walkout.simulation.people import Arm, minimum_jerk
from walkout.simulation.scenario_model import Action
from walkout.simulation.shopper import Doing, shares

if TYPE_CHECKING:
    from walkout.simulation.behaviour import Shopper

FloatArray = NDArray[np.float64]

PATIENCE_S = 90.0
APART_M = (0.62, 0.95)
"""People hand something over from this far."""
GRAVITY = 9.81


def hand_over(giver: Shopper, action: Action) -> Doing:
    """Go to the one who waits for a product and give it; gives up when they do not wait for it in time."""
    world = giver.world
    row = giver.held(action.sku)
    if row is None:
        return
    arm = yield from giver.arm_with(row)
    until_ns = world.now_ns + int(PATIENCE_S * 1e9)
    taker = None
    while taker is None:
        taker = world.waiting_taker(giver, action.person, action.sku)
        if taker is None and world.now_ns > until_ns:
            return
        yield
    if not (yield from _approach(giver, taker)) or taker.expecting is None:
        return
    yield from giver.turn_to(_towards(giver.walker.position, taker.walker.position))
    yield from _pass(giver, arm, row, taker)
    taker.expecting = None


def receive(taker: Shopper, action: Action) -> Doing:
    """Stand with a free hand until somebody has handed a product over, or for too long."""
    world = taker.world
    arm = yield from taker.free_arm()
    taker.stop()
    taker.expecting = (action.person, action.sku)
    until_ns = world.now_ns + int((PATIENCE_S + 30.0) * 1e9)
    while taker.expecting is not None and (world.now_ns < until_ns or arm.busy):
        giver = world.named(action.person)
        if giver is not None and np.hypot(*(giver.walker.position - taker.walker.position)) < 1.6:
            taker.walker.face = _towards(taker.walker.position, giver.walker.position)
        yield
    taker.expecting = None
    if arm.items:
        taker.stow_later(arm)


def _approach(giver: Shopper, taker: Shopper) -> Generator[None, None, bool]:
    """Walk to a free place near somebody who stands."""
    for attempt in range(8):
        offset = giver.walker.position - taker.walker.position
        distance = float(np.hypot(*offset))
        if APART_M[0] - 0.08 <= distance <= APART_M[1]:
            return True
        around = np.arctan2(offset[1], offset[0]) + np.array([0.0, 0.5, -0.5, 1.0, -1.0, 1.6, -1.6, 2.3, -2.3])
        places = taker.walker.position + 0.75 * np.stack([np.cos(around), np.sin(around)], axis=1)
        clear = giver.world.floor.clearance(places) > BODY_RADIUS_M + 0.02
        for place in places[clear][attempt % 2 :]:
            if giver.world.spot_free(place, giver, close=True):
                yield from giver.walk_to(place, 12.0)
                break
        else:
            yield from giver.pause(0.6)
    return False


def _pass(giver: Shopper, from_arm: Arm, row: int, taker: Shopper) -> Doing:
    """Let both stretch out a hand, the item change hands, and both draw back."""
    world = giver.world
    to_arm = next(arm for arm in (taker.walker.right, taker.walker.left) if not arm.items and not arm.busy)
    away = taker.walker.position - giver.walker.position
    away = away / max(float(np.hypot(*away)), 1e-6)
    middle = (giver.walker.position + taker.walker.position) / 2
    height = 0.63 * min(giver.walker.stature, taker.walker.stature)
    ends = [np.array([*(middle - sign * 0.09 * away), height]) for sign in (1.0, -1.0)]
    arms = (from_arm, to_arm)
    for arm in arms:
        arm.busy = True
    for share in shares(giver.generator.uniform(0.8, 1.1)):
        for arm, end in zip(arms, ends, strict=True):
            arm.target, arm.weight = end, minimum_jerk(share)
        yield
    for _ in shares(0.25):
        yield
    world.pass_item(giver, from_arm, row, taker, to_arm)
    from_arm.carry_goal, to_arm.carry_goal = (1.0 if from_arm.items else 0.0), 1.0
    for _ in shares(0.2):
        yield
    for share in shares(0.8):
        for arm in arms:
            arm.weight = 1.0 - minimum_jerk(share)
        yield
    for arm in arms:
        arm.target, arm.weight, arm.busy = None, 0.0, False


def drop(shopper: Shopper, action: Action) -> Doing:
    """Let an item fall to the floor before one's feet."""
    world = shopper.world
    row = shopper.held(action.sku)
    if row is None:
        return
    arm = yield from shopper.arm_with(row)
    for _ in shares(0.5):
        yield
    walker = shopper.walker
    ahead = np.array([np.cos(walker.yaw), np.sin(walker.yaw)])
    place = next(
        (
            walker.position + turn * 0.38 * ahead
            for turn in (1.0, -1.0)
            if _free(shopper, walker.position + turn * 0.38 * ahead)
        ),
        walker.position,
    )
    start = world.let_fall(shopper, arm, row)
    arm.carry_goal = 1.0 if arm.items else 0.0
    fall_s = float(np.sqrt(2.0 * max(start[2], 0.05) / GRAVITY))
    for share in shares(fall_s):
        level = start[:2] + share * (place - start[:2])
        world.lay(row, np.array([*level, max(0.0, start[2] - 0.5 * GRAVITY * (share * fall_s) ** 2)]))
        yield
    world.lay(row, np.array([*place, 0.0]))


def pick_up(shopper: Shopper, action: Action) -> Doing:
    """Take the nearest piece of a product off the floor; waits a while for it to lie there."""
    world = shopper.world
    until_ns = world.now_ns + int(PATIENCE_S * 1e9)
    while (row := world.on_floor(action.sku, shopper.walker.position)) is None:
        if world.now_ns > until_ns:
            return
        yield
    lies = world.stock.table.position[row][:2].astype(float)
    around = np.linspace(0.0, 2 * np.pi, 12, endpoint=False)
    places = lies + 0.42 * np.stack([np.cos(around), np.sin(around)], axis=1)
    places = places[world.floor.clearance(places) > BODY_RADIUS_M + 0.02]
    for place in places[np.argsort(np.linalg.norm(places - shopper.walker.position, axis=1))]:
        if world.spot_free(place, shopper) and (yield from shopper.walk_to(place, 15.0)):
            break
    else:
        return
    yield from shopper.turn_to(_towards(shopper.walker.position, lies))
    arm = yield from shopper.free_arm()
    if world.on_floor(action.sku, lies) != row:
        return
    size = world.stock.product(row).size
    wrist = np.array([*(lies + 0.06 * (shopper.walker.position - lies)), min(0.55 * size[2], 0.14) + 0.09])
    arm.busy = True
    for share in shares(1.1):
        arm.target, arm.weight = wrist, minimum_jerk(share)
        yield
    world.lift(shopper, arm, row)
    arm.carry_goal = 1.0
    for share in shares(1.0):
        arm.weight = 1.0 - minimum_jerk(share)
        yield
    arm.target, arm.weight, arm.busy = None, 0.0, False
    shopper.stow_later(arm)


def _free(shopper: Shopper, place: FloatArray) -> bool:
    return bool(shopper.world.floor.clearance(place[None])[0] > 0.1)


def _towards(here: FloatArray, there: FloatArray) -> float:
    return float(np.arctan2(there[1] - here[1], there[0] - here[0]))
