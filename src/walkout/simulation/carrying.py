"""What people bring along: a bag that hangs on the arm, or a trolley pulled behind."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from walkout.perception.types import Keypoint
from walkout.simulation.body_points import BodyPoints, body_point
from walkout.simulation.load_cells import stream
from walkout.simulation.navigation import FloorMap
from walkout.simulation.people import TICK_S, Arm, Walker, wrap
from walkout.simulation.scenario_model import Carried
from walkout.simulation.scene import BodyPose, Colour, Prop, PropKind

FloatArray = NDArray[np.float64]

PULL_M = 0.42
"""From the hand to the trolley's middle on the floor."""
HAND_HEIGHT = 0.545
"""How high the hand that pulls is, in statures: low enough for the handle, high enough to walk upright."""
ROOM_M = 0.17
_COLOURS: tuple[Colour, ...] = ((0.45, 0.02, 0.03), (0.02, 0.1, 0.35), (0.03, 0.25, 0.06), (0.6, 0.5, 0.3), (0.03,) * 3)


class Burden:
    """Nothing carried: the base of what is."""

    def step(self, floor: FloorMap) -> None:
        """Go on by one tick, after the walker has moved."""

    def prop(self, points: BodyPoints, pose: BodyPose, share: float) -> Prop | None:
        """Return what is to be seen at a share 0..1 of the last tick of a person at a pose."""
        return None


class Bag(Burden):
    """A shopping bag that hangs from the forearm, and hides what is below."""

    def __init__(self, colour: Colour, left: bool) -> None:
        """Hang it on the left or the right arm."""
        self._colour, self._side = colour, 0 if left else 1

    def prop(self, points: BodyPoints, pose: BodyPose, share: float) -> Prop | None:
        """See Burden."""
        joints = (Keypoint.LEFT_ELBOW, Keypoint.RIGHT_ELBOW), (Keypoint.LEFT_WRIST, Keypoint.RIGHT_WRIST)
        elbow, wrist = (points.joints[pair[self._side]] for pair in joints)
        outward = 0.05 if self._side == 0 else -0.05
        shift = np.array([-np.sin(pose.yaw), np.cos(pose.yaw), 0.0]) * outward
        x, y, z = (elbow + 0.75 * (wrist - elbow) + shift).tolist()
        return None if np.isnan(x) else Prop(PropKind.BAG, (x, y, z), pose.yaw, self._colour)


class Trolley(Burden):
    """A trolley that rolls after the hand that pulls it, and stays where it is while its owner is busy."""

    def __init__(self, walker: Walker, colour: Colour) -> None:
        """Begin behind the walker."""
        self._walker = walker
        self._colour = colour
        self._arm: Arm = walker.left if walker.right_handed else walker.right
        self._side = 1.0 if self._arm is walker.left else -1.0
        back = body_point(walker.position[0], walker.position[1], walker.yaw, np.array([-0.6, 0.2 * self._side, 0.0]))
        self.place: FloatArray = np.array([back[0], back[1], walker.yaw])
        self._before = self.place

    def step(self, floor: FloorMap) -> None:
        """See Burden."""
        walker = self._walker
        x, y = walker.position
        hand = body_point(x, y, walker.yaw, np.array([-0.14, 0.24 * self._side, 0.0]))[:2]
        self._before = self.place
        offset = hand - self.place[:2]
        distance = float(np.hypot(*offset))
        direction = offset / max(distance, 1e-6)
        wanted = hand - direction * PULL_M
        moving = np.hypot(*walker.velocity) > 0.1
        near = np.hypot(*(wanted - walker.position)) < 0.4
        if moving and distance > PULL_M and not near:
            tight = not walker.ghost and floor.clearance(wanted[None])[0] < ROOM_M and distance < 2 * PULL_M
            if not tight:
                yaw = float(np.arctan2(direction[1], direction[0]))
                turn = np.clip(wrap(yaw - self.place[2]), -0.12, 0.12)
                self.place = np.array([wanted[0], wanted[1], wrap(self.place[2] + turn)])
        self._grip(moving)

    def _grip(self, moving: bool) -> None:
        """Hold the handle while walking, unless the hand has something else to do."""
        arm = self._arm
        if arm.busy or arm.items:
            return
        goal = 1.0 if moving else 0.0
        arm.weight += float(np.clip(goal - arm.weight, -TICK_S / 0.35, TICK_S / 0.35))
        walker = self._walker
        hand = np.array([-0.12, 0.25 * self._side, HAND_HEIGHT * walker.stature])
        wrist = body_point(walker.position[0], walker.position[1], walker.yaw, hand)
        arm.target = None if arm.weight <= 0.0 else wrist

    def prop(self, points: BodyPoints, pose: BodyPose, share: float) -> Prop | None:
        """See Burden."""
        x, y = self._before[:2] + share * (self.place[:2] - self._before[:2])
        yaw = wrap(self._before[2] + share * wrap(self.place[2] - self._before[2]))
        return Prop(PropKind.TROLLEY, (float(x), float(y), 0.0), yaw, self._colour)


def carried_by(walker: Walker, carried: Carried, seed: int, visit_id: int) -> Burden:
    """Return what a person brings along, in a colour of its own."""
    if carried is Carried.NOTHING:
        return Burden()
    generator = stream(seed, "carried", str(visit_id))
    colour = _COLOURS[int(generator.integers(len(_COLOURS)))]
    return Trolley(walker, colour) if carried is Carried.TROLLEY else Bag(colour, bool(generator.random() < 0.5))
