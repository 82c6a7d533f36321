"""The launch is to end."""

from ..event import Event


class Shutdown(Event):
    """Asks everything to end; `due_to_sigint` says that the terminal told the processes already."""

    name = "launch.events.Shutdown"

    def __init__(self, *, reason: str = "reason not given", due_to_sigint: bool = False) -> None:
        self.__reason = reason
        self.__due_to_sigint = due_to_sigint

    @property
    def reason(self) -> str:
        """Why, for people."""
        return self.__reason

    @property
    def due_to_sigint(self) -> bool:
        """Whether a Ctrl-C caused it."""
        return self.__due_to_sigint
