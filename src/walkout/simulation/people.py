"""The bodies' motion: walking among others without touching anybody, turning, and hands that reach.

Local avoidance samples velocities and judges each by how far it is from the wanted one and how soon it would come near
somebody (the idea of velocity obstacles, Fiorini and Shiller 1998, with sampling as in van den Berg et al. 2008). Two
things are never traded: the gap to fixtures and the gap to other people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from walkout.simulation.navigation import BODY_RADIUS_M, FloorMap
from walkout.simulation.scene import Appearance, BodyPose

FloatArray = NDArray[np.float64]

TICK_NS = 33_333_333
TICK_S = 1.0 / 30.0
PERSON_GAP_M = 0.46
COMFORT_GAP_M = 0.68
HORIZON_S = 1.8
ACCELERATION = 1.8
TURN_RATE = 3.2


@dataclass
class Arm:
    """One arm: where its wrist is wanted (store frame), how much, and what the hand holds (item rows)."""

    target: FloatArray | None = None
    weight: float = 0.0
    carry: float = 0.0
    carry_goal: float = 0.0
    items: list[int] = field(default_factory=list)
    grip: FloatArray = field(default_factory=lambda: np.zeros(3))
    busy: bool = False


@dataclass
class Walker:
    """A person's motion state. ``wanted`` is the velocity they would like, ``face`` the heading while standing.

    ``cycle_m`` is the way of two full steps. ``ghost`` lets them pass through a gate's fixture; ``idle`` marks somebody
    who can step aside when asked; ``pushy`` is who comes closer to others than is comfortable, though never too close.
    """

    person_id: int
    appearance: Appearance
    position: FloatArray
    yaw: float
    cruise_m_s: float
    right_handed: bool = True
    stature: float = 1.72
    cycle_m: float = 1.4
    velocity: FloatArray = field(default_factory=lambda: np.zeros(2))
    wanted: FloatArray = field(default_factory=lambda: np.zeros(2))
    face: float | None = None
    gait_phase: float = 0.0
    stride: float = 0.0
    head_yaw: float = 0.0
    head_goal: float = 0.0
    left: Arm = field(default_factory=Arm)
    right: Arm = field(default_factory=Arm)
    ghost: bool = False
    idle: bool = False
    pushy: bool = False
    asked_to_yield: bool = False

    @property
    def arms(self) -> tuple[Arm, Arm]:
        """Left and right arm."""
        return self.left, self.right

    def pose(self) -> BodyPose:
        """Return the pose for the renderer."""
        return BodyPose(
            x=float(self.position[0]),
            y=float(self.position[1]),
            yaw=float(self.yaw),
            gait_phase=float(self.gait_phase),
            stride=float(self.stride),
            left_target=_point(self.left.target),
            right_target=_point(self.right.target),
            left_weight=self.left.weight,
            right_weight=self.right.weight,
            left_carry=self.left.carry,
            right_carry=self.right.carry,
            head_yaw=self.head_yaw,
        )


def _point(value: FloatArray | None) -> tuple[float, float, float] | None:
    return None if value is None else (float(value[0]), float(value[1]), float(value[2]))


class Crowd:
    """Moves all walkers by one tick, one after the other, so that no two ever come closer than ``PERSON_GAP_M``."""

    def __init__(self, floor: FloorMap) -> None:
        """Keep the floor's clearances."""
        self._floor = floor
        angles = np.deg2rad([0, 12, -12, 26, -26, 42, -42, 62, -62, 85, -85, 115, -115])
        speeds = np.array([1.0, 0.72, 0.42, 0.2])
        self._directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        self._grid = (speeds[:, None, None] * self._directions).reshape(-1, 2)

    def step(self, walkers: Sequence[Walker]) -> None:
        """Advance everybody by ``TICK_S``."""
        for walker in walkers:
            others = [other for other in walkers if other is not walker]
            self._move(walker, others)
            _turn(walker)
            _step_gait(walker)
            _step_arms(walker)

    def _move(self, walker: Walker, others: list[Walker]) -> None:
        speed = float(np.linalg.norm(walker.wanted))
        if speed < 1e-6 and not np.any(walker.velocity):
            return
        positions = np.array([other.position for other in others]).reshape(-1, 2)
        velocities = np.array([other.velocity for other in others]).reshape(-1, 2)
        goal = self._choose(walker, positions, velocities, speed) if speed > 1e-6 else np.zeros(2)
        change = goal - walker.velocity
        most = (ACCELERATION if goal @ goal >= walker.velocity @ walker.velocity else 2.5) * TICK_S
        length = float(np.linalg.norm(change))
        velocity = walker.velocity + change * min(1.0, most / length) if length > 0 else goal
        for candidate in (velocity, goal, np.zeros(2)):
            if self._allowed(walker, candidate[None], positions, TICK_S)[0]:
                walker.velocity = candidate
                break
        walker.position = walker.position + walker.velocity * TICK_S

    def _choose(self, walker: Walker, positions: FloatArray, velocities: FloatArray, speed: float) -> FloatArray:
        heading = walker.wanted / speed
        turn = np.array([[heading[0], -heading[1]], [heading[1], heading[0]]])
        candidates = np.vstack([speed * self._grid @ turn.T, np.zeros((1, 2))])
        difference = candidates - walker.wanted
        cost = np.einsum("ij,ij->i", difference, difference) / speed**2
        cost += 0.12 * np.linalg.norm(candidates - walker.velocity, axis=1) / speed
        if not walker.pushy:
            cost += _collision_cost(walker.position, candidates, positions, velocities)
        if not walker.ghost:
            ahead = self._floor.clearance(walker.position + candidates * 0.35)
            cost += 6.0 * np.clip(BODY_RADIUS_M + 0.04 - ahead, 0.0, 0.3) / 0.1
        cost[~self._allowed(walker, candidates, positions, 2 * TICK_S)] = np.inf
        cost[-1] = min(float(cost[-1]), 1.6)
        best: FloatArray = candidates[int(np.argmin(cost))]
        return best

    def _allowed(self, walker: Walker, velocities: FloatArray, others: FloatArray, ahead_s: float) -> NDArray[np.bool_]:
        """Return which velocities keep the gaps, or at least widen one that is too small already."""
        points = walker.position + velocities * ahead_s
        allowed = np.ones(len(points), np.bool_)
        if not walker.ghost:
            now = float(self._floor.clearance(walker.position[None])[0])
            allowed &= self._floor.clearance(points) >= min(BODY_RADIUS_M, now - 1e-9)
        if len(others):
            gap = np.linalg.norm(points[:, None] - others, axis=2)
            gap_now = np.linalg.norm(walker.position - others, axis=1)
            allowed &= np.all((gap >= PERSON_GAP_M) | (gap >= gap_now), axis=1)
        return allowed


def _collision_cost(position: FloatArray, candidates: FloatArray, others: FloatArray, speeds: FloatArray) -> FloatArray:
    """Return how bad each candidate velocity is: nearness at the closest approach, weighed by how soon it comes."""
    if not len(others):
        return np.zeros(len(candidates))
    offset = others - position
    relative = candidates[:, None] - speeds
    closing = np.einsum("ijk,jk->ij", relative, offset)
    square = np.maximum(np.einsum("ijk,ijk->ij", relative, relative), 1e-6)
    time = np.clip(closing / square, 0.0, HORIZON_S)
    gap = np.linalg.norm(offset - relative * time[..., None], axis=2)
    near = np.clip((COMFORT_GAP_M - gap) / (COMFORT_GAP_M - 0.4), 0.0, 1.2)
    # Who moves apart is in no danger, however near the two are now.
    near[closing <= 0.0] *= 0.15
    return np.asarray((1.6 * near**2 / (0.35 + time)).sum(axis=1))


def _turn(walker: Walker) -> None:
    speed = float(np.hypot(*walker.velocity))
    goal = walker.face if walker.face is not None and speed < 0.25 else None
    if goal is None:
        if speed < 0.12:
            return
        goal = float(np.arctan2(walker.velocity[1], walker.velocity[0]))
    error = wrap(goal - walker.yaw)
    rate = np.clip(4.5 * error, -TURN_RATE, TURN_RATE)
    walker.yaw = wrap(walker.yaw + float(rate) * TICK_S)


def _step_gait(walker: Walker) -> None:
    speed = float(np.hypot(*walker.velocity))
    goal = min(1.0, speed / 1.1)
    walker.stride += (goal - walker.stride) * min(1.0, TICK_S / 0.18)
    if walker.stride < 0.01 and speed < 0.01:
        walker.stride = 0.0
    cycle = walker.cycle_m * max(0.3, walker.stride)
    walker.gait_phase = float((walker.gait_phase + 2 * np.pi * speed * TICK_S / cycle) % (2 * np.pi))
    walker.head_yaw += float(np.clip(walker.head_goal - walker.head_yaw, -2.5 * TICK_S, 2.5 * TICK_S))


def _step_arms(walker: Walker) -> None:
    for arm in walker.arms:
        arm.carry += float(np.clip(arm.carry_goal - arm.carry, -2.5 * TICK_S, 2.5 * TICK_S))
        arm.grip = arm.grip * 0.86


def wrap(angle: float) -> float:
    """Return an angle in [-pi, pi)."""
    return float((angle + np.pi) % (2 * np.pi) - np.pi)


def minimum_jerk(share: float) -> float:
    """Return the minimum-jerk progress 0..1 of a reach at a share 0..1 of its time (Flash and Hogan 1985)."""
    share = min(1.0, max(0.0, share))
    return share**3 * (10.0 - 15.0 * share + 6.0 * share**2)


def interpolate(before: BodyPose, after: BodyPose, share: float) -> BodyPose:
    """Return the pose at a share 0..1 between two poses; angles go the short way."""

    def mix(name: str) -> float:
        start, end = getattr(before, name), getattr(after, name)
        return float(start + share * (end - start))

    def angle(name: str) -> float:
        start, end = getattr(before, name), getattr(after, name)
        return wrap(start + share * wrap(end - start))

    def target(name: str) -> tuple[float, float, float] | None:
        start, end = getattr(before, name), getattr(after, name)
        if start is None or end is None:
            return end if start is None else start  # type: ignore[no-any-return]
        return tuple(s + share * (e - s) for s, e in zip(start, end, strict=True))  # type: ignore[return-value]

    names = ("x", "y", "stride", "left_weight", "right_weight", "left_carry", "right_carry", "head_yaw")
    return BodyPose(
        **{name: mix(name) for name in names},
        yaw=angle("yaw"),
        gait_phase=angle("gait_phase") % (2 * np.pi),
        left_target=target("left_target"),
        right_target=target("right_target"),
    )
