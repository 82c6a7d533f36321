"""A shopper's visit from the gate to the gate: scripted actions, or a plan drawn from a behaviour mix."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from walkout.interactions.types import InteractionKind
from walkout.simulation import exchange
from walkout.simulation.carrying import carried_by
from walkout.simulation.gates import Answer
from walkout.simulation.handling import Handler
from walkout.simulation.navigation import BODY_RADIUS_M, Portal
from walkout.simulation.people import Arm, Walker
from walkout.simulation.planning import plan_visit
from walkout.simulation.scenario_model import Action, ActionKind, Arrival
from walkout.simulation.shopper import Doing, shares
from walkout.simulation.stock import LaneStock
from walkout.simulation.truth import TrueVisit
from walkout.store.model import GateDirection

if TYPE_CHECKING:
    from walkout.simulation.world import World

FloatArray = NDArray[np.float64]

RETAP_S = 6.0
SPOT_GAP_M = 0.6
SMALL_WIDTH_M = 0.075
GATHER_S = 150.0
"""So long one waits for those one came with before leaving."""
BREW_S = 14.0
EMPTY_CUP_G = 11.0


class Shopper(Handler):
    """A person on a visit. ``leader`` is whom a companion came with or a tailgater follows in.

    ``expecting`` is (giver, sku) while the shopper waits to be handed something; ``cups`` are the machine's cups that
    they will fill.
    """

    def __init__(
        self,
        world: World,
        walker: Walker,
        generator: np.random.Generator,
        arrival: Arrival,
        visit: TrueVisit,
        leader: Shopper | None = None,
    ) -> None:
        """Begin a visit outside the entry gate."""
        super().__init__(world, walker, generator, visit.visit_id)
        self.arrival = arrival
        self.visit = visit
        self.leader = leader
        self.cups: list[int] = []
        self.expecting: tuple[str, str] | None = None
        self.tapped = False
        self.leaving = False
        self.ready_to_leave = arrival.follows
        self.carried = carried_by(walker, arrival.carries, world.seed, visit.visit_id)
        self.doing = self._visit()

    def _visit(self) -> Doing:
        portal = self.world.entry_portal
        entering = self._slip_in(portal) if self.visit.tailgated else self._enter(portal)
        admitted = yield from entering
        self.world.leave_portal(portal, self)
        if not admitted:
            return
        if self.arrival.follows and self.leader is not None:
            yield from self._follow(self.leader)
        else:
            script = self.arrival.script
            for action in self._plan() if script is None else script:
                if action.kind is ActionKind.LEAVE:
                    break
                yield from self._act(action)
                self.spot = None
        self.ready_to_leave = True
        yield from self._gather()
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
            self.tapped = True
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

    def _slip_in(self, portal: Portal) -> Generator[None, None, bool]:
        """Walk through the gate close behind somebody it has opened for; False when it stays shut."""
        gate, leader = self.world.gates[portal.gate_id], self.leader
        self.walker.ghost = True
        self.stop()
        while leader is not None and leader.visit.entered_ns < 0:
            if leader.visit.denied:
                self.visit.denied = True
                return False
            if gate.is_open and np.hypot(*(leader.walker.position - self.walker.position)) > 0.55:
                break
            yield
        yield from self._cross(portal)
        self.walker.ghost = False
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
        self.leaving = True
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

    # ---- company

    def _follow(self, leader: Shopper) -> Doing:
        """Stay near somebody until they leave."""
        while self.world.present(leader) and not leader.leaving:
            if np.hypot(*(leader.walker.position - self.walker.position)) > 1.35:
                place = self.choose_waiting_place(0.8, 1.3, leader.walker.position)
                if place is not None:
                    yield from self.walk_to(place, 2.5)
                    continue
            yield from self.pause(self.generator.uniform(0.4, 1.0), look=True)

    def _gather(self) -> Doing:
        """Wait for those one came with."""
        until_ns = self.world.now_ns + int(GATHER_S * 1e9)
        while self.world.companions_busy(self) and self.world.now_ns < until_ns:
            yield from self.pause(0.7, look=True)

    # ---- actions

    def _act(self, action: Action) -> Doing:
        kind = action.kind
        if kind is ActionKind.WAIT:
            yield from self.pause(action.seconds, look=True)
        elif kind is ActionKind.WALK:
            yield from self.walk_to(np.array(action.point), 30.0)
        elif kind is ActionKind.LOOK:
            yield from self._look(action)
        elif kind is ActionKind.TAKE:
            yield from self._take(action)
        elif kind is ActionKind.TOUCH:
            yield from self._touch(action)
        elif kind is ActionKind.MEET:
            yield from self.meet(action.meet)
        elif kind is ActionKind.RESTOCK:
            yield from self._restock(action)
        elif kind is ActionKind.BREW:
            yield from self._brew(action)
        elif kind is ActionKind.HOLD_DOOR:
            yield from self._hold_fridge_open(action)
        elif kind is ActionKind.HAND_OVER:
            yield from exchange.hand_over(self, action)
        elif kind is ActionKind.RECEIVE:
            yield from exchange.receive(self, action)
        elif kind is ActionKind.DROP:
            yield from exchange.drop(self, action)
        elif kind is ActionKind.PICK_UP:
            yield from exchange.pick_up(self, action)
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
            if not (yield from self.go_to_lane(lane, action.stand_m)):
                continue
            sku = action.sku or self.world.store.facing_by_lane[lane.site.lane.lane_id].sku
            together = left
            if not action.together:
                together = min(left, 2) if self._fits_hand(sku) and self.generator.random() < 0.5 else 1
            left -= yield from self._grasp(lane, sku, together, action)

    def _fits_hand(self, sku: str) -> bool:
        return self.world.store.product_by_sku[sku].size[1] <= SMALL_WIDTH_M

    def _lane_to_take(self, action: Action) -> LaneStock | None:
        stock = self.world.stock
        if action.lane_id:
            lane = stock.lane_by_id[action.lane_id]
            return lane if stock.available(lane) else None
        lanes = stock.lanes_with(action.sku)
        return lanes[0] if lanes else None

    def _grasp(self, lane: LaneStock, sku: str, quantity: int, action: Action) -> Generator[None, None, int]:
        """Take up to so many pieces with one hand; returns how many."""
        arm = yield from self.free_arm(lane)
        if action.meet:
            yield from self.meet(action.meet)
        rows = self.world.stock.choose(lane, sku, quantity, self.generator)
        if not rows:
            yield
            return 0
        yield from self.open_door(lane, arm)
        yield from self._lift_out(arm, lane, rows, action)
        return len(rows)

    def _lift_out(self, arm: Arm, lane: LaneStock, rows: list[int], action: Action) -> Doing:
        product = self.world.stock.product(rows[0])
        wrist = self.wrist_at(lane, self.world.stock.table.position[rows[0]].astype(float), product.size)
        moved: list[tuple[int, float]] = []

        def act() -> bool:
            moved.append((self.world.now_ns, self.world.take(self, arm, rows)))
            return True

        weight_g = float(self.world.stock.weight_g[rows].sum())
        stamps = yield from self.reach(arm, lane, wrist, act, (action.hold_s, weight_g))
        self.close_door(lane, action.door_open_s)
        stamp_ns, grams = moved[0]
        self.world.record(self, InteractionKind.TAKE, product.sku, len(rows), lane, stamp_ns, stamps, -grams)
        self.stow_later(arm)

    def _touch(self, action: Action) -> Doing:
        lane_id = action.lane_id or next(f.lane_id for f in self.world.store.facings if f.sku == action.sku)
        lane = self.world.stock.lane_by_id[lane_id]
        if not (yield from self.go_to_lane(lane, action.stand_m)):
            return
        arm = yield from self.free_arm(lane)
        yield from self.meet(action.meet)
        yield from self.open_door(lane, arm)
        depth = self.generator.uniform(-0.1, 0.35) * lane.site.lane.depth
        point = lane.site.position + lane.site.transform[:3, 0] * depth
        wrist = self.wrist_at(lane, point, (0.05, 0.05, self.generator.uniform(0.08, 0.2)))
        held_g = 0.0
        front = self.world.stock.available(lane)
        if action.hold_s and front:
            place = self.world.stock.table.position[front[0]].astype(float)
            wrist = self.wrist_at(lane, place, self.world.stock.product(front[0]).size)
            held_g = float(self.world.stock.weight_g[front[0]])
        stamps = yield from self.reach(arm, lane, wrist, lambda: False, (action.hold_s, held_g))
        self.close_door(lane)
        facing = self.world.store.facing_by_lane.get(lane_id)
        sku = facing.sku if facing else ""
        self.world.record(self, InteractionKind.TOUCH, sku, 0, lane, stamps[0], stamps, 0.0)

    def _put_back(self, action: Action) -> Doing:
        stock = self.world.stock
        for _ in range(action.quantity):
            row = self.held(action.sku)
            lane = self._lane_to_return(action, row) if row is not None else None
            if row is None or lane is None or not (yield from self.go_to_lane(lane, action.stand_m)):
                return
            arm = yield from self.arm_with(row, lane)
            yield from self.meet(action.meet)
            yield from self.open_door(lane, arm)
            columns = stock.room(lane, stock.product(row))
            if not columns:
                self.close_door(lane)
                continue
            yield from self._place(arm, row, lane, int(self.generator.choice(columns)))
            self.close_door(lane)

    def _restock(self, action: Action) -> Doing:
        """Put pieces that were brought along into a lane, behind what stands there, as long as there is room."""
        stock = self.world.stock
        lane = stock.lane_by_id[action.lane_id]
        for _ in range(action.quantity):
            row = self.held(self.world.store.facing_by_lane[action.lane_id].sku)
            if row is None or not stock.room_behind(lane, stock.product(row)) or not (yield from self.go_to_lane(lane)):
                return
            arm = yield from self.arm_with(row, lane)
            yield from self.open_door(lane, arm)
            columns = stock.room_behind(lane, stock.product(row))
            fewest = min(columns, key=lambda column: len(lane.columns[column]))
            yield from self._place(arm, row, lane, fewest, behind=True)
            self.close_door(lane)

    def _place(self, arm: Arm, row: int, lane: LaneStock, column: int, behind: bool = False) -> Doing:
        stock = self.world.stock
        product = stock.product(row)
        spot = stock.spot_behind(lane, column, product) if behind else stock.spot(lane, column, product)[1]
        moved: list[int] = []

        def act() -> bool:
            room = stock.room_behind(lane, product) if behind else stock.room(lane, product)
            if column in room:
                self.world.put(self, arm, row, lane, column, behind)
                moved.append(self.world.now_ns)
            return bool(arm.items)

        stamps = yield from self.reach(arm, lane, self.wrist_at(lane, spot, product.size), act)
        if moved:
            grams = float(stock.weight_g[row])
            self.world.record(self, InteractionKind.RETURN, product.sku, 1, lane, moved[0], stamps, grams)

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

    # ---- machines

    def _brew(self, action: Action) -> Doing:
        """Let the coffee machine fill a cup, then take it."""
        stock = self.world.stock
        row = next((cup for cup in self.cups if stock.product(cup).sku == action.sku), None)
        if row is None:
            return
        for lane in [stock.lane_by_id[f.lane_id] for f in self.world.store.facings if f.sku == action.sku]:
            columns = stock.room(lane, stock.product(row))
            if not columns or not (yield from self.go_to_lane(lane)):
                continue
            arm = yield from self.free_arm(lane)
            yield from self._press_button(arm, lane)
            self.cups.remove(row)
            full_g = float(stock.weight_g[row])
            self.world.set_cup(row, lane, columns[0], EMPTY_CUP_G, self.generator)
            for share in shares(BREW_S):
                stock.weight_g[row] = EMPTY_CUP_G + (full_g - EMPTY_CUP_G) * min(1.0, share / 0.85)
                # The pump and the jet shake the plate.
                self.world.push(lane.index, float(self.generator.normal(0.0, 4.0 if share < 0.85 else 0.5)))
                yield
            yield from self._lift_out(arm, lane, [row], Action(ActionKind.TAKE, sku=action.sku))
            return

    def _press_button(self, arm: Arm, lane: LaneStock) -> Doing:
        """Press a button of the machine above and behind a lane."""
        outwards = lane.site.transform[:3, 0]
        point = lane.site.position + outwards * (0.3 * lane.site.lane.depth) + np.array([0.0, 0.0, 0.28])
        yield from self.pull_door(arm, point)

    def _hold_fridge_open(self, action: Action) -> Doing:
        """Stand before a fridge and hold its door open, looking."""
        lanes = [s for s in self.world.stock.lanes if s.site.fixture.fixture_id == action.fixture_id]
        lane = lanes[int(self.generator.integers(len(lanes)))]
        if not (yield from self.go_to_lane(lane)):
            return
        arm = yield from self.free_arm(lane)
        yield from self.open_door(lane, arm)
        for _ in shares(max(action.seconds, 0.1)):
            yield
        self.close_door(lane)
