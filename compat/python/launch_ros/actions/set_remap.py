"""A remapping rule of all nodes to come."""

from __future__ import annotations

from launch.action import Action
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import Substitution
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions


class SetRemap(Action):
    """Give the nodes launched from here on, in this scope, a remapping rule ahead of their own."""

    def __init__(self, src: SomeSubstitutionsType, dst: SomeSubstitutionsType, **kwargs) -> None:
        super().__init__(**kwargs)
        self.__src = normalize_to_list_of_substitutions(src)
        self.__dst = normalize_to_list_of_substitutions(dst)

    @property
    def src(self) -> list[Substitution]:
        """Name that nodes use."""
        return self.__src

    @property
    def dst(self) -> list[Substitution]:
        """Name that is meant."""
        return self.__dst

    def execute(self, context) -> None:
        """Extend the launch configuration ``ros_remaps``, which scopes restore."""
        rule = perform_substitutions(context, self.__src), perform_substitutions(context, self.__dst)
        context.launch_configurations["ros_remaps"] = [*context.launch_configurations.get("ros_remaps", []), rule]
