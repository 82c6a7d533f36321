"""An action has done its work."""

from ..event import Event


class ExecutionComplete(Event):
    """Emitted once everything `action` began is over."""

    name = "launch.events.ExecutionComplete"

    def __init__(self, *, action) -> None:
        self.action = action
