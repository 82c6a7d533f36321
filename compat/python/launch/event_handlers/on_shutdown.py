"""When the launch shuts down."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..event import Event
from ..event_handler import BaseEventHandler
from ..events import Shutdown
from ..launch_description_entity import LaunchDescriptionEntity
from ..some_entities_type import SomeEntitiesType

if TYPE_CHECKING:
    from ..launch_context import LaunchContext


class OnShutdown(BaseEventHandler):
    """Visits entities upon shutdown, or calls a function of (event, context) that may return some."""

    def __init__(self, *, on_shutdown: SomeEntitiesType | Callable, **kwargs) -> None:
        super().__init__(matcher=lambda event: isinstance(event, Shutdown), **kwargs)
        self.__on_shutdown = on_shutdown

    @property
    def matcher_description(self) -> str:
        """Which events are matched, for people."""
        return "event is Shutdown"

    def describe(self) -> tuple[str, list[SomeEntitiesType]]:
        """Description for people, and the entities that are visited."""
        return super().describe()[0], [] if self.__is_function() else [self.__on_shutdown]

    def handle(self, event: Event, context: LaunchContext) -> SomeEntitiesType | None:
        """Call the function, or return the entities to visit."""
        super().handle(event, context)
        return self.__on_shutdown(event, context) if self.__is_function() else self.__on_shutdown

    def __is_function(self) -> bool:
        return callable(self.__on_shutdown) and not isinstance(self.__on_shutdown, LaunchDescriptionEntity)
