"""Extend an environment variable such as PATH."""

from __future__ import annotations

import os

from ..action import Action
from ..some_substitutions_type import SomeSubstitutionsType
from ..substitution import Substitution
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions
from ..utilities.type_utils import normalize_typed_substitution, perform_typed_substitution


class AppendEnvironmentVariable(Action):
    """Append `value`, or prepend it, with `separator` between; sets the variable if it is not set."""

    def __init__(self, name: SomeSubstitutionsType, value: SomeSubstitutionsType,
                 prepend: bool | SomeSubstitutionsType = False, separator: SomeSubstitutionsType = os.pathsep,
                 **kwargs) -> None:
        super().__init__(**kwargs)
        self.__name = normalize_to_list_of_substitutions(name)
        self.__value = normalize_to_list_of_substitutions(value)
        self.__prepend = normalize_typed_substitution(prepend, bool)
        self.__separator = normalize_to_list_of_substitutions(separator)

    @property
    def name(self) -> list[Substitution]:
        """Name of the variable."""
        return self.__name

    @property
    def value(self) -> list[Substitution]:
        """Value to add."""
        return self.__value

    @property
    def prepend(self):
        """Whether to put it in front."""
        return self.__prepend

    @property
    def separator(self) -> list[Substitution]:
        """What stands between values."""
        return self.__separator

    def execute(self, context) -> None:
        """Add the value."""
        name = perform_substitutions(context, self.__name)
        value = perform_substitutions(context, self.__value)
        if name in context.environment:
            parts = [context.environment[name], value]
            if perform_typed_substitution(context, self.__prepend, bool):
                parts.reverse()
            value = perform_substitutions(context, self.__separator).join(parts)
        context.environment[name] = value
