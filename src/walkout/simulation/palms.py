"""Where the palms of a person are: the body library's joints when there is one, else the nominal body used here."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from walkout.simulation.scene import BodyPose, Person

FloatArray = NDArray[np.float64]

PALM_BEYOND_WRIST_M = 0.08


class PalmModel(Protocol):
    """Tells the palms (2, 3), left and right, of a posed person in the store frame."""

    def palms(self, person: Person) -> FloatArray:
        """Return the palms (2, 3)."""


class NominalPalms:
    """Palms of an average body: arms hang or bend to carry, and a wrist of weight 1 is exactly at its target."""

    def palms(self, person: Person) -> FloatArray:
        """Return the palms (2, 3)."""
        pose, scale = person.pose, person.appearance.scale
        return np.array(
            [
                nominal_palm(pose, scale, 1.0, pose.left_target, pose.left_weight, pose.left_carry),
                nominal_palm(pose, scale, -1.0, pose.right_target, pose.right_weight, pose.right_carry),
            ]
        )


def nominal_palm(
    pose: BodyPose,
    scale: float,
    side: float,
    target: tuple[float, float, float] | None,
    weight: float,
    carry: float,
) -> FloatArray:
    """Return one palm (3,) in the store frame; ``side`` is 1 for left and -1 for right."""
    hanging = np.array([0.06, 0.26 * side, 0.74 * scale])
    carried = np.array([0.36, 0.13 * side, 1.06 * scale])
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
