"""The value of an environment variable."""

from __future__ import annotations

from ..frontend.expose import expose_substitution
from ..some_substitutions_type import SomeSubstitutionsType
from ..substitution import Substitution
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions
from .substitution_failure import SubstitutionFailure


@expose_substitution("env")
class EnvironmentVariable(Substitution):
    """Stands for the variable's value, or the default if it is not set."""

    def __init__(self, name: SomeSubstitutionsType, *, default_value: SomeSubstitutionsType | None = None) -> None:
        self.__name = normalize_to_list_of_substitutions(name)
        self.__default_value = None if default_value is None else normalize_to_list_of_substitutions(default_value)

    @classmethod
    def parse(cls, data):
        """Read ``$(env name [default])``."""
        if not 1 <= len(data) <= 2:
            raise TypeError("env substitution expects 1 or 2 arguments")
        kwargs = {"name": data[0]}
        if len(data) == 2:
            kwargs["default_value"] = data[1]
        return cls, kwargs

    @property
    def name(self) -> list[Substitution]:
        """Name of the variable."""
        return self.__name

    @property
    def default_value(self) -> list[Substitution] | None:
        """Default, if given."""
        return self.__default_value

    def describe(self) -> str:
        """One-line description for people."""
        return f"EnvVar({' + '.join(s.describe() for s in self.__name)})"

    def perform(self, context) -> str:
        """Return the value; SubstitutionFailure if there is neither value nor default."""
        name = perform_substitutions(context, self.__name)
        if name in context.environment:
            return context.environment[name]
        if self.__default_value is None:
            raise SubstitutionFailure(f"environment variable '{name}' does not exist")
        return perform_substitutions(context, self.__default_value)
