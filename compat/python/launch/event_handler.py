"""Event handlers: which events they want and what follows from one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from .event import Event
from .launch_description_entity import LaunchDescriptionEntity
from .some_entities_type import SomeEntitiesType

if TYPE_CHECKING:
    from .launch_context import LaunchContext


class BaseEventHandler:
    """Matches events with a predicate; `handle_once` takes it out of service after the first one."""

    def __init__(self, *, matcher: Callable[[Event], bool], handle_once: bool = False) -> None:
        self.__matcher = matcher
        self.__handle_once = handle_once

    @property
    def handle_once(self) -> bool:
        """Whether only the first matching event is handled."""
        return self.__handle_once

    @property
    def handler_description(self) -> str:
        """What is done, for people."""
        return repr(self)

    @property
    def matcher_description(self) -> str:
        """Which events are matched, for people."""
        return repr(self.__matcher)

    def matches(self, event: Event) -> bool:
        """Return whether this handler wants `event`."""
        return self.__matcher(event)

    def describe(self) -> tuple[str, list[SomeEntitiesType]]:
        """Description for people, and the entities that may be visited."""
        text = (f"{type(self).__name__}(matcher='{self.matcher_description}', handler='{self.handler_description}', "
                f"handle_once={self.__handle_once})")
        return text, []

    def handle(self, event: Event, context: LaunchContext) -> SomeEntitiesType | None:
        """Make `event` a local of the context and return entities to visit; subclasses extend this."""
        context.extend_locals({"event": event})
        if self.__handle_once:
            context.unregister_event_handler(self)
        return None


class EventHandler(BaseEventHandler):
    """Visits the given entities upon a matching event."""

    def __init__(self, *, matcher: Callable[[Event], bool], entities: SomeEntitiesType | None = None,
                 handle_once: bool = False) -> None:
        super().__init__(matcher=matcher, handle_once=handle_once)
        self.__entities = _as_list(entities)

    @property
    def entities(self) -> list[LaunchDescriptionEntity]:
        """Entities visited upon an event."""
        return self.__entities

    def describe(self) -> tuple[str, list[SomeEntitiesType]]:
        """Description for people, and the entities that are visited."""
        text = super().describe()[0]
        return text, list(self.__entities)

    def handle(self, event: Event, context: LaunchContext) -> list[LaunchDescriptionEntity]:
        """Return the entities to visit."""
        super().handle(event, context)
        return self.__entities


def _as_list(entities: SomeEntitiesType | None) -> list[LaunchDescriptionEntity]:
    if entities is None:
        return []
    return list(entities) if isinstance(entities, Iterable) else [entities]
