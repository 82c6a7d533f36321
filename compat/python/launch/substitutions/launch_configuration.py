"""The value of a launch configuration."""

from __future__ import annotations

from typing import Any

from ..frontend.expose import expose_substitution
from ..some_substitutions_type import SomeSubstitutionsType
from ..substitution import Substitution
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions
from .substitution_failure import SubstitutionFailure


@expose_substitution("var")
class LaunchConfiguration(Substitution):
    """Stands for the launch configuration's value, or `default` (any value; its text is used) if it is not set."""

    def __init__(self, variable_name: SomeSubstitutionsType, *, default: Any = None) -> None:
        self.__variable_name = normalize_to_list_of_substitutions(variable_name)
        self.__default = None if default is None else _default_texts(default)

    @classmethod
    def parse(cls, data):
        """Read ``$(var name [default])``."""
        if not 1 <= len(data) <= 2:
            raise TypeError("var substitution expects 1 or 2 arguments")
        kwargs = {"variable_name": data[0]}
        if len(data) == 2:
            kwargs["default"] = data[1]
        return cls, kwargs

    @property
    def variable_name(self) -> list[Substitution]:
        """Name of the launch configuration."""
        return self.__variable_name

    def describe(self) -> str:
        """One-line description for people."""
        return f"LaunchConfig({' + '.join(s.describe() for s in self.__variable_name)})"

    def perform(self, context) -> str:
        """Return the value; SubstitutionFailure if there is neither value nor default."""
        name = perform_substitutions(context, self.__variable_name)
        if name in context.launch_configurations:
            return context.launch_configurations[name]
        if self.__default is None:
            raise SubstitutionFailure(f"launch configuration '{name}' does not exist")
        return perform_substitutions(context, self.__default)


def _default_texts(default: Any) -> list[Substitution]:
    if isinstance(default, (str, Substitution)):
        return normalize_to_list_of_substitutions(default)
    if isinstance(default, (list, tuple)):
        return normalize_to_list_of_substitutions([d if isinstance(d, Substitution) else str(d) for d in default])
    return normalize_to_list_of_substitutions(str(default))
