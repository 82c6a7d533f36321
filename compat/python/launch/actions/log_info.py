"""Log a message."""

from __future__ import annotations

from ..action import Action
from ..some_substitutions_type import SomeSubstitutionsType
from ..substitution import Substitution
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions


class LogInfo(Action):
    """Log `msg` as information from the user's launch file."""

    def __init__(self, *, msg: SomeSubstitutionsType, **kwargs) -> None:
        super().__init__(**kwargs)
        self.__msg = normalize_to_list_of_substitutions(msg)

    @property
    def msg(self) -> list[Substitution]:
        """The message."""
        return self.__msg

    def describe(self) -> str:
        """One-line description for people."""
        return f"LogInfo({' + '.join(s.describe() for s in self.__msg)})"

    def execute(self, context) -> None:
        """Log it."""
        from .. import logging
        logging.get_logger("launch.user").info(perform_substitutions(context, self.__msg))
