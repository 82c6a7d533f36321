"""A timer has run out."""

from ..event import Event


class TimerEvent(Event):
    """Emitted by `timer_action` after its period."""

    name = "launch.events.TimerEvent"

    def __init__(self, *, timer_action) -> None:
        self.__timer_action = timer_action

    @property
    def timer_action(self):
        """The timer."""
        return self.__timer_action
