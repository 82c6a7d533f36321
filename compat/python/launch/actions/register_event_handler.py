"""Register an event handler."""

from __future__ import annotations

from ..action import Action
from ..event_handler import BaseEventHandler
from ..utilities import normalize_to_list_of_entities


class RegisterEventHandler(Action):
    """Register `event_handler` when executed, ahead of those already there."""

    def __init__(self, event_handler: BaseEventHandler, **kwargs) -> None:
        super().__init__(**kwargs)
        self.__event_handler = event_handler

    @property
    def event_handler(self) -> BaseEventHandler:
        """The handler."""
        return self.__event_handler

    def execute(self, context) -> None:
        """Register the handler."""
        context.register_event_handler(self.__event_handler)

    def describe_conditional_sub_entities(self):
        """Entities that the handler may lead to."""
        description, entities = self.__event_handler.describe()
        flat = normalize_to_list_of_entities(entities)
        return [(description, flat)] if flat else []
