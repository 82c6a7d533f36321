"""What the simulated world shows at one instant: the input of the renderer."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Appearance:
    """How a person looks. ``body`` indexes the body library, ``scale`` resizes it; colours are linear RGB 0..1.

    ``outfit`` indexes ``garments.OUTFITS``, ``hair_style`` is one of ``garments.Hair``, ``pattern`` one of
    ``textures.Cloth``; ``bag`` is a backpack.
    """

    body: int
    scale: float
    skin: Colour
    hair: Colour
    top: Colour
    bottom: Colour
    shoes: Colour
    bag: bool = False
    outfit: int = 0
    hair_style: int = 0
    pattern: int = 0
    bag_colour: Colour = (0.05, 0.05, 0.06)


@dataclass(frozen=True)
class BodyPose:
    """How a person stands, in the store frame, metres and radians.

    ``yaw`` is the heading; ``gait_phase`` runs through 2 pi per two steps and ``stride`` 0..1 is its amplitude
    (0 stands still). A hand target is the wanted wrist position (3,) in the store frame, blended in by its weight
    0..1: the arm reaches for it by inverse kinematics, and torso and knees lean or crouch as far as needed. ``carry``
    bends an arm to hold something in front of the body. ``head_yaw`` turns the head against the body.
    """

    x: float
    y: float
    yaw: float
    gait_phase: float = 0.0
    stride: float = 0.0
    left_target: tuple[float, float, float] | None = None
    right_target: tuple[float, float, float] | None = None
    left_weight: float = 0.0
    right_weight: float = 0.0
    left_carry: float = 0.0
    right_carry: float = 0.0
    head_yaw: float = 0.0


@dataclass(frozen=True)
class Person:
    """A person in the scene; ``person_id`` is 1..255 and unique among those present."""

    person_id: int
    appearance: Appearance
    pose: BodyPose


class ItemPlace(IntEnum):
    """Where an item is."""

    GONE = 0
    SHELF = 1
    HAND = 2
    FLOOR = 3


@dataclass
class ItemTable:
    """All items of the store as columns; row numbers are item numbers and never change.

    ``product`` (n,) int32 indexes Store.products; ``position`` (n, 3) float32 is the centre of the item's bottom in
    the store frame, ``yaw`` (n,) its turn (0: label towards store +x), ``place`` (n,) uint8 of ItemPlace. Whenever a
    shelved item appears, leaves or moves, ``version`` is raised and the item's row is set in ``touched`` until it has
    stayed on its shelf for a while: the renderer draws touched items live and caches the others.
    """

    product: NDArray[np.int32]
    position: NDArray[np.float32]
    yaw: NDArray[np.float32]
    place: NDArray[np.uint8]
    touched: NDArray[np.bool_]
    version: int = 0


@dataclass(frozen=True)
class Lighting:
    """Light of the store: ``brightness`` 1 is normal, ``warmth`` -1 (blue) .. 1 (yellow)."""

    brightness: float = 1.0
    warmth: float = 0.0
    key_direction: tuple[float, float, float] = (0.3, 0.2, 1.0)


class PropKind(IntEnum):
    """What people carry or pull besides the store's goods."""

    BAG = 1
    TROLLEY = 2


@dataclass(frozen=True)
class Prop:
    """A bag that hangs by its handles from ``position``, or a trolley that stands at it; store metres and radians."""

    kind: PropKind
    position: tuple[float, float, float]
    yaw: float
    colour: Colour


@dataclass(frozen=True)
class Scene:
    """Everything visible at ``stamp_ns``. ``doors`` and ``gates`` give opening 0..1 by fixture id (absent: closed)."""

    stamp_ns: int
    people: tuple[Person, ...]
    items: ItemTable
    lighting: Lighting = Lighting()
    doors: dict[str, float] = field(default_factory=dict)
    gates: dict[str, float] = field(default_factory=dict)
    props: tuple[Prop, ...] = ()


BODY_PART_ID_BASE = 60000
"""Instance ids of people in the id image: 60000 + person_id. Items: 1 + row. 0 is background and fixtures."""
