"""What a simulated person does with shelves: find a place before a lane, free a hand, stow, open a fridge's door."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from walkout.simulation.navigation import BODY_RADIUS_M
from walkout.simulation.people import Arm, Walker
from walkout.simulation.shopper import Actor, Doing
from walkout.simulation.standing import candidate_spots, in_reach, spot_at
from walkout.simulation.stock import LaneStock

if TYPE_CHECKING:
    from walkout.simulation.world import World

FloatArray = NDArray[np.float64]

MEETING_S = 75.0
"""So long one waits for the others of a meeting before going on alone."""


class Handler(Actor):
    """A person who handles goods. ``bag`` has the rows of stowed items; ``spot`` is the standing place they claim."""

    def __init__(self, world: World, walker: Walker, generator: np.random.Generator, visit_id: int) -> None:
        """Begin with an empty bag, standing nowhere."""
        super().__init__(world, walker, generator)
        self.visit_id = visit_id
        self.bag: list[int] = []
        self.spot: FloatArray | None = None

    def meet(self, label: str) -> Doing:
        """Wait, standing, until everybody else of a meeting has come."""
        if not label:
            return
        self.stop()
        until_ns = self.world.now_ns + int(MEETING_S * 1e9)
        self.world.meetings.come(label, self.visit_id)
        while not self.world.meetings.complete(label) and self.world.now_ns < until_ns:
            yield

    # ---- hands

    def free_arm(self, lane: LaneStock | None = None) -> Generator[None, None, Arm]:
        """Return an empty hand, the one on the lane's side or the stronger one; stows what is in the way."""
        yield from self.finish_gesture()
        arms = self._arms_by_preference(lane)
        for arm in arms:
            if not arm.items:
                return arm
        yield from self.stow(arms[0])
        return arms[0]

    def _arms_by_preference(self, lane: LaneStock | None) -> list[Arm]:
        walker = self.walker
        lateral = -0.1 if walker.right_handed else 0.1
        if lane is not None:
            left_of = np.array([-np.sin(walker.yaw), np.cos(walker.yaw)])
            lateral += float((lane.site.position[:2] - walker.position) @ left_of)
            return [walker.left, walker.right] if lateral > 0.12 else [walker.right, walker.left]
        return [walker.right, walker.left] if walker.right_handed else [walker.left, walker.right]

    def arm_with(self, row: int, lane: LaneStock | None = None) -> Generator[None, None, Arm]:
        """Return the hand that holds an item, after taking it out of the bag if need be."""
        yield from self.finish_gesture()
        for arm in self.walker.arms:
            if row in arm.items:
                return arm
        arm = yield from self.free_arm(lane)
        yield from self.unstow(arm, [row])
        return arm

    def held(self, sku: str) -> int | None:
        """Return an item of a product that is in a hand or in the bag."""
        for arm in self.walker.arms:
            for row in arm.items:
                if self.world.stock.product(row).sku == sku:
                    return row
        return next((row for row in self.bag if self.world.stock.product(row).sku == sku), None)

    def stow_later(self, arm: Arm) -> None:
        """Put what a hand holds into the bag after a while, beside what else is done."""
        delay = self.generator.exponential(2.5) + 1.2 if self.generator.random() < 0.75 else 1e9

        def gesture() -> Doing:
            until_ns = self.world.now_ns + int(min(delay, 1e6) * 1e9)
            rows = list(arm.items)
            while self.world.now_ns < until_ns:
                if self.walker.ghost or arm.items != rows or arm.busy:
                    return
                yield
            yield from self.stow(arm)

        self.world.start_pending(self, gesture())

    # ---- doors

    def open_door(self, lane: LaneStock, arm: Arm) -> Doing:
        """Pull a fridge's door open, unless it is, and keep it so."""
        fixture = lane.site.fixture
        if not fixture.has_door:
            return
        was_open = self.world.doors.opening(fixture.fixture_id) > 0.5
        if not was_open:
            axis = fixture.pose.matrix[:3, 0]
            front = np.array([fixture.pose.x, fixture.pose.y, 0.0]) + axis * (fixture.size[0] / 2 + 0.02)
            lateral = (self.walker.position - front[:2]) @ fixture.pose.matrix[:2, 1]
            handle = front + fixture.pose.matrix[:3, 1] * lateral + np.array([0.0, 0.0, 1.05])
            yield from self.pull_door(arm, handle + axis * 0.06)
        self.world.doors.hold(fixture.fixture_id, self.visit_id)
        while self.world.doors.opening(fixture.fixture_id) < 0.95:
            yield

    def close_door(self, lane: LaneStock, stays_open_s: float = 0.0) -> None:
        """Let a fridge's door fall shut, after a while if wanted."""
        if lane.site.fixture.has_door:
            until_ns = self.world.now_ns + int(stays_open_s * 1e9)
            self.world.doors.release(lane.site.fixture.fixture_id, self.visit_id, until_ns)

    # ---- standing before a lane

    def go_to_lane(self, lane: LaneStock, stand_m: float | None = None) -> Generator[None, None, bool]:
        """Walk to a free place from which the lane is in reach and face it; False when there is none for long.

        ``stand_m`` is a wanted place beside the lane, also close to somebody else.
        """
        for _ in range(12):
            spot = self._choose_spot(lane) if stand_m is None else self._wanted_spot(lane, stand_m)
            if spot is None:
                place = self.choose_waiting_place(0.8, 2.5, lane.site.position[:2])
                if place is not None and np.hypot(*(place - self.walker.position)) > 1.5:
                    yield from self.walk_to(place, 6.0)
                yield from self.pause(self.generator.uniform(0.7, 1.6), look=True)
                continue
            self.spot = spot
            near = self.walk_to(spot, 20.0) if stand_m is None else self._squeeze_in(lane, spot)
            if (yield from near):
                aim = lane.site.position[:2] - self.walker.position
                if stand_m is not None:
                    # Beside a lane one stands straight before the shelf and reaches sideways.
                    aim = -lane.site.transform[:2, 0]
                yield from self.turn_to(float(np.arctan2(aim[1], aim[0])))
                return True
            self.spot = None
        return False

    def _squeeze_in(self, lane: LaneStock, spot: FloatArray) -> Generator[None, None, bool]:
        """Walk to a place before a lane that may be close beside somebody: straight in from behind it."""
        behind = spot + 0.35 * lane.site.transform[:2, 0]
        if not (yield from self.walk_to(behind, 20.0)):
            return False
        self.walker.pushy = True
        until_ns = self.world.now_ns + int(6e9)
        yield from self.walk_line(spot, 0.6, lambda: self.world.now_ns > until_ns)
        self.walker.pushy = False
        self.stop()
        return bool(np.hypot(*(self.walker.position - spot)) < 0.12)

    def _choose_spot(self, lane: LaneStock) -> FloatArray | None:
        spots = candidate_spots(lane.site, self.walker.right_handed, self.generator)
        clear = self.world.floor.clearance(spots) > BODY_RADIUS_M + 0.015
        if self.spot is not None:
            spots = np.vstack([self.spot, spots])
            clear = np.concatenate([[in_reach(lane.site, self.spot)], clear])
        for spot, usable in zip(spots, clear, strict=True):
            if usable and self.world.spot_free(spot, self):
                return np.asarray(spot)
        return None

    def _wanted_spot(self, lane: LaneStock, stand_m: float) -> FloatArray | None:
        spots = spot_at(self.world.floor, lane.site, stand_m)
        return next((spot for spot in spots if self.world.spot_free(spot, self, close=True)), None)
