"""What the handlers of events about actions have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from ..event import Event
from ..event_handler import BaseEventHandler
from ..launch_description_entity import LaunchDescriptionEntity
from ..some_entities_type import SomeEntitiesType

if TYPE_CHECKING:
    from ..action import Action
    from ..launch_context import LaunchContext


class OnActionEventBase(BaseEventHandler):
    """Upon an event about an action, visits entities or calls a function of (event, context) that may return some.

    The action is `action_matcher`: an action, a predicate of actions, or None for all.
    """

    def __init__(self, *, action_matcher: Callable[[Action], bool] | Action | None,
                 on_event: SomeEntitiesType | Callable, target_event_cls: type[Event], target_action_cls: type,
                 **kwargs) -> None:
        if not (action_matcher is None or isinstance(action_matcher, target_action_cls) or callable(action_matcher)):
            raise TypeError(f"{type(self).__name__}: the target must be a {target_action_cls.__name__}, "
                            f"a function of one, or None; got '{action_matcher}'")
        self.__target = action_matcher
        self.__target_event_cls = target_event_cls
        self.__function: Callable | None = None
        self.__entities: list[LaunchDescriptionEntity] = []
        if isinstance(on_event, LaunchDescriptionEntity):
            self.__entities = [on_event]
        elif callable(on_event):
            self.__function = on_event
        else:
            self.__entities = _entities(on_event, type(self).__name__)
        super().__init__(matcher=self.__is_wanted, **kwargs)

    def __is_wanted(self, event: Event) -> bool:
        if not isinstance(event, self.__target_event_cls):
            return False
        if self.__target is None:
            return True
        # A callable that is also an action matches as a predicate: upstream does so.
        if callable(self.__target):
            return bool(self.__target(event.action))
        return event.action is self.__target

    @property
    def matcher_description(self) -> str:
        """Which events are matched, for people."""
        of = "" if self.__target is None else f" of {self.__target}"
        return f"event == {self.__target_event_cls.__name__}{of}"

    @property
    def handler_description(self) -> str:
        """What is done, for people."""
        return repr(self.__function) if self.__function is not None else "<entities>"

    def describe(self) -> tuple[str, list[SomeEntitiesType]]:
        """Description for people, and the entities that are visited."""
        return super().describe()[0], list(self.__entities)

    def handle(self, event: Event, context: LaunchContext) -> SomeEntitiesType | None:
        """Call the function, or return the entities to visit."""
        super().handle(event, context)
        return self.__function(event, context) if self.__function is not None else self.__entities


def _entities(value, owner: str) -> list[LaunchDescriptionEntity]:
    if not isinstance(value, Iterable) or isinstance(value, str):
        raise TypeError(f"{owner}: expected an action, a list of actions or a function, got '{value}'")
    entities = list(value)
    for entity in entities:
        if not isinstance(entity, LaunchDescriptionEntity):
            raise TypeError(f"{owner}: expected actions, got '{entity}' of type {type(entity)}")
    return entities
