"""What really happened: for evaluation and training alone, no stage ever sees it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from walkout.interactions.types import InteractionKind


@dataclass(frozen=True)
class TrueInteraction:
    """One visit of a hand to a lane. ``delta_g`` is the true change of the lane's weight, 0 for a touch.

    ``stamp_ns`` is when the items left or came to rest, ``hand_in_ns`` and ``hand_out_ns`` when the hand passed the
    shelf's front. ``sku`` is what was moved, which differs from the planogram for misplaced items.
    """

    interaction_id: int
    visit_id: int
    person_id: int
    kind: InteractionKind
    sku: str
    quantity: int
    lane_id: str
    stamp_ns: int
    hand_in_ns: int
    hand_out_ns: int
    delta_g: float


@dataclass
class TrueVisit:
    """One shopper's visit. ``basket`` counts what they hold by sku; final once ``left_ns`` is set. -1: not yet."""

    visit_id: int
    person_id: int
    token: str
    appeared_ns: int
    entered_ns: int = -1
    left_ns: int = -1
    denied: bool = False
    basket: Counter[str] = field(default_factory=Counter)

    @property
    def inside(self) -> bool:
        """Whether the shopper is in the store."""
        return self.entered_ns >= 0 and self.left_ns < 0


@dataclass(frozen=True)
class TrueShopper:
    """Where a person is: floor position (2,), velocity (2,) and heading, store frame, metres.

    ``joints`` (12, 3) are in the order of perception's Keypoint, ``palms`` (2, 3) left and right.
    """

    visit_id: int
    person_id: int
    position: NDArray[np.float64]
    velocity: NDArray[np.float64]
    yaw: float
    joints: NDArray[np.float64]
    palms: NDArray[np.float64]
    inside: bool


@dataclass
class Truth:
    """The record of a run: all visits by id and all interactions in the order of their ends."""

    visits: dict[int, TrueVisit] = field(default_factory=dict)
    interactions: list[TrueInteraction] = field(default_factory=list)

    def record(self, interaction: TrueInteraction) -> None:
        """Note an interaction and change the shopper's basket."""
        self.interactions.append(interaction)
        basket = self.visits[interaction.visit_id].basket
        if interaction.kind is InteractionKind.TAKE:
            basket[interaction.sku] += interaction.quantity
        elif interaction.kind is InteractionKind.RETURN:
            basket[interaction.sku] -= interaction.quantity
            if basket[interaction.sku] == 0:
                del basket[interaction.sku]

    def visits_left(self) -> list[TrueVisit]:
        """Return the visits that are over, those who never came in excepted."""
        return [visit for visit in self.visits.values() if visit.entered_ns >= 0 and visit.left_ns >= 0]
