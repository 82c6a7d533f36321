"""What the carts ask of the attribution."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from walkout.interactions.meetings import HandsMet
from walkout.interactions.types import Interaction, VisitEstimate, WeightEvent
from walkout.tracking.types import Shoppers


class ExplainsEvents(Protocol):
    """An attribution of events. The methods are described at ``interactions.attribution.Attributor``."""

    def add_shoppers(self, shoppers: Shoppers) -> None:
        """See Attributor."""

    def add_event(self, event: WeightEvent) -> None:
        """See Attributor."""

    def set_dead_lanes(self, fixture_id: str, lane_ids: Iterable[str]) -> None:
        """See Attributor."""

    def advance(self, now_ns: int) -> list[Interaction]:
        """See Attributor."""

    def unsettled(self, now_ns: int) -> bool:
        """See Attributor."""

    def estimate_visit(self, track_ids: Iterable[int], from_ns: int, to_ns: int) -> VisitEstimate:
        """See Attributor."""

    def commit(self, track_ids: Iterable[int], skus: Iterable[str]) -> None:
        """See Attributor."""

    def mark_stocker(self, track_id: int) -> None:
        """See Attributor."""

    def evidence_document(self, interaction_id: str) -> dict[str, Any] | None:
        """See Attributor."""

    def expect(self, track_ids: Iterable[int]) -> None:
        """See Attributor."""

    def restore(self, document: dict[str, Any]) -> None:
        """See Attributor."""

    def take_meetings(self) -> list[HandsMet]:
        """See Attributor."""

    def restore_meeting(self, document: dict[str, Any]) -> None:
        """See Attributor."""

    def belief_document(self) -> dict[str, dict[str, float]]:
        """See Attributor."""

    def restore_belief(self, document: dict[str, dict[str, float]]) -> None:
        """See Attributor."""
