"""How joint hypotheses of who did what are weighed and kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class JointParameters:
    """How hypotheses are weighed and kept.

    Attributes:
        nobody: odds that nobody known did it, where every shopper has odds of his log ratio against chance.
        unexplained: odds that no product made the step.
        not_held: odds that somebody puts back what he is not believed to hold.
        both_hands: odds that one shopper moves things in two lanes within ``same_hand_s``: people reach with one hand.
        same_hand: odds that even one hand moves things in two lanes within ``same_hand_s``.
        same_hand_s: what is moved in two lanes within this time is moved at once.
        rest_s: a hand that rests on a plate moves its level; what it then takes or leaves is felt within this time.
        together: odds that somebody else takes or returns the same product in the same lane at the same moment.
        exchange: how often something has changed hands where hands have met.
        swap: how often that is one thing for another, when both hold something.
        unweighed_take: how often a reach into a lane that weighs nothing takes a piece of its product.
        beam: joint hypotheses kept when a whole visit is judged,
        live_beam: and while it goes on.
        explanations: explanations of one event by products and counts that are followed.
        prune: explanations this many nats below the best are dropped.
    """

    nobody: float = 0.01
    unexplained: float = 0.02
    not_held: float = 0.002
    both_hands: float = 0.15
    same_hand: float = 0.1
    same_hand_s: float = 1.0
    rest_s: float = 40.0
    together: float = 0.08
    exchange: float = 0.7
    swap: float = 0.2
    unweighed_take: float = 0.5
    beam: int = 120
    live_beam: int = 40
    explanations: int = 24
    prune: float = 11.0

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        for name, value in vars(self).items():
            if value <= 0:
                raise ValueError(f"{name} is {value}: must be positive")
        for name in ("exchange", "swap", "unweighed_take"):
            if getattr(self, name) >= 1:
                raise ValueError(f"{name} is {getattr(self, name)}: must be a probability below 1")

    RANGES: ClassVar[Mapping[str, tuple[float, float]]] = {
        "nobody": (1e-9, 1),
        "unexplained": (1e-9, 1),
        "not_held": (1e-9, 1),
        "both_hands": (1e-9, 1),
        "same_hand": (1e-9, 1),
        "same_hand_s": (0.01, 10),
        "rest_s": (0.1, 600),
        "together": (1e-9, 1),
        "exchange": (1e-6, 0.999),
        "swap": (1e-6, 0.999),
        "unweighed_take": (1e-6, 0.999),
        "beam": (1, 10000),
        "live_beam": (1, 10000),
        "explanations": (1, 1000),
        "prune": (1, 100),
    }
