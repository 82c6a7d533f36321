"""The simulated store: people, shelves, gates and load cells, advanced through time and deterministic for a seed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from walkout.drivers.types import GateSignal, ReadingBatch
from walkout.interactions.types import InteractionKind
from walkout.simulation.arrivals import spares_of
from walkout.simulation.behaviour import Shopper
from walkout.simulation.body_points import BodyModel, RenderedBodies
from walkout.simulation.doors import Doors
from walkout.simulation.entrance import Entrance
from walkout.simulation.gates import Gate
from walkout.simulation.load_cells import LoadCells, stream
from walkout.simulation.meetings import Meetings
from walkout.simulation.merchandise import stocked_store
from walkout.simulation.navigation import BODY_RADIUS_M, FloorMap, Portal
from walkout.simulation.people import TICK_S, Arm, Crowd, Walker, interpolate
from walkout.simulation.scenario_model import Scenario
from walkout.simulation.scene import BodyPose, ItemPlace, Person, Scene
from walkout.simulation.shopper import Actor, Doing
from walkout.simulation.stock import LaneStock, Stock
from walkout.simulation.truth import TrueExchange, TrueInteraction, TrueShopper, Truth
from walkout.store.model import GateDirection, Store

TICKS_PER_S = 30
FloatArray = NDArray[np.float64]


def tick_time_ns(tick: int) -> int:
    """Return the time of a tick since the world's start."""
    return tick * 1_000_000_000 // TICKS_PER_S


class World:
    """The world of one store and scenario. Time is ns since the start of the scenario; nothing else is a clock.

    The world runs at 30 ticks a second, a tick ahead of the time asked for, and ``scene`` interpolates: so pictures of
    cameras with any phase show smooth motion. Commands to gates act at the next tick.
    """

    def __init__(
        self, store: Store, scenario: Scenario, seed: int | None = None, bodies: BodyModel | None = None
    ) -> None:
        """Build the world. ``seed`` replaces the scenario's; ``bodies`` tells where hands are (default: rendered).

        The world's own ``store`` has the facings that are truly there, not those of the planogram.
        """
        self.store = stocked_store(store, scenario.stocked)
        self.scenario = scenario
        self.seed = scenario.seed if seed is None else seed
        self._bodies = bodies or RenderedBodies()
        self.floor = FloorMap(store)
        spares = spares_of(scenario, {lane_id: facing.sku for lane_id, facing in self.store.facing_by_lane.items()})
        counts = {entry.lane_id: entry.count for entry in scenario.stocked if entry.count is not None}
        self.stock = Stock(
            self.store, scenario.fill, stream(self.seed, "stock", "fill"), counts, [spare.sku for spare in spares]
        )
        self.meetings = Meetings(scenario)
        self.gates = {g.fixture_id: Gate(g.fixture_id, d) for d in GateDirection for g in store.gates(d)}
        slams = stream(self.seed, "doors", "slam")
        self.doors = Doors(store.fixtures, self.stock.lanes, scenario.load_cells.door_slam_g, slams)
        self.truth = Truth()
        self._crowd = Crowd(self.floor)
        self.shoppers: dict[int, Shopper] = {}
        self._portals = self.floor.portals
        self._entrance = Entrance(self, self._bodies, list(zip(self.stock.spare_rows, spares, strict=True)))
        self.waiting_points = self._find_waiting_points()
        self._readings: list[ReadingBatch] = []
        self._signals: list[GateSignal] = []
        self._push = np.zeros(len(self.stock.lanes))
        self._last_push = np.zeros(len(self.stock.lanes))
        self._loads = self.stock.lane_loads()
        self._cells = LoadCells(store.fixtures, scenario.load_cells, self.seed, self._loads)
        self._poses: dict[int, BodyPose] = {}
        self._last_poses: dict[int, BodyPose] = {}
        self._tick = 0
        self.now_ns = 0
        self._asked_ns = 0

    # ---- what the outside asks

    def advance(self, to_ns: int) -> None:
        """Let the world run until ``to_ns``."""
        while tick_time_ns(self._tick) < to_ns:
            self._step()
        self._asked_ns = max(self._asked_ns, to_ns)

    def scene(self) -> Scene:
        """Return what is to be seen at the time of the last ``advance``. Its item table is live: use it at once."""
        people = tuple(self._person(shopper) for shopper in self.shoppers.values())
        for person, shopper in zip(people, self.shoppers.values(), strict=True):
            self._hold_items(person, shopper)
        doors = {name: door.opening for name, door in self.doors.doors.items()}
        gates = {name: gate.opening for name, gate in self.gates.items()}
        props = tuple(
            prop
            for person, shopper in zip(people, self.shoppers.values(), strict=True)
            if (prop := shopper.carried.prop(self._bodies.locate(person), person.pose, self._share())) is not None
        )
        return Scene(self._asked_ns, people, self.stock.table, self.scenario.lighting, doors, gates, props)

    def take_readings(self) -> list[ReadingBatch]:
        """Return the batches of all fixtures with shelves that were complete by the time of the last ``advance``."""
        done = [b for b in self._readings if b.stamp_ns + (len(b.grams) - 1) * b.period_ns <= self._asked_ns]
        self._readings = self._readings[len(done) :]
        return done

    def take_signals(self) -> list[GateSignal]:
        """Return what the gates have reported by the time of the last ``advance``."""
        done = [signal for signal in self._signals if signal.stamp_ns <= self._asked_ns]
        self._signals = self._signals[len(done) :]
        return done

    def open_gate(self, gate_id: str) -> None:
        """Command a gate to let one party pass."""
        self.gates[gate_id].open(self.now_ns)

    def deny(self, gate_id: str, reason: str) -> None:
        """Command a gate to refuse the entry."""
        self.gates[gate_id].deny(reason)

    @property
    def shown_ns(self) -> int:
        """The time of the last ``advance``."""
        return self._asked_ns

    @property
    def finished(self) -> bool:
        """Whether the duration is over or everybody who comes has left."""
        if self.scenario.duration_s is not None and self._asked_ns >= self.scenario.duration_s * 1e9:
            return True
        return self._entrance.over and not self.shoppers

    def true_shoppers(self) -> tuple[TrueShopper, ...]:
        """Return where everybody is at the time of the last ``advance``."""
        result = []
        for shopper in self.shoppers.values():
            person = self._person(shopper)
            position = np.array([person.pose.x, person.pose.y])
            velocity = shopper.walker.velocity.copy()
            points = self._bodies.locate(person)
            visit = shopper.visit
            result.append(
                TrueShopper(
                    visit.visit_id,
                    person.person_id,
                    position,
                    velocity,
                    person.pose.yaw,
                    points.joints,
                    points.palms,
                    visit.inside,
                )
            )
        return tuple(result)

    # ---- what people in the world ask

    @property
    def entry_portal(self) -> Portal:
        """The way in."""
        return next(p for p in self._portals.values() if p.direction is GateDirection.ENTRY)

    def choose_exit(self, position: FloatArray) -> Portal:
        """Return the nearest way out."""
        exits = [p for p in self._portals.values() if p.direction is GateDirection.EXIT]
        return min(exits, key=lambda portal: float(np.hypot(*(portal.start - position))))

    def claim_portal(self, portal: Portal, shopper: Shopper) -> bool:
        """Claim a gate's way for one person; False while somebody else has it."""
        return self._entrance.claim(portal, shopper.visit.visit_id)

    def leave_portal(self, portal: Portal, shopper: Shopper) -> None:
        """Give a gate's way free, or to who slips in behind."""
        self._entrance.leave(portal, shopper.visit.visit_id)

    def walkers(self) -> list[Walker]:
        """Return everybody's body."""
        return [shopper.walker for shopper in self.shoppers.values()]

    def spot_free(self, spot: FloatArray, asking: Actor, close: bool = False) -> bool:
        """Return whether nobody else stands at, or is on the way to, a place near ``spot``, or very ``close``."""
        claimed, standing = (0.5, 0.5) if close else (0.6, 0.55)
        for other in self.shoppers.values():
            if other is asking:
                continue
            if other.spot is not None and np.hypot(*(other.spot - spot)) < claimed:
                return False
            if not np.any(other.walker.wanted) and np.hypot(*(other.walker.position - spot)) < standing:
                return False
        return True

    def present(self, shopper: Shopper) -> bool:
        """Whether somebody is still there."""
        return shopper.visit.visit_id in self.shoppers

    def named(self, name: str) -> Shopper | None:
        """Return who has a name in the scenario, None while they are not there."""
        return next((s for s in self.shoppers.values() if s.arrival.name == name), None)

    def companions_busy(self, leader: Shopper) -> bool:
        """Whether somebody who came with this shopper is not ready to leave."""
        if self._entrance.expected(leader.visit.visit_id):
            return True
        mine = [s for s in self.shoppers.values() if s.leader is leader and not s.visit.tailgated]
        return any(not (s.ready_to_leave and s.visit.inside) for s in mine)

    def waiting_taker(self, giver: Shopper, name: str, sku: str) -> Shopper | None:
        """Return the one of this name if they stand waiting for a product from this giver."""
        taker = self.named(name)
        return taker if taker is not None and taker.expecting == (giver.arrival.name, sku) else None

    def push_strength(self, generator: np.random.Generator) -> float:
        """Draw how hard a hand pushes on a shelf, in grams (standard deviation); most are gentle, some are not."""
        return float(self.scenario.load_cells.push_g * np.clip(generator.lognormal(0.0, 0.7), 0.2, 5.0))

    def push(self, lane_index: int, grams: float) -> None:
        """Press on a lane's plate during this tick."""
        self._push[lane_index] += grams

    def take(self, actor: Actor, arm: Arm, rows: list[int]) -> float:
        """Move items from the shelf into a hand; returns their grams."""
        for row in rows:
            position = self.stock.table.position[row].astype(float)
            self.stock.take(row)
            arm.items.append(row)
            person = Person(actor.walker.person_id, actor.walker.appearance, actor.walker.pose())
            arm.grip = position - self._held_position(person, actor, arm, row)
        return float(self.stock.weight_g[rows].sum())

    def put(self, actor: Actor, arm: Arm, row: int, lane: LaneStock, column: int, behind: bool = False) -> None:
        """Leave an item of a hand in a lane, before or behind what stands there."""
        arm.items.remove(row)
        put = self.stock.put_behind if behind else self.stock.put
        put(row, lane, column, self.now_ns, actor.generator)

    def stow(self, actor: Actor, arm: Arm) -> None:
        """Let a hand's items vanish in the bag."""
        for row in arm.items:
            self.stock.stow(row)
        if isinstance(actor, Shopper):
            actor.bag.extend(arm.items)
        arm.items = []

    def unstow(self, actor: Actor, arm: Arm, rows: list[int]) -> None:
        """Bring items from the bag into a hand."""
        for row in rows:
            self.stock.unstow(row)
            arm.items.append(row)
            if isinstance(actor, Shopper):
                actor.bag.remove(row)

    def pass_item(self, giver: Shopper, from_arm: Arm, row: int, taker: Shopper, to_arm: Arm) -> None:
        """Move an item from one person's hand into another's."""
        from_arm.items.remove(row)
        to_arm.items.append(row)
        self.stock.hand_on(row)
        self._exchange(giver.visit.visit_id, taker.visit.visit_id, row)

    def let_fall(self, shopper: Shopper, arm: Arm, row: int) -> FloatArray:
        """Let an item slip out of a hand; returns where it was, (3,)."""
        arm.items.remove(row)
        self._exchange(shopper.visit.visit_id, 0, row)
        return self.stock.table.position[row].astype(float)

    def lay(self, row: int, position: FloatArray) -> None:
        """Put a falling item at a place."""
        self.stock.lay(row, position)

    def on_floor(self, sku: str, near: FloatArray) -> int | None:
        """Return the nearest piece of a product that lies on the floor."""
        table = self.stock.table
        rows = [
            int(row)
            for row in np.flatnonzero((table.place == ItemPlace.FLOOR) & (table.position[:, 2] <= 0.0))
            if self.stock.product(int(row)).sku == sku
        ]
        return min(rows, key=lambda row: float(np.hypot(*(table.position[row][:2] - near))), default=None)

    def lift(self, shopper: Shopper, arm: Arm, row: int) -> None:
        """Take an item off the floor into a hand."""
        arm.items.append(row)
        self.stock.hand_on(row)
        self._exchange(0, shopper.visit.visit_id, row)

    def _exchange(self, giver_id: int, taker_id: int, row: int) -> None:
        self.truth.exchange(TrueExchange(self.now_ns, giver_id, taker_id, self.stock.product(row).sku))

    def set_cup(self, row: int, lane: LaneStock, column: int, grams: float, generator: np.random.Generator) -> None:
        """Let a machine put a cup into its lane."""
        self.stock.put(row, lane, column, self.now_ns, generator)
        self.stock.weight_g[row] = grams
        self.stock.reserved.add(row)

    def start_pending(self, actor: Actor, gesture: Doing) -> None:
        """Start a gesture that runs beside what the person does."""
        actor.gesture = gesture

    def record(
        self,
        shopper: Shopper,
        kind: InteractionKind,
        sku: str,
        quantity: int,
        lane: LaneStock,
        stamp_ns: int,
        hand_ns: tuple[int, int],
        delta_g: float,
    ) -> None:
        """Write an interaction into the truth."""
        number = len(self.truth.interactions) + 1
        visit = shopper.visit
        lane_id = lane.site.lane.lane_id
        self.truth.record(
            TrueInteraction(
                number, visit.visit_id, visit.person_id, kind, sku, quantity, lane_id, stamp_ns, *hand_ns, delta_g
            )
        )

    # ---- one tick

    def _step(self) -> None:
        self._tick += 1
        self.now_ns = tick_time_ns(self._tick)
        self._push[:] = 0.0
        self._entrance.step()
        for shopper in list(self.shoppers.values()):
            self._resume(shopper)
        self._crowd.step(self.walkers())
        for shopper in self.shoppers.values():
            shopper.carried.step(self.floor)
        self._step_gates()
        self.doors.step(self.now_ns)
        self._sample_cells()
        self.stock.settle(self.now_ns)
        self._last_poses = self._poses
        self._poses = {visit_id: shopper.walker.pose() for visit_id, shopper in self.shoppers.items()}

    def _resume(self, shopper: Shopper) -> None:
        if shopper.gesture is not None:
            gesture = shopper.gesture
            try:
                next(gesture)
            except StopIteration:
                if shopper.gesture is gesture:
                    shopper.gesture = None
        try:
            next(shopper.doing)
        except StopIteration:
            for arm in shopper.walker.arms:
                self.stow(shopper, arm)
            for portal in self._portals.values():
                self.leave_portal(portal, shopper)
            del self.shoppers[shopper.visit.visit_id]

    def _step_gates(self) -> None:
        for gate_id, gate in self.gates.items():
            centre = self._portals[gate_id].centre
            near = any(np.hypot(*(walker.position - centre)) < 0.6 for walker in self.walkers())
            gate.step(self.now_ns, TICK_S, near)
            self._signals.extend(gate.signals)
            gate.signals.clear()

    def _sample_cells(self) -> None:
        """Sample twice: half a tick back, with the mean of the pushes, and now."""
        self.doors.shake(self._push)
        loads = self.stock.lane_loads()
        middle = 0.5 * (self._last_push + self._push)
        for number, (load, push) in enumerate(((self._loads, middle), (loads, self._push))):
            sample = 2 * self._tick - 1 + number
            self._readings.extend(self._cells.sample(sample * 1_000_000_000 // 60, load, push))
        self._loads = loads
        self._last_push = self._push.copy()

    # ---- parts

    def _find_waiting_points(self) -> FloatArray:
        points = self.floor.free_points()
        for portal in self._portals.values():
            points = points[np.linalg.norm(points - portal.inside, axis=1) > 0.85]
        reachable = [point for point in points if self.floor.clearance(point[None])[0] > BODY_RADIUS_M + 0.03]
        return np.array(reachable).reshape(-1, 2)

    def _share(self) -> float:
        """Return where between the last two ticks the time asked for lies, 0..1."""
        start, end = tick_time_ns(self._tick - 1), tick_time_ns(self._tick)
        return float(np.clip((self._asked_ns - start) / max(1, end - start), 0.0, 1.0))

    def _person(self, shopper: Shopper) -> Person:
        visit_id = shopper.visit.visit_id
        pose = self._poses.get(visit_id, shopper.walker.pose())
        before = self._last_poses.get(visit_id)
        if before is not None:
            pose = interpolate(before, pose, self._share())
        return Person(shopper.walker.person_id, shopper.walker.appearance, pose)

    def _hold_items(self, person: Person, shopper: Shopper) -> None:
        """Put the items of both hands where the hands are."""
        for arm in shopper.walker.arms:
            for row in arm.items:
                self.stock.table.position[row] = self._held_position(person, shopper, arm, row) + arm.grip
                self.stock.table.yaw[row] = person.pose.yaw + np.pi

    def _held_position(self, person: Person, actor: Actor, arm: Arm, row: int) -> FloatArray:
        """Return the bottom centre (3,) of an item that hangs in a hand, several side by side."""
        palm = self._bodies.locate(person).palms[0 if arm is actor.walker.left else 1]
        size = self.stock.product(row).size
        yaw = person.pose.yaw
        forward, side = np.array([np.cos(yaw), np.sin(yaw), 0.0]), np.array([-np.sin(yaw), np.cos(yaw), 0.0])
        order = arm.items.index(row) - (len(arm.items) - 1) / 2
        offset = forward * (min(size[0] / 2, 0.05) + 0.01) + side * order * (size[1] + 0.004)
        return np.asarray(palm + offset - np.array([0.0, 0.0, min(0.55 * size[2], 0.14)]))
