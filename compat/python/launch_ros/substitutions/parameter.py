"""A parameter set for all nodes."""

from __future__ import annotations

from typing import Any

from launch.frontend import expose_substitution
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import Substitution
from launch.substitutions import SubstitutionFailure
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions


@expose_substitution("param")
class Parameter(Substitution):
    """Stands for the value that `SetParameter` gave a parameter in this scope, or the default."""

    def __init__(self, name: SomeSubstitutionsType, *, default: Any = None) -> None:
        self.__name = normalize_to_list_of_substitutions(name)
        is_text = isinstance(default, (str, Substitution, list, tuple))
        self.__default = None if default is None else normalize_to_list_of_substitutions(
            default if is_text else str(default))

    @classmethod
    def parse(cls, data):
        """Read ``$(param name [default])``."""
        if not 1 <= len(data) <= 2:
            raise TypeError("param substitution expects 1 or 2 arguments")
        return cls, dict(zip(("name", "default"), data, strict=False))

    @property
    def name(self) -> list[Substitution]:
        """Name of the parameter."""
        return self.__name

    def describe(self) -> str:
        """One-line description for people."""
        return f"Parameter({' + '.join(s.describe() for s in self.__name)})"

    def perform(self, context) -> str:
        """Return the value; SubstitutionFailure if there is neither value nor default."""
        name = perform_substitutions(context, self.__name)
        entries = context.launch_configurations.get("global_params", [])
        values = [entry[1] for entry in entries if isinstance(entry, tuple) and entry[0] == name]
        if values:
            return str(values[-1])
        if self.__default is None:
            raise SubstitutionFailure(f"parameter '{name}' is not set in this launch context")
        return perform_substitutions(context, self.__default)
