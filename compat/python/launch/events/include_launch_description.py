"""A launch description is to be included."""

from ..event import Event


class IncludeLaunchDescription(Event):
    """Asks the launch service to visit `launch_description`."""

    name = "launch.events.IncludeLaunchDescription"

    def __init__(self, launch_description) -> None:
        self.launch_description = launch_description
