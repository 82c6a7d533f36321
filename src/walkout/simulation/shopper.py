"""What a simulated person can do with their body: walk somewhere, wait, step aside, reach into a lane, stow an item.

Each ability is a generator that is resumed once per tick (1/30 s) and returns when it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from walkout.simulation.body_points import NOMINAL_STATURE_M, PALM_BEYOND_WRIST_M, body_point, nominal_palm
from walkout.simulation.people import TICK_NS, TICK_S, Arm, Walker, minimum_jerk
from walkout.simulation.stock import LaneStock

if TYPE_CHECKING:
    from walkout.simulation.world import World

FloatArray = NDArray[np.float64]
Doing = Generator[None, None, None]

STUCK_S = 1.2
PROGRESS_M = 0.05
CORNER_M = 0.28
GRASP_NORMAL_M = 0.01
GRASP_DEPTH_M = 0.05


class Actor:
    """A person with a body in the world. ``generator`` is this person's own stream of randomness."""

    def __init__(self, world: World, walker: Walker, generator: np.random.Generator) -> None:
        """Put a walker into the world."""
        self.world = world
        self.walker = walker
        self.generator = generator
        self.gesture: Doing | None = None
        self._push = 0.0

    # ---- walking

    def walk_to(self, goal: FloatArray, patience_s: float = 40.0) -> Generator[None, None, bool]:
        """Walk to a point (2,) around everything; returns whether it was reached within the patience."""
        floor, walker = self.world.floor, self.walker
        path = floor.plan(walker.position, goal)
        waited, best, blocked = 0.0, np.inf, 0
        deadline_ns = self.world.now_ns + int(patience_s * 1e9)
        while self.world.now_ns < deadline_ns:
            if path is None:
                yield from self._make_way(blocked)
                blocked += 1
                path = floor.plan(walker.position, goal, self._people_near())
                waited, best = 0.0, np.inf
                continue
            path = self._shorten(path)
            left = _length(walker.position, path)
            if left < 0.04:
                self.stop()
                return True
            self._steer(path, left)
            yield
            waited += TICK_S
            if left < best - PROGRESS_M:
                waited, best = 0.0, left
            if waited > STUCK_S:
                blocked += 1
                path = floor.plan(walker.position, goal, self._people_near())
                waited, best = 0.0, np.inf
                if path is None or blocked >= 3:
                    yield from self._make_way(blocked)
                    path = floor.plan(walker.position, goal)
        self.stop()
        return False

    def walk_line(self, goal: FloatArray, speed: float, done: Callable[[], bool] | None = None) -> Doing:
        """Walk straight to a point through a gate, without regard to fixtures; ends early when ``done`` says so."""
        walker = self.walker
        while not (done and done()):
            offset = goal - walker.position
            distance = float(np.hypot(*offset))
            if distance < 0.06:
                return
            walker.wanted = offset / distance * min(speed, max(0.2, np.sqrt(2 * distance)))
            yield

    def stop(self) -> None:
        """Stand still."""
        self.walker.wanted = np.zeros(2)

    def turn_to(self, yaw: float, limit_s: float = 1.6) -> Doing:
        """Stand and turn to a heading."""
        self.stop()
        self.walker.face = yaw
        ticks = int(limit_s / TICK_S)
        for _ in range(ticks):
            if abs(np.angle(np.exp(1j * (yaw - self.walker.yaw)))) < 0.08:
                return
            yield

    def pause(self, seconds: float, look: bool = False) -> Doing:
        """Stand for a while, looking about when wanted; step aside when somebody asks for the way."""
        self.stop()
        self.walker.idle = True
        for _ in range(max(1, int(seconds / TICK_S))):
            if look and self.generator.random() < TICK_S / 1.1:
                self.walker.head_goal = float(self.generator.uniform(-0.7, 0.7))
            if self.walker.asked_to_yield:
                yield from self._step_aside()
                break
            yield
        self.walker.idle = False
        self.walker.head_goal = 0.0

    def _steer(self, path: FloatArray, left: float) -> None:
        walker = self.walker
        offset = path[0] - walker.position
        distance = max(float(np.hypot(*offset)), 1e-6)
        direction = offset / distance
        ahead = float(np.cos(walker.yaw) * direction[0] + np.sin(walker.yaw) * direction[1])
        speed = min(walker.cruise_m_s * (0.62 + 0.38 * max(0.0, ahead)), max(0.12, np.sqrt(1.6 * left)))
        walker.wanted = direction * speed
        walker.face = None

    def _shorten(self, path: FloatArray) -> FloatArray:
        walker = self.walker
        while len(path) > 1:
            distance = np.hypot(*(path[0] - walker.position))
            cuts = distance < CORNER_M and self.world.floor.visible(walker.position, path[1])
            if distance > 0.1 and not cuts:
                break
            path = path[1:]
        return path

    def _people_near(self, reach: float = 2.6) -> FloatArray:
        me = self.walker.position
        others = [other.position for other in self.world.walkers() if other is not self.walker]
        near = [position for position in others if np.hypot(*(position - me)) < reach]
        return np.array(near).reshape(-1, 2)

    def _make_way(self, blocked: int) -> Doing:
        """Wait for the way to clear; ask those who merely stand to let one pass; step aside when that does not help."""
        for other in self.world.walkers():
            close = np.hypot(*(other.position - self.walker.position)) < 1.3
            if other is not self.walker and other.idle and close:
                other.asked_to_yield = True
        yield from self.pause(self.generator.uniform(0.3, 1.0))
        if blocked >= 2 and self.generator.random() < 0.5:
            yield from self._step_aside()

    def _step_aside(self) -> Doing:
        self.walker.asked_to_yield = False
        goal = self.choose_waiting_place(0.5, 3.0)
        path = self.world.floor.plan(self.walker.position, goal, self._people_near()) if goal is not None else None
        if path is None:
            yield
            return
        self.walker.idle = False
        for _ in range(int(4.0 / TICK_S)):
            path = self._shorten(path)
            left = _length(self.walker.position, path)
            if left < 0.1:
                break
            self._steer(path, left)
            yield
        self.stop()
        for _ in range(int(self.generator.uniform(0.8, 2.0) / TICK_S)):
            yield

    def choose_waiting_place(self, least: float, most: float, around: FloatArray | None = None) -> FloatArray | None:
        """Return a free point (2,) to stand at between two distances from here (or ``around``), off the gates' ways."""
        points = self.world.waiting_points
        centre = self.walker.position if around is None else around
        distance = np.linalg.norm(points - centre, axis=1)
        others = [other.position for other in self.world.walkers() if other is not self.walker]
        usable = (distance >= least) & (distance <= most)
        if others:
            usable &= np.linalg.norm(points[:, None] - np.array(others), axis=2).min(axis=1) > 0.8
        choice = np.flatnonzero(usable)
        if not len(choice):
            return None
        nearest = choice[np.argsort(distance[choice])][:12]
        return np.asarray(points[int(self.generator.choice(nearest))])

    # ---- hands

    def arm_side(self, arm: Arm) -> float:
        """Return 1 for the left arm, -1 for the right."""
        return 1.0 if arm is self.walker.left else -1.0

    def palm(self, arm: Arm) -> FloatArray:
        """Return the nominal palm (3,) of an arm."""
        target = None if arm.target is None else tuple(arm.target)
        scale = self.walker.stature / NOMINAL_STATURE_M
        return nominal_palm(self.walker.pose(), scale, self.arm_side(arm), target, arm.weight, arm.carry)  # type: ignore[arg-type]

    def wrist_at(self, lane: LaneStock, bottom: FloatArray, size: tuple[float, float, float]) -> FloatArray:
        """Return the wrist (3,) whose hand holds an item with its bottom at a point, coming from the lane's front."""
        outwards = lane.site.transform[:3, 0]
        height = min(0.55 * size[2], 0.14)
        reach = PALM_BEYOND_WRIST_M + GRASP_NORMAL_M + min(size[0] / 2, GRASP_DEPTH_M)
        return bottom + outwards * reach + np.array([0.0, 0.0, height + 0.01])

    def reach(
        self, arm: Arm, lane: LaneStock, wrist: FloatArray, act: Callable[[], bool], hold: tuple[float, float] = (0, 0)
    ) -> Generator[None, None, tuple[int, int]]:
        """Reach with a wrist into a lane, act there and draw back; returns when the hand went in and came out, ns.

        ``act`` moves the items; it returns whether the hand is to carry something afterwards. ``hold`` is for how many
        seconds the hand holds how many grams on the shelf before it acts.
        """
        generator = self.generator
        front = self._front_point(lane, wrist)
        arm.busy, arm.carry_goal = True, arm.carry_goal if arm.items else 0.0
        strength = self.world.push_strength(generator)
        stamps: list[int] = []
        for share in shares(generator.uniform(0.65, 1.15)):
            arm.weight = minimum_jerk(share / 0.75)
            arm.target = front + (wrist - front) * minimum_jerk((share - 0.35) / 0.65)
            self._feel(arm, lane, strength * 0.25, stamps)
            yield
        dwell = generator.uniform(0.22, 0.5)
        for _ in shares(dwell * 0.6):
            self._feel(arm, lane, strength, stamps, touching=True)
            yield
        if hold[0] > 0:
            yield from self._hold(arm, lane, hold, strength, stamps)
        carries = act()
        arm.carry_goal = 1.0 if carries else 0.0
        for _ in shares(dwell * 0.4):
            self._feel(arm, lane, strength, stamps, touching=True)
            yield
        lifted = wrist + np.array([0.0, 0.0, 0.02])
        for share in shares(generator.uniform(0.6, 1.05)):
            arm.target = lifted + (front - lifted) * minimum_jerk(share / 0.65)
            arm.weight = 1.0 - minimum_jerk((share - 0.35) / 0.65)
            self._feel(arm, lane, strength * 0.15, stamps)
            yield
        arm.target, arm.weight, arm.busy = None, 0.0, False
        return stamps[0], stamps[-1] + TICK_NS

    def _hold(
        self, arm: Arm, lane: LaneStock, hold: tuple[float, float], strength_g: float, stamps: list[int]
    ) -> Doing:
        """Hold an item on the shelf: a share of its weight that wanders rests in the hand."""
        lifted = 0.0
        for _ in shares(hold[0]):
            lifted = float(np.clip(lifted + self.generator.normal(0.0, 0.05), 0.0, 0.9))
            self.world.push(lane.index, -lifted * hold[1])
            self._feel(arm, lane, 0.4 * strength_g, stamps, touching=True)
            yield

    def _front_point(self, lane: LaneStock, wrist: FloatArray) -> FloatArray:
        """Return where the wrist waits before the lane's opening."""
        outwards = lane.site.transform[:3, 0]
        local_x = float((wrist - lane.site.position) @ outwards)
        return wrist + outwards * max(0.0, lane.site.lane.depth / 2 + 0.14 - local_x) + np.array([0.0, 0.0, 0.03])

    def _feel(self, arm: Arm, lane: LaneStock, strength_g: float, stamps: list[int], touching: bool = False) -> None:
        """Push on the lane's plate while the hand is inside: correlated over about 0.1 s, both signs."""
        local = (self.palm(arm) - lane.site.position) @ lane.site.transform[:3, 0]
        inside = arm.weight > 0.5 and local < lane.site.lane.depth / 2 + 0.03
        if not inside and not touching:
            self._push *= 0.7
            return
        stamps.append(self.world.now_ns)
        self._push = 0.72 * self._push + 0.69 * float(self.generator.normal(0.0, strength_g))
        self.world.push(lane.index, self._push)

    def stow(self, arm: Arm) -> Doing:
        """Put what a hand holds into the bag at the hip; may run while walking."""
        arm.busy = True
        yield from self._to_hip(arm, 0.5)
        self.world.stow(self, arm)
        arm.carry_goal = 0.0
        yield from self._from_hip(arm, 0.4)
        arm.busy = False

    def unstow(self, arm: Arm, rows: list[int]) -> Doing:
        """Take items out of the bag into a hand."""
        arm.busy = True
        yield from self._to_hip(arm, 0.55)
        self.world.unstow(self, arm, rows)
        arm.carry_goal = 1.0
        yield from self._from_hip(arm, 0.5)
        arm.busy = False

    def _hip(self, arm: Arm) -> FloatArray:
        walker = self.walker
        local = np.array([0.17, 0.17 * self.arm_side(arm), 0.5 * walker.stature])
        return body_point(walker.position[0], walker.position[1], walker.yaw, local)

    def _to_hip(self, arm: Arm, seconds: float) -> Doing:
        for share in shares(seconds):
            arm.target, arm.weight = self._hip(arm), minimum_jerk(share)
            yield

    def _from_hip(self, arm: Arm, seconds: float) -> Doing:
        for share in shares(seconds):
            arm.target, arm.weight = self._hip(arm), 1.0 - minimum_jerk(share)
            yield
        arm.target, arm.weight = None, 0.0

    def pull_door(self, arm: Arm, point: FloatArray) -> Doing:
        """Grip a fridge door's handle and pull it open."""
        arm.busy = True
        for share in shares(0.6):
            arm.target, arm.weight = point, minimum_jerk(share)
            yield
        for share in shares(0.4):
            arm.weight = 1.0 - minimum_jerk(share)
            yield
        arm.target, arm.weight, arm.busy = None, 0.0, False

    def finish_gesture(self) -> Doing:
        """Wait until a gesture that runs beside walking is over; one that has not begun is given up."""
        while self.gesture is not None:
            if not any(arm.busy for arm in self.walker.arms):
                self.gesture = None
                return
            yield


def shares(seconds: float) -> NDArray[np.float64]:
    """Return the shares 0..1 of a time that have passed after each of its ticks."""
    ticks = max(1, round(seconds / TICK_S))
    return np.arange(1, ticks + 1) / ticks


def _length(position: FloatArray, path: FloatArray) -> float:
    points = np.vstack([position, path])
    return float(np.hypot(*np.diff(points, axis=0).T).sum())
