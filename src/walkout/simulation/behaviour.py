"""A shopper's visit from the gate to the gate: scripted actions, or a plan drawn from a behaviour mix."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from walkout.interactions.types import InteractionKind
from walkout.simulation.gates import Answer
from walkout.simulation.navigation import BODY_RADIUS_M, Portal
from walkout.simulation.people import Arm, Walker
from walkout.simulation.planning import plan_visit
from walkout.simulation.scenario import Action, ActionKind, Arrival
from walkout.simulation.shopper import Actor, Doing
from walkout.simulation.stock import LaneStock
from walkout.simulation.truth import TrueVisit
from walkout.store.model import GateDirection, LaneSite

if TYPE_CHECKING:
    from walkout.simulation.world import World

FloatArray = NDArray[np.float64]

RETAP_S = 6.0
SPOT_GAP_M = 0.6
SMALL_WIDTH_M = 0.075


class Shopper(Actor):
    """A person on a visit. ``bag`` has the rows of the stowed items; ``spot`` is the standing place they claim."""

    def __init__(
        self, world: World, walker: Walker, generator: np.random.Generator, arrival: Arrival, visit: TrueVisit
    ) -> None:
        """Begin a visit outside the entry gate."""
        super().__init__(world, walker, generator)
        self.arrival = arrival
        self.visit = visit
        self.bag: list[int] = []
        self.spot: FloatArray | None = None
        self.doing = self._visit()

    def _visit(self) -> Doing:
        portal = self.world.entry_portal
        admitted = yield from self._enter(portal)
        self.world.leave_portal(portal, self)
        if not admitted:
            return
        script = self.arrival.script
        for action in self._plan() if script is None else script:
            if action.kind is ActionKind.LEAVE:
                break
            yield from self._act(action)
            self.spot = None
        yield from self._leave()

    def _plan(self) -> list[Action]:
        world = self.world
        return plan_visit(world.store, world.stock, self.arrival.behaviour, self.generator, self.walker.position)

    # ---- gates

    def _enter(self, portal: Portal) -> Generator[None, None, bool]:
        gate, walker = self.world.gates[portal.gate_id], self.walker
        walker.ghost = True
        yield from self.walk_line(portal.halt, 0.8)
        self.stop()
        while True:
            gate.tap(self.visit.token, self.world.now_ns)
            yield from self._wait_for_answer(portal)
            if gate.answer is Answer.DENIED:
                self.visit.denied = True
                yield from self.pause(1.0)
                yield from self.walk_line(portal.start, walker.cruise_m_s)
                return False
            if gate.answer is Answer.OPEN:
                break
        yield from self._cross(portal)
        walker.ghost = False
        return True

    def _wait_for_answer(self, portal: Portal) -> Doing:
        gate = self.world.gates[portal.gate_id]
        until_ns = self.world.now_ns + int(RETAP_S * 1e9)
        while gate.answer is Answer.NONE and self.world.now_ns < until_ns:
            yield
        while gate.answer is Answer.OPEN and not gate.is_open:
            yield

    def _cross(self, portal: Portal) -> Doing:
        gate, walker = self.world.gates[portal.gate_id], self.walker
        forward = portal.end - portal.start
        speed = min(walker.cruise_m_s, 0.95)

        def past_centre() -> bool:
            return bool((walker.position - portal.centre) @ forward >= 0.0)

        yield from self.walk_line(portal.end, speed, past_centre)
        gate.passage(self.world.now_ns)
        if portal.direction is GateDirection.ENTRY:
            self.visit.entered_ns = self.world.now_ns
        else:
            self.visit.left_ns = self.world.now_ns
        yield from self.walk_line(portal.end, speed)

    def _leave(self) -> Doing:
        portal = self.world.choose_exit(self.walker.position)
        while not self.world.claim_portal(portal, self):
            place = self.choose_waiting_place(0.9, 2.8, portal.inside)
            if place is not None and np.hypot(*(self.walker.position - portal.inside)) > 3.0:
                yield from self.walk_to(place, 6.0)
            yield from self.pause(self.generator.uniform(0.5, 1.0), look=True)
        while True:
            if (yield from self.walk_to(portal.start, 30.0)):
                break
        gate = self.world.gates[portal.gate_id]
        gate.open(self.world.now_ns)
        self.walker.ghost = True
        while not gate.is_open:
            yield
        yield from self._cross(portal)
        self.world.leave_portal(portal, self)

    # ---- actions

    def _act(self, action: Action) -> Doing:
        if action.kind is ActionKind.WAIT:
            yield from self.pause(action.seconds, look=True)
        elif action.kind is ActionKind.WALK:
            yield from self.walk_to(np.array(action.point), 30.0)
        elif action.kind is ActionKind.LOOK:
            yield from self._look(action)
        elif action.kind is ActionKind.TAKE:
            yield from self._take(action)
        elif action.kind is ActionKind.TOUCH:
            yield from self._touch(action)
        else:
            yield from self._put_back(action)

    def _look(self, action: Action) -> Doing:
        fixture = self.world.store.fixture_by_id[action.fixture_id]
        axis = np.array([np.cos(fixture.pose.yaw), np.sin(fixture.pose.yaw)])
        side = np.array([-axis[1], axis[0]])
        lateral = self.generator.uniform(-0.35, 0.35) * fixture.size[1]
        base = np.array([fixture.pose.x, fixture.pose.y]) + side * lateral
        for distance in self.generator.uniform(0.6, 1.1, 6):
            goal = base + axis * (fixture.size[0] / 2 + distance)
            if self.world.floor.clearance(goal[None])[0] > BODY_RADIUS_M + 0.02 and self.world.spot_free(goal, self):
                if (yield from self.walk_to(goal, 15.0)):
                    yield from self.turn_to(float(np.arctan2(-axis[1], -axis[0])))
                break
        yield from self.pause(action.seconds, look=True)

    def _take(self, action: Action) -> Doing:
        left = action.quantity
        for _ in range(3 * action.quantity + 2):
            lane = self._lane_to_take(action)
            if left == 0 or lane is None:
                return
            if not (yield from self._go_to_lane(lane)):
                continue
            sku = action.sku or self.world.store.facing_by_lane[lane.site.lane.lane_id].sku
            together = left if self._fits_hand(sku) and self.generator.random() < 0.5 else 1
            left -= yield from self._grasp(lane, sku, min(together, 2))

    def _fits_hand(self, sku: str) -> bool:
        return self.world.store.product_by_sku[sku].size[1] <= SMALL_WIDTH_M

    def _lane_to_take(self, action: Action) -> LaneStock | None:
        stock = self.world.stock
        if action.lane_id:
            lane = stock.lane_by_id[action.lane_id]
            return lane if stock.available(lane) else None
        lanes = stock.lanes_with(action.sku)
        return lanes[0] if lanes else None

    def _grasp(self, lane: LaneStock, sku: str, quantity: int) -> Generator[None, None, int]:
        """Take up to so many pieces with one hand; returns how many."""
        arm = yield from self._free_arm(lane)
        rows = self.world.stock.choose(lane, sku, quantity, self.generator)
        if not rows:
            yield
            return 0
        yield from self._open_door(lane, arm)
        size = self.world.stock.product(rows[0]).size
        wrist = self.wrist_at(lane, self.world.stock.table.position[rows[0]].astype(float), size)
        moved: list[tuple[int, float]] = []

        def act() -> bool:
            moved.append((self.world.now_ns, self.world.take(self, arm, rows)))
            return True

        stamps = yield from self.reach(arm, lane, wrist, act)
        self._close_door(lane)
        stamp_ns, grams = moved[0]
        self.world.record(self, InteractionKind.TAKE, sku, len(rows), lane, stamp_ns, stamps, -grams)
        self._stow_later(arm)
        return len(rows)

    def _touch(self, action: Action) -> Doing:
        lane_id = action.lane_id or next(f.lane_id for f in self.world.store.facings if f.sku == action.sku)
        lane = self.world.stock.lane_by_id[lane_id]
        if not (yield from self._go_to_lane(lane)):
            return
        arm = yield from self._free_arm(lane)
        yield from self._open_door(lane, arm)
        depth = self.generator.uniform(-0.1, 0.35) * lane.site.lane.depth
        point = lane.site.position + lane.site.transform[:3, 0] * depth
        wrist = self.wrist_at(lane, point, (0.05, 0.05, self.generator.uniform(0.08, 0.2)))
        stamps = yield from self.reach(arm, lane, wrist, lambda: False)
        self._close_door(lane)
        facing = self.world.store.facing_by_lane.get(lane_id)
        sku = facing.sku if facing else ""
        self.world.record(self, InteractionKind.TOUCH, sku, 0, lane, stamps[0], stamps, 0.0)

    def _put_back(self, action: Action) -> Doing:
        stock = self.world.stock
        for _ in range(action.quantity):
            row = self._held(action.sku)
            lane = self._lane_to_return(action, row) if row is not None else None
            if row is None or lane is None or not (yield from self._go_to_lane(lane)):
                return
            arm = yield from self._arm_with(row, lane)
            yield from self._open_door(lane, arm)
            columns = stock.room(lane, stock.product(row))
            if not columns:
                self._close_door(lane)
                continue
            yield from self._place(arm, row, lane, int(self.generator.choice(columns)))
            self._close_door(lane)

    def _place(self, arm: Arm, row: int, lane: LaneStock, column: int) -> Doing:
        stock = self.world.stock
        product = stock.product(row)
        _, spot = stock.spot(lane, column, product)
        moved: list[int] = []

        def act() -> bool:
            if column in stock.room(lane, product):
                self.world.put(self, arm, row, lane, column)
                moved.append(self.world.now_ns)
            return bool(arm.items)

        stamps = yield from self.reach(arm, lane, self.wrist_at(lane, spot, product.size), act)
        if moved:
            grams = float(stock.weight_g[row])
            self.world.record(self, InteractionKind.RETURN, product.sku, 1, lane, moved[0], stamps, grams)

    def _held(self, sku: str) -> int | None:
        for arm in self.walker.arms:
            for row in arm.items:
                if self.world.stock.product(row).sku == sku:
                    return row
        return next((row for row in self.bag if self.world.stock.product(row).sku == sku), None)

    def _lane_to_return(self, action: Action, row: int) -> LaneStock | None:
        stock = self.world.stock
        product = stock.product(row)
        if action.lane_id:
            lanes = [stock.lane_by_id[action.lane_id]]
        else:
            lanes = [stock.lane_by_id[f.lane_id] for f in self.world.store.facings if f.sku == product.sku]
        usable = [lane for lane in lanes if stock.room(lane, product)]
        if not usable and action.kind is ActionKind.PUT_BACK_ELSEWHERE:
            fixture = lanes[0].site.fixture.fixture_id
            near = [lane for lane in stock.lanes if lane.site.fixture.fixture_id == fixture]
            usable = [lane for lane in near if stock.room(lane, product)]
        return usable[0] if usable else None

    # ---- hands

    def _free_arm(self, lane: LaneStock) -> Generator[None, None, Arm]:
        """Return an empty hand, the one on the lane's side or the stronger one; stows what is in the way."""
        yield from self.finish_gesture()
        arms = self._arms_by_preference(lane)
        for arm in arms:
            if not arm.items:
                return arm
        yield from self.stow(arms[0])
        return arms[0]

    def _arms_by_preference(self, lane: LaneStock) -> list[Arm]:
        walker = self.walker
        left_of = np.array([-np.sin(walker.yaw), np.cos(walker.yaw)])
        lateral = float((lane.site.position[:2] - walker.position) @ left_of) + (-0.1 if walker.right_handed else 0.1)
        return [walker.left, walker.right] if lateral > 0.12 else [walker.right, walker.left]

    def _arm_with(self, row: int, lane: LaneStock) -> Generator[None, None, Arm]:
        yield from self.finish_gesture()
        for arm in self.walker.arms:
            if row in arm.items:
                return arm
        arm = yield from self._free_arm(lane)
        yield from self.unstow(arm, [row])
        return arm

    def _stow_later(self, arm: Arm) -> None:
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

    def _open_door(self, lane: LaneStock, arm: Arm) -> Doing:
        fixture = lane.site.fixture
        if not fixture.has_door:
            return
        was_open = self.world.doors[fixture.fixture_id].opening > 0.5
        if not was_open:
            axis = fixture.pose.matrix[:3, 0]
            front = np.array([fixture.pose.x, fixture.pose.y, 0.0]) + axis * (fixture.size[0] / 2 + 0.02)
            lateral = (self.walker.position - front[:2]) @ fixture.pose.matrix[:2, 1]
            handle = front + fixture.pose.matrix[:3, 1] * lateral + np.array([0.0, 0.0, 1.05])
            yield from self.pull_door(arm, handle + axis * 0.06)
        self.world.hold_door(fixture.fixture_id, self)
        while self.world.doors[fixture.fixture_id].opening < 0.95:
            yield

    def _close_door(self, lane: LaneStock) -> None:
        if lane.site.fixture.has_door:
            self.world.release_door(lane.site.fixture.fixture_id, self)

    # ---- standing before a lane

    def _go_to_lane(self, lane: LaneStock) -> Generator[None, None, bool]:
        """Walk to a free place from which the lane is in reach and face it; False when there is none for long."""
        for _ in range(12):
            spot = self._choose_spot(lane)
            if spot is None:
                place = self.choose_waiting_place(0.8, 2.5, lane.site.position[:2])
                if place is not None and np.hypot(*(place - self.walker.position)) > 1.5:
                    yield from self.walk_to(place, 6.0)
                yield from self.pause(self.generator.uniform(0.7, 1.6), look=True)
                continue
            self.spot = spot
            if (yield from self.walk_to(spot, 20.0)):
                aim = lane.site.position[:2] - self.walker.position
                yield from self.turn_to(float(np.arctan2(aim[1], aim[0])))
                return True
            self.spot = None
        return False

    def _choose_spot(self, lane: LaneStock) -> FloatArray | None:
        spots = candidate_spots(lane.site, self.walker.right_handed, self.generator)
        clear = self.world.floor.clearance(spots) > BODY_RADIUS_M + 0.015
        if self.spot is not None:
            spots = np.vstack([self.spot, spots])
            clear = np.concatenate([[_in_reach(lane.site, self.spot)], clear])
        for spot, usable in zip(spots, clear, strict=True):
            if usable and self.world.spot_free(spot, self):
                return np.asarray(spot)
        return None


def _in_reach(site: LaneSite, spot: FloatArray) -> bool:
    local = site.transform[:2, :2].T @ (spot - site.position[:2])
    from_front = local[0] - site.lane.depth / 2
    return bool(0.4 <= from_front <= 0.72 and abs(local[1]) <= 0.35)


def candidate_spots(site: LaneSite, right_handed: bool, generator: np.random.Generator) -> FloatArray:
    """Return places (n, 2) to stand before a lane, best first: 0.45 to 0.7 m off the front, a little beside it."""
    beside = -0.1 if right_handed else 0.1
    offsets = np.array([0.0, 0.12, -0.12, 0.22, -0.22, 0.34, -0.34]) + generator.normal(0.0, 0.02)
    first = float(np.clip(generator.normal(0.55, 0.05), 0.46, 0.68))
    local = [
        (site.lane.depth / 2 + distance, np.clip(offset + beside, -0.42, 0.42))
        for distance in (first, 0.48, 0.62, 0.7)
        for offset in offsets
    ]
    return np.array(local) @ site.transform[:2, :2].T + site.position[:2]
