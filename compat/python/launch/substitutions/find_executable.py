"""The path of a program."""

from __future__ import annotations

import shutil

from ..frontend.expose import expose_substitution
from ..some_substitutions_type import SomeSubstitutionsType
from ..substitution import Substitution
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions
from .substitution_failure import SubstitutionFailure


@expose_substitution("find-exec")
class FindExecutable(Substitution):
    """Stands for the path of a program on PATH."""

    def __init__(self, *, name: SomeSubstitutionsType) -> None:
        self.__name = normalize_to_list_of_substitutions(name)

    @classmethod
    def parse(cls, data):
        """Read ``$(find-exec name)``."""
        if len(data) != 1:
            raise AttributeError("find-exec substitution expects 1 argument")
        return cls, {"name": data[0]}

    @property
    def name(self) -> list[Substitution]:
        """Name of the program."""
        return self.__name

    def describe(self) -> str:
        """One-line description for people."""
        return f"FindExec({' + '.join(s.describe() for s in self.__name)})"

    def perform(self, context) -> str:
        """Return the path; SubstitutionFailure if it is not on PATH."""
        name = perform_substitutions(context, self.__name)
        path = shutil.which(name, path=context.environment.get("PATH"))
        if path is None:
            raise SubstitutionFailure(f"executable '{name}' not found on the PATH")
        return path
