"""Parameters of all nodes to come, from a file."""

from __future__ import annotations

from launch.action import Action
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import Substitution
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions


class SetParametersFromFile(Action):
    """Give the nodes launched from here on, in this scope, a parameter file; their own parameters override it."""

    def __init__(self, filename: SomeSubstitutionsType, **kwargs) -> None:
        super().__init__(**kwargs)
        self.__filename = normalize_to_list_of_substitutions(filename)

    @property
    def filename(self) -> list[Substitution]:
        """Path of the file."""
        return self.__filename

    def execute(self, context) -> None:
        """Extend the launch configuration ``global_params``, which scopes restore."""
        before = context.launch_configurations.get("global_params", [])
        context.launch_configurations["global_params"] = [*before, perform_substitutions(context, self.__filename)]
