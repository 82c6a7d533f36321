"""Join parts of a path."""

from __future__ import annotations

import os
from collections.abc import Iterable

from ..some_substitutions_type import SomeSubstitutionsType
from ..substitution import Substitution
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions


class PathJoinSubstitution(Substitution):
    """Stands for the parts joined as os.path.join does; each part may be a list that is concatenated."""

    def __init__(self, substitutions: Iterable[SomeSubstitutionsType]) -> None:
        self.__parts = [normalize_to_list_of_substitutions(part) for part in substitutions]

    @property
    def substitutions(self) -> list[list[Substitution]]:
        """The parts."""
        return self.__parts

    def describe(self) -> str:
        """One-line description for people."""
        parts = (" + ".join(s.describe() for s in part) for part in self.__parts)
        return f"PathJoin({', '.join(parts)})"

    def __truediv__(self, additional_path: SomeSubstitutionsType) -> PathJoinSubstitution:
        return PathJoinSubstitution([*self.__parts, additional_path])

    def perform(self, context) -> str:
        """Return the joined path."""
        if context is None:
            return os.path.join(*("".join(s.perform(None) for s in part) for part in self.__parts))
        return os.path.join(*(perform_substitutions(context, part) for part in self.__parts))
