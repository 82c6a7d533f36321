"""What really happened: for evaluation and training alone, no stage ever sees it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

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


class VisitKind(Enum):
    """What a visitor owes for: a shopper for their basket, staff for nothing, a tailgater has no session to charge."""

    SHOPPER = "shopper"
    STAFF = "staff"
    TAILGATER = "tailgater"


@dataclass
class TrueVisit:
    """One shopper's visit. ``basket`` counts what they hold by sku; final once ``left_ns`` is set. -1: not yet.

    ``party_id`` is the visit of the one who pays: the shopper's own unless they came along with somebody.
    """

    visit_id: int
    person_id: int
    token: str
    appeared_ns: int
    entered_ns: int = -1
    left_ns: int = -1
    denied: bool = False
    basket: Counter[str] = field(default_factory=Counter)
    kind: VisitKind = VisitKind.SHOPPER
    party_id: int = 0
    child: bool = False

    def __post_init__(self) -> None:
        """Let who came alone be their own party."""
        self.party_id = self.party_id or self.visit_id

    @property
    def tailgated(self) -> bool:
        """Whether the visitor came in without presenting a token."""
        return self.kind is VisitKind.TAILGATER

    @property
    def inside(self) -> bool:
        """Whether the shopper is in the store."""
        return self.entered_ns >= 0 and self.left_ns < 0


@dataclass(frozen=True)
class TrueParty:
    """All who came on one payment. ``basket`` is what they carry out together, ``owed`` what is to be charged for.

    ``left_ns`` is when the last of them left, -1 while somebody is inside.
    """

    party_id: int
    token: str
    kind: VisitKind
    members: tuple[int, ...]
    entered_ns: int
    left_ns: int
    basket: Counter[str]

    @property
    def owed(self) -> Counter[str]:
        """What the token owes: nothing for staff and for those who came in without one."""
        return self.basket if self.kind is VisitKind.SHOPPER else Counter()


@dataclass(frozen=True)
class TrueExchange:
    """A piece that changed hands without a shelf; 0 is the floor, where something was dropped or lay."""

    stamp_ns: int
    giver_id: int
    taker_id: int
    sku: str


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
    exchanges: list[TrueExchange] = field(default_factory=list)

    def record(self, interaction: TrueInteraction) -> None:
        """Note an interaction and change the shopper's basket."""
        self.interactions.append(interaction)
        basket = self.visits[interaction.visit_id].basket
        if interaction.kind is InteractionKind.TAKE:
            basket[interaction.sku] += interaction.quantity
        elif interaction.kind is InteractionKind.RETURN:
            _remove(basket, interaction.sku, interaction.quantity)

    def exchange(self, exchange: TrueExchange) -> None:
        """Note that a piece changed hands, was dropped or picked up."""
        self.exchanges.append(exchange)
        if exchange.giver_id:
            _remove(self.visits[exchange.giver_id].basket, exchange.sku, 1)
        if exchange.taker_id:
            self.visits[exchange.taker_id].basket[exchange.sku] += 1

    def parties(self) -> list[TrueParty]:
        """Return all parties of whom somebody came in, in the order in which they did."""
        members: dict[int, list[TrueVisit]] = {}
        for visit in self.visits.values():
            if visit.entered_ns >= 0:
                members.setdefault(visit.party_id, []).append(visit)
        parties = []
        for party_id, visits in members.items():
            left = [visit.left_ns for visit in visits]
            parties.append(
                TrueParty(
                    party_id,
                    visits[0].token,
                    visits[0].kind,
                    tuple(visit.visit_id for visit in visits),
                    min(visit.entered_ns for visit in visits),
                    -1 if min(left) < 0 else max(left),
                    _together(visit.basket for visit in visits),
                )
            )
        return parties

    def parties_left(self) -> list[TrueParty]:
        """Return the parties of whom everybody has left."""
        return [party for party in self.parties() if party.left_ns >= 0]

    def visits_left(self) -> list[TrueVisit]:
        """Return the visits that are over, those who never came in excepted."""
        return [visit for visit in self.visits.values() if visit.entered_ns >= 0 and visit.left_ns >= 0]


def _remove(basket: Counter[str], sku: str, quantity: int) -> None:
    basket[sku] -= quantity
    if basket[sku] == 0:
        del basket[sku]


def _together(baskets: Iterable[Counter[str]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for basket in baskets:
        total.update(basket)
    return Counter({sku: count for sku, count in total.items() if count})
