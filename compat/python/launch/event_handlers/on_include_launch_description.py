"""When a launch description is to be included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..event import Event
from ..event_handler import BaseEventHandler
from ..events import IncludeLaunchDescription
from ..some_entities_type import SomeEntitiesType

if TYPE_CHECKING:
    from ..launch_context import LaunchContext


class OnIncludeLaunchDescription(BaseEventHandler):
    """Visits the description that the event carries."""

    def __init__(self, **kwargs) -> None:
        super().__init__(matcher=lambda event: isinstance(event, IncludeLaunchDescription), **kwargs)

    @property
    def matcher_description(self) -> str:
        """Which events are matched, for people."""
        return "event is IncludeLaunchDescription"

    def handle(self, event: Event, context: LaunchContext) -> SomeEntitiesType | None:
        """Return the description as the entity to visit."""
        super().handle(event, context)
        return event.launch_description
