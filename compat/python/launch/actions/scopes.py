"""Scopes of launch configurations and of the environment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..action import Action
from ..some_substitutions_type import SomeSubstitutionsType
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions


class PushLaunchConfigurations(Action):
    """Begin a scope: changes of launch configurations last until the pop."""

    def execute(self, context) -> None:
        """Remember the launch configurations."""
        context._push_launch_configurations()


class PopLaunchConfigurations(Action):
    """End a scope of launch configurations."""

    def execute(self, context) -> None:
        """Restore the launch configurations."""
        context._pop_launch_configurations()


class ResetLaunchConfigurations(Action):
    """Replace all launch configurations by the given ones, which may be computed from the old."""

    def __init__(self, launch_configurations: Mapping[SomeSubstitutionsType, SomeSubstitutionsType]
                 | Iterable[tuple[SomeSubstitutionsType, SomeSubstitutionsType]] | None = None, **kwargs) -> None:
        super().__init__(**kwargs)
        pairs = launch_configurations or {}
        items = pairs.items() if isinstance(pairs, Mapping) else pairs
        self.__pairs = [(normalize_to_list_of_substitutions(name), normalize_to_list_of_substitutions(value))
                        for name, value in items]

    def execute(self, context) -> None:
        """Compute the new values, then replace."""
        values = {perform_substitutions(context, name): perform_substitutions(context, value)
                  for name, value in self.__pairs}
        context.launch_configurations.clear()
        context.launch_configurations.update(values)


class PushEnvironment(Action):
    """Begin a scope: changes of the environment last until the pop."""

    def execute(self, context) -> None:
        """Remember the environment."""
        context._push_environment()


class PopEnvironment(Action):
    """End a scope of the environment."""

    def execute(self, context) -> None:
        """Restore the environment."""
        context._pop_environment()


class ResetEnvironment(Action):
    """Make the environment what it was when the launch began."""

    def execute(self, context) -> None:
        """Reset the environment."""
        context._reset_environment()
