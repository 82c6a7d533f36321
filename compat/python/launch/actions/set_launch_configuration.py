"""Set and unset launch configurations."""

from __future__ import annotations

from ..action import Action
from ..some_substitutions_type import SomeSubstitutionsType
from ..substitution import Substitution
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions


class SetLaunchConfiguration(Action):
    """Set a launch configuration."""

    def __init__(self, name: SomeSubstitutionsType, value: SomeSubstitutionsType, **kwargs) -> None:
        super().__init__(**kwargs)
        self.__name = normalize_to_list_of_substitutions(name)
        self.__value = normalize_to_list_of_substitutions(value)

    @property
    def name(self) -> list[Substitution]:
        """Name of the configuration."""
        return self.__name

    @property
    def value(self) -> list[Substitution]:
        """Value."""
        return self.__value

    def describe(self) -> str:
        """One-line description for people."""
        name, value = (" + ".join(s.describe() for s in part) for part in (self.__name, self.__value))
        return f"SetLaunchConfiguration({name} = {value})"

    def execute(self, context) -> None:
        """Set it."""
        name = perform_substitutions(context, self.__name)
        context.launch_configurations[name] = perform_substitutions(context, self.__value)


class UnsetLaunchConfiguration(Action):
    """Unset a launch configuration, if it is set."""

    def __init__(self, name: SomeSubstitutionsType, **kwargs) -> None:
        super().__init__(**kwargs)
        self.__name = normalize_to_list_of_substitutions(name)

    @property
    def name(self) -> list[Substitution]:
        """Name of the configuration."""
        return self.__name

    def execute(self, context) -> None:
        """Unset it."""
        context.launch_configurations.pop(perform_substitutions(context, self.__name), None)
