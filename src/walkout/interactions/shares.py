"""What the one and the other shopper did in one event, and the names of it."""

from __future__ import annotations

from dataclasses import replace

from walkout.interactions.joint import NOTHING, Assignment
from walkout.interactions.types import Hypothesis, WeightEvent

_SECOND = "&2"


def nothing_of(event: WeightEvent) -> WeightEvent:
    """Return the final event that takes this one back."""
    nothing = tuple(0.0 for _ in event.lane_ids)
    return replace(event, lane_deltas_g=nothing, delta_g=0.0, provisional=False)


def assignment_of(best: Hypothesis) -> Assignment:
    """Return what a hypothesis says, without its probability."""
    return Assignment(best.track_id, best.sku, best.quantity, best.kind)


def beside(best: Assignment, chosen: Assignment) -> tuple[Assignment, Assignment]:
    """Return the two shares of an explanation, nothing for a missing one, in the order in which ``best`` has them."""
    first, second = (*chosen.parts, NOTHING)[:2]
    crosswise = first.track_id != best.track_id and second.track_id == best.track_id
    crosswise |= best.other is not None and first.track_id == best.other.track_id
    return (second, first) if crosswise else (first, second)


def interaction_ids(event: WeightEvent) -> tuple[str, str]:
    """Return the ids of what the first and the second shopper did in an event."""
    return f"i:{event.event_id}", f"i:{event.event_id}{_SECOND}"


def event_id_of(interaction_id: str) -> str:
    """Return the id of the event that an interaction explains."""
    return interaction_id.removeprefix("i:").removesuffix(_SECOND)
