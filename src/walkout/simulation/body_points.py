"""Where a person's joints and palms are: of the body that is rendered, or of a nominal body that costs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from walkout.perception.types import KEYPOINT_COUNT
from walkout.simulation.bodies import BodyLibrary
from walkout.simulation.scene import Appearance, BodyPose, Person

FloatArray = NDArray[np.float64]

PALM_BEYOND_WRIST_M = 0.08
NOMINAL_STATURE_M = 1.72
CHILD_STATURE_M = 1.5


@dataclass(frozen=True)
class BodyPoints:
    """``joints`` (12, 3) in the order of perception's Keypoint, ``palms`` (2, 3) left and right; in the store, m."""

    joints: FloatArray
    palms: FloatArray


class BodyModel(Protocol):
    """Tells where the parts of people are, and their measures."""

    def locate(self, person: Person) -> BodyPoints:
        """Return joints and palms of a posed person."""

    def adults(self) -> tuple[int, ...]:
        """Return the bodies that grown-ups may have."""

    def children(self) -> tuple[int, ...]:
        """Return the bodies that children may have."""

    def stature(self, appearance: Appearance) -> float:
        """Return the height of a standing person in metres."""

    def cycle_length(self, appearance: Appearance) -> float:
        """Return the metres walked in two full steps."""


class RenderedBodies:
    """The bodies of the renderer: hands are exactly where the pictures show them."""

    def __init__(self, library: BodyLibrary | None = None) -> None:
        self._library = library or BodyLibrary.load()
        self._locate = lru_cache(maxsize=64)(self._points)

    def locate(self, person: Person) -> BodyPoints:
        """Return joints and palms of a posed person."""
        return self._locate(person)

    def _points(self, person: Person) -> BodyPoints:
        posed = self._library.pose(person)
        return BodyPoints(posed.joints, posed.palms)

    def adults(self) -> tuple[int, ...]:
        """Return the bodies of grown-ups."""
        return tuple(body for body, height in enumerate(self._statures()) if height > CHILD_STATURE_M)

    def children(self) -> tuple[int, ...]:
        """Return the bodies of children."""
        return tuple(body for body, height in enumerate(self._statures()) if height <= CHILD_STATURE_M)

    def _statures(self) -> list[float]:
        grey = (0.5, 0.5, 0.5)
        looks = [Appearance(body, 1.0, grey, grey, grey, grey, grey) for body in range(len(self._library))]
        return [self._library.stature(look) for look in looks]

    def stature(self, appearance: Appearance) -> float:
        """Return the height of a standing person in metres."""
        return self._library.stature(appearance)

    def cycle_length(self, appearance: Appearance) -> float:
        """Return the metres walked in two full steps."""
        return self._library.cycle_length(appearance)


class NominalBody:
    """An average body whose arms hang or bend, and whose wrists are exactly at targets of weight 1. No joints: NaN."""

    def locate(self, person: Person) -> BodyPoints:
        """Return the palms of a posed person."""
        pose, size = person.pose, person.appearance.scale
        palms = [
            nominal_palm(pose, size, 1.0, pose.left_target, pose.left_weight, pose.left_carry),
            nominal_palm(pose, size, -1.0, pose.right_target, pose.right_weight, pose.right_carry),
        ]
        return BodyPoints(np.full((KEYPOINT_COUNT, 3), np.nan), np.array(palms))

    def adults(self) -> tuple[int, ...]:
        """Return the one body there is."""
        return (0,)

    def children(self) -> tuple[int, ...]:
        """Return the one body there is."""
        return (0,)

    def stature(self, appearance: Appearance) -> float:
        """Return the nominal height."""
        return NOMINAL_STATURE_M * appearance.scale

    def cycle_length(self, appearance: Appearance) -> float:
        """Return the metres walked in two full steps."""
        return 1.4 * appearance.scale


def nominal_palm(
    pose: BodyPose,
    scale: float,
    side: float,
    target: tuple[float, float, float] | None,
    weight: float,
    carry: float,
) -> FloatArray:
    """Return one palm (3,) in the store frame; ``scale`` 1 is 1.72 m tall, ``side`` 1 is left and -1 right."""
    hanging = np.array([0.08, 0.25 * side, 0.78 * scale])
    carried = np.array([0.36, 0.1 * side, 1.08 * scale])
    free = body_point(pose.x, pose.y, pose.yaw, hanging + carry * (carried - hanging))
    if target is None or weight <= 0.0:
        return free
    reached = np.array(target)
    shoulder = body_point(pose.x, pose.y, pose.yaw, np.array([0.0, 0.19 * side, 1.4 * scale]))
    arm = reached - shoulder
    arm[2] *= 0.4
    reached = reached + PALM_BEYOND_WRIST_M * arm / max(float(np.linalg.norm(arm)), 1e-6)
    palm: FloatArray = free + weight * (reached - free)
    return palm


def body_point(x: float, y: float, yaw: float, local: FloatArray) -> FloatArray:
    """Return a point given in a person's frame (x forward, y left, z up from the floor) in the store frame."""
    cos, sin = np.cos(yaw), np.sin(yaw)
    return np.array([x + cos * local[0] - sin * local[1], y + sin * local[0] + cos * local[1], local[2]])
