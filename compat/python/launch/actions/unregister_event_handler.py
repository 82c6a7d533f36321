"""Unregister an event handler."""

from __future__ import annotations

from ..action import Action
from ..event_handler import BaseEventHandler


class UnregisterEventHandler(Action):
    """Unregister `event_handler` when executed."""

    def __init__(self, event_handler: BaseEventHandler, **kwargs) -> None:
        super().__init__(**kwargs)
        self.__event_handler = event_handler

    @property
    def event_handler(self) -> BaseEventHandler:
        """The handler."""
        return self.__event_handler

    def execute(self, context) -> None:
        """Unregister the handler; ValueError if it is not registered."""
        context.unregister_event_handler(self.__event_handler)
