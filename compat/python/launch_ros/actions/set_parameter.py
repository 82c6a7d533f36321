"""A parameter of all nodes to come."""

from __future__ import annotations

from typing import Any

from launch.action import Action
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import Substitution
from launch.utilities import normalize_to_list_of_substitutions

from ..parameter_descriptions import ParameterValue
from ..utilities.evaluate_parameters import evaluate_parameter_dict
from ..utilities.normalize_parameters import normalize_parameter_dict


class SetParameter(Action):
    """Give the nodes launched from here on, in this scope, a parameter; their own parameters override it."""

    def __init__(self, name: SomeSubstitutionsType, value: Any, **kwargs) -> None:
        super().__init__(**kwargs)
        self.__name = normalize_to_list_of_substitutions(name)
        self.__parameter = normalize_parameter_dict({tuple(self.__name): value})

    @property
    def name(self) -> list[Substitution]:
        """Name of the parameter."""
        return self.__name

    @property
    def value(self) -> Any:
        """Normalized value of the parameter."""
        value = self.__parameter[tuple(self.__name)]
        return value.value if isinstance(value, ParameterValue) else value

    def execute(self, context) -> None:
        """Extend the launch configuration ``global_params``, which scopes restore."""
        entries = list(evaluate_parameter_dict(context, self.__parameter).items())
        before = context.launch_configurations.get("global_params", [])
        context.launch_configurations["global_params"] = [*before, *entries]
