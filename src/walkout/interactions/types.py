"""What the shelves and the attribution deliver: weight events and interactions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

from walkout.interactions.meetings import HandsMet


@dataclass(frozen=True)
class WeightEvent:
    """A lasting change of the weight on one or several neighbouring lanes of a fixture.

    ``delta_g`` is negative when something left; ``sd_g`` its standard deviation. ``onset_ns`` is when the first touch
    was felt, ``end_ns`` when the weight had settled. ``lane_deltas_g`` is the share of each lane of ``lane_ids``. A
    provisional event has not settled yet; the final one with the same ``event_id`` replaces it. Where no cell works a
    reach is an event of unknown weight: ``delta_g`` is NaN then, ``sd_g`` infinite.
    """

    event_id: str
    fixture_id: str
    lane_ids: tuple[str, ...]
    lane_deltas_g: tuple[float, ...]
    onset_ns: int
    end_ns: int
    delta_g: float
    sd_g: float
    provisional: bool = False

    @property
    def weighed(self) -> bool:
        """Whether the change of weight is known."""
        return math.isfinite(self.delta_g)


class InteractionKind(IntEnum):
    """What a shopper did."""

    UNKNOWN = 0
    TAKE = 1
    RETURN = 2
    TOUCH = 3


@dataclass(frozen=True)
class Hypothesis:
    """One explanation of an event: this shopper (0 = nobody known) took or returned this many of this product."""

    track_id: int
    sku: str
    quantity: int
    kind: InteractionKind
    probability: float


@dataclass(frozen=True)
class Interaction:
    """An explained weight event. ``hypotheses`` are sorted by falling probability; the first is the best."""

    interaction_id: str
    event: WeightEvent
    hypotheses: tuple[Hypothesis, ...]

    @property
    def best(self) -> Hypothesis:
        """The most probable explanation."""
        return self.hypotheses[0]


@dataclass(frozen=True)
class VisitEstimate:
    """A whole visit explained once more.

    ``counts`` gives for every product the probability of each number of pieces that the party left with (also 0);
    ``interaction_ids`` the evidence of each product, ``camera_ids`` who saw it, ``met`` whose hands met the party's.
    """

    interactions: tuple[Interaction, ...]
    counts: dict[str, dict[int, float]]
    interaction_ids: dict[str, tuple[str, ...]]
    camera_ids: dict[str, tuple[str, ...]]
    met: tuple[HandsMet, ...] = ()
