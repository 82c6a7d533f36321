"""Set and unset environment variables."""

from __future__ import annotations

from ..action import Action
from ..some_substitutions_type import SomeSubstitutionsType
from ..substitution import Substitution
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions


class SetEnvironmentVariable(Action):
    """Set a variable for the processes started from then on."""

    def __init__(self, name: SomeSubstitutionsType, value: SomeSubstitutionsType, **kwargs) -> None:
        super().__init__(**kwargs)
        self.__name = normalize_to_list_of_substitutions(name)
        self.__value = normalize_to_list_of_substitutions(value)

    @property
    def name(self) -> list[Substitution]:
        """Name of the variable."""
        return self.__name

    @property
    def value(self) -> list[Substitution]:
        """Value."""
        return self.__value

    def execute(self, context) -> None:
        """Set it."""
        context.environment[perform_substitutions(context, self.__name)] = perform_substitutions(context, self.__value)


class UnsetEnvironmentVariable(Action):
    """Unset a variable, if it is set."""

    def __init__(self, name: SomeSubstitutionsType, **kwargs) -> None:
        super().__init__(**kwargs)
        self.__name = normalize_to_list_of_substitutions(name)

    @property
    def name(self) -> list[Substitution]:
        """Name of the variable."""
        return self.__name

    def execute(self, context) -> None:
        """Unset it."""
        context.environment.pop(perform_substitutions(context, self.__name), None)
