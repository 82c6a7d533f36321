"""People drawn at random into a store: walking, standing, reaching into shelves, carrying things, alone or crowded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from walkout.simulation.navigation import FloorMap
from walkout.simulation.scene import Appearance, BodyPose, ItemPlace, ItemTable, Lighting, Person
from walkout.store.model import FixtureType, LaneSite, Store

FloatArray = NDArray[np.float64]
Rng = np.random.Generator

COUNT_SHARES = (0.02, 0.08, 0.14, 0.17, 0.17, 0.14, 0.11, 0.09, 0.08)
"""How often a picture's store holds 0, 1, 2, … people."""

HIGH_LANE_M = 1.0
"""Lanes from this height on take a raised arm."""

BODY_GAP_M = 0.42
FIXTURE_GAP_M = 0.20
_ATTEMPTS = 60


@dataclass(frozen=True)
class Habits:
    """How people of a random crowd behave, as shares 0..1 and metres.

    ``reaching`` of them have a hand at a lane, ``complete`` of those as far in as they want to; ``high`` of these
    lanes are chosen among those that take a raised arm (0: any lane is as likely). They stand ``distance`` off
    the lane's front, with the wrist up to ``before`` in front of the place of the foremost items.
    """

    reaching: float = 0.5
    complete: float = 0.5
    high: float = 0.0
    distance: tuple[float, float] = (0.28, 0.62)
    before: float = 0.0


@dataclass(frozen=True)
class Crowd:
    """People and what they hold: rows of the item table per person's (left, right) hand, -1 for nothing."""

    people: tuple[Person, ...]
    held: NDArray[np.int32]


class CrowdPlacer:
    """Draws crowds into one store."""

    def __init__(self, store: Store, habits: Habits | None = None) -> None:
        self._store, self._habits = store, habits or Habits()
        self._floor = FloorMap(store)
        self._sites = [site for site in store.lane_sites.values() if site.fixture.type is not FixtureType.GATE]

    def free_points(self, count: int, rng: Rng) -> FloatArray:
        """Return points (count, 2) of the floor where somebody could stand, if there are any."""
        points = rng.uniform(self._store.floor[:2], self._store.floor[2:], (64 * count, 2))
        free = points[self._floor.clearance(points) > FIXTURE_GAP_M]
        return free[:count] if len(free) >= count else points[:count]

    def place(self, items: ItemTable, dress: Callable[[Rng], Appearance], rng: Rng) -> Crowd:
        """Return people who stand on free floor and do not touch; ``dress`` draws an appearance."""
        count = int(rng.choice(len(COUNT_SHARES), p=COUNT_SHARES))
        crowded = bool(rng.random() < 0.35)
        people: list[Person] = []
        held: list[tuple[int, int]] = []
        for _ in range(count):
            pose = self._free_pose([p.pose for p in people], crowded, rng)
            if pose is None:
                continue
            hands = _held_items(items, rng)
            pose = _with_carrying(pose, hands, rng)
            people.append(Person(len(people) + 1, dress(rng), pose))
            held.append(hands)
        return Crowd(tuple(people), np.array(held, dtype=np.int32).reshape(-1, 2))

    def _free_pose(self, others: list[BodyPose], crowded: bool, rng: Rng) -> BodyPose | None:
        taken = np.array([[pose.x, pose.y] for pose in others]).reshape(-1, 2)
        for _ in range(_ATTEMPTS):
            reaching = bool(self._sites) and rng.random() < self._habits.reaching
            near = taken[int(rng.integers(len(taken)))] if crowded and len(taken) and rng.random() < 0.8 else None
            if reaching:
                site = self._site(rng)
                if near is not None and np.linalg.norm(site.position[:2] - near) > 1.6:
                    continue
                pose = _reaching(site, self._habits, rng)
            else:
                pose = _roaming(self._store, near, rng)
            place = np.array([[pose.x, pose.y]])
            if self._floor.clearance(place)[0] < FIXTURE_GAP_M:
                continue
            if len(taken) and np.linalg.norm(taken - place, axis=1).min() < BODY_GAP_M:
                continue
            return pose
        return None

    def _site(self, rng: Rng) -> LaneSite:
        high = [site for site in self._sites if site.position[2] >= HIGH_LANE_M] if self._habits.high > 0 else []
        chosen = high if high and rng.random() < self._habits.high else self._sites
        return chosen[int(rng.integers(len(chosen)))]


def random_lighting(rng: Rng) -> Lighting:
    """Return light of any strength, warmth and direction from above."""
    direction = (float(rng.normal(0, 0.5)), float(rng.normal(0, 0.5)), 1.0)
    return Lighting(float(np.exp(rng.uniform(-0.6, 0.4))), float(rng.uniform(-1, 1)), direction)


def random_openings(store: Store, rng: Rng) -> tuple[dict[str, float], dict[str, float]]:
    """Return how far doors and gates are open, by fixture id."""
    doors = {f.fixture_id: float(rng.uniform(0, 1)) for f in store.fixtures if f.has_door and rng.random() < 0.4}
    gates = {f.fixture_id: float(rng.uniform(0, 1)) for f in store.fixtures if f.type is FixtureType.GATE}
    return doors, gates


def _roaming(store: Store, near: FloatArray | None, rng: Rng) -> BodyPose:
    """Return somebody who walks or stands, maybe with a hand stretched out to anywhere."""
    low, high = np.array(store.floor[:2]), np.array(store.floor[2:])
    place = rng.uniform(low, high) if near is None else near + rng.normal(0, 0.6, 2)
    pose = BodyPose(
        x=float(place[0]),
        y=float(place[1]),
        yaw=float(rng.uniform(-np.pi, np.pi)),
        gait_phase=float(rng.uniform(0, 2 * np.pi)),
        stride=float(rng.uniform(0.3, 1.0)) if rng.random() < 0.65 else 0.0,
        head_yaw=float(np.clip(rng.normal(0, 0.4), -1.2, 1.2)),
    )
    if rng.random() < 0.25:
        ahead, side = rng.uniform(0.2, 0.65), rng.uniform(-0.5, 0.5)
        cos, sin = np.cos(pose.yaw), np.sin(pose.yaw)
        target = (pose.x + ahead * cos - side * sin, pose.y + ahead * sin + side * cos, rng.uniform(0.5, 1.7))
        pose = _with_target(pose, target, side > 0, float(rng.uniform(0.3, 1.0)))
    return pose


def _reaching(site: LaneSite, habits: Habits, rng: Rng) -> BodyPose:
    """Return somebody before a lane with a hand on its way in, in it, or on its way out."""
    lane = site.lane
    front = lane.depth / 2
    along = rng.uniform(-0.3 * front, 0.9 * front + habits.before)
    inside = np.array([along, rng.uniform(-0.4, 0.4) * lane.width, rng.uniform(0.04, 0.18)])
    side = float(np.clip(rng.normal(0, 0.22), -0.5, 0.5))
    stand = np.array([front + rng.uniform(*habits.distance), side, 0.0])
    rotation, origin = site.transform[:3, :3], site.transform[:3, 3]
    place, target = origin + rotation @ stand, origin + rotation @ inside
    facing = float(np.arctan2(*(target - place)[1::-1]))
    yaw = facing + float(np.clip(rng.normal(0, 0.35), -0.9, 0.9))
    cross = np.cos(yaw) * (target - place)[1] - np.sin(yaw) * (target - place)[0]
    left = bool(cross > 0) if rng.random() < 0.6 else bool(rng.random() < 0.4)
    weight = 1.0 if rng.random() < habits.complete else float(rng.uniform(0.15, 1.0))
    pose = BodyPose(x=float(place[0]), y=float(place[1]), yaw=yaw, head_yaw=float(np.clip(facing - yaw, -1, 1)))
    pose = _with_target(pose, (float(target[0]), float(target[1]), float(target[2])), left, weight)
    if rng.random() < 0.12:
        other = target + rotation @ np.array([0.0, rng.uniform(-0.3, 0.3), 0.0])
        pose = _with_target(pose, (float(other[0]), float(other[1]), float(other[2])), not left, weight)
    return pose


def _with_target(pose: BodyPose, target: tuple[float, float, float], left: bool, weight: float) -> BodyPose:
    if left:
        return replace(pose, left_target=target, left_weight=weight)
    return replace(pose, right_target=target, right_weight=weight)


def _held_items(items: ItemTable, rng: Rng) -> tuple[int, int]:
    """Take up to two items off the shelves; return their rows, -1 for an empty hand."""
    rows = []
    for _ in range(2):
        shelved = np.flatnonzero(items.place == ItemPlace.SHELF)
        row = int(rng.choice(shelved)) if len(shelved) and rng.random() < 0.35 else -1
        if row >= 0:
            items.place[row] = ItemPlace.HAND
            items.touched[row] = True
        rows.append(row)
    return rows[0], rows[1]


def _with_carrying(pose: BodyPose, hands: tuple[int, int], rng: Rng) -> BodyPose:
    """Bend the arms that hold something, and sometimes one that does not."""
    left, right = (
        float(rng.uniform(0.5, 1.0)) if (row >= 0 and rng.random() < 0.7) or rng.random() < 0.15 else 0.0
        for row in hands
    )
    return replace(pose, left_carry=left, right_carry=right)
