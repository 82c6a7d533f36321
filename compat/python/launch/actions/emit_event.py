"""Emit an event."""

from __future__ import annotations

from ..action import Action
from ..event import Event


class EmitEvent(Action):
    """Queue `event` when executed."""

    def __init__(self, *, event: Event, **kwargs) -> None:
        super().__init__(**kwargs)
        if not isinstance(event, Event):
            raise TypeError(f"EmitEvent: expected an Event, got '{event}' of type {type(event)}")
        self.__event = event

    @property
    def event(self) -> Event:
        """The event."""
        return self.__event

    def describe(self) -> str:
        """One-line description for people."""
        return f"Emitting event '{self.__event.name}'"

    def execute(self, context) -> None:
        """Queue the event."""
        context.emit_event_sync(self.__event)
