"""The simplified skeleton that the simulator's bodies share.

Body frame: x forward, y to the person's left, z up, origin on the floor between the feet. Fingers are merged into two
bones per hand, because no camera of a store resolves more.
"""

from __future__ import annotations

from enum import IntEnum


class Bone(IntEnum):
    """Bones in an order in which parents come before their children."""

    HIPS = 0
    SPINE = 1
    CHEST = 2
    UPPER_CHEST = 3
    NECK = 4
    HEAD = 5
    LEFT_CLAVICLE = 6
    LEFT_UPPER_ARM = 7
    LEFT_FOREARM = 8
    LEFT_HAND = 9
    LEFT_FINGERS = 10
    LEFT_FINGERTIPS = 11
    RIGHT_CLAVICLE = 12
    RIGHT_UPPER_ARM = 13
    RIGHT_FOREARM = 14
    RIGHT_HAND = 15
    RIGHT_FINGERS = 16
    RIGHT_FINGERTIPS = 17
    LEFT_THIGH = 18
    LEFT_SHANK = 19
    LEFT_FOOT = 20
    LEFT_TOES = 21
    RIGHT_THIGH = 22
    RIGHT_SHANK = 23
    RIGHT_FOOT = 24
    RIGHT_TOES = 25


BONE_COUNT = len(Bone)


class Field(IntEnum):
    """Scalar fields over the body's surface; clothes are cut along their level lines.

    ``ARM``: 0 shoulder, 1 elbow, 2 wrist, -1 off the arms. ``LEG``: 0 hip, 1 knee, 2 ankle, 3 toes, -1 off the legs.
    ``TRUNK``: height, 0 at the hip joints, 1 at the root of the neck, above 1 on neck and head.
    ``HAIR``: height above the hairline in head heights, negative on the face and below. ``NECK``: metres from the
    middle of the neck and what is above it, 0 on the head. ``SIDE``: metres from the body's middle plane.
    """

    ARM = 0
    LEG = 1
    TRUNK = 2
    HAIR = 3
    NECK = 4
    SIDE = 5
