"""Declare an argument of a launch file."""

from __future__ import annotations

from collections.abc import Iterable

from ..action import Action
from ..some_substitutions_type import SomeSubstitutionsType
from ..substitution import Substitution
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions


class DeclareLaunchArgument(Action):
    """An argument that can be given on the command line or by an include, and is a launch configuration afterwards.

    Without `default_value` it is required. With `choices`, any other value is an error.
    """

    def __init__(self, name: str, *, default_value: SomeSubstitutionsType | None = None, description: str | None = None,
                 choices: Iterable[str] | None = None, **kwargs) -> None:
        super().__init__(**kwargs)
        self.__name = name
        self.__default_value = None if default_value is None else normalize_to_list_of_substitutions(default_value)
        self.__choices = None if choices is None else list(choices)
        text = "no description given" if description is None else description
        if self.__choices is not None:
            text += f" Valid choices are: {self.__choices}"
            self.__check_plain_default()
        self.__description = text
        # Set by LaunchDescription.get_launch_arguments() for people to be told.
        self._conditionally_included = False

    def __check_plain_default(self) -> None:
        from ..substitutions import TextSubstitution
        if not self.__default_value or not all(isinstance(s, TextSubstitution) for s in self.__default_value):
            return
        default = "".join(s.text for s in self.__default_value)
        if default not in self.__choices:
            raise RuntimeError(f'Provided default_value "{default}" of launch argument "{self.__name}" is not in '
                               f"provided choices {self.__choices}.")

    @property
    def name(self) -> str:
        """Name of the argument."""
        return self.__name

    @property
    def default_value(self) -> list[Substitution] | None:
        """Default, if there is one."""
        return self.__default_value

    @property
    def description(self) -> str:
        """What it is for, with the choices."""
        return self.__description

    @property
    def choices(self) -> list[str] | None:
        """Allowed values, if limited."""
        return self.__choices

    def describe(self) -> str:
        """One-line description for people."""
        return f"DeclareLaunchArgument(name='{self.__name}')"

    def execute(self, context) -> None:
        """Keep the value given, else set the default; RuntimeError if there is neither, or no such choice."""
        if self.__name not in context.launch_configurations:
            if self.__default_value is None:
                raise RuntimeError(f'Required launch argument "{self.__name}" was not provided.')
            context.launch_configurations[self.__name] = perform_substitutions(context, self.__default_value)
        value = context.launch_configurations[self.__name]
        if self.__choices is not None and value not in self.__choices:
            raise RuntimeError(f'Argument "{self.__name}" provided value "{value}" is not valid. '
                               f"Valid options are: {self.__choices}")
