"""The content of a file."""

from __future__ import annotations

from ..frontend.expose import expose_substitution
from ..some_substitutions_type import SomeSubstitutionsType
from ..substitution import Substitution
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions
from .substitution_failure import SubstitutionFailure


@expose_substitution("file-content")
class FileContent(Substitution):
    """Stands for the text in a file."""

    def __init__(self, path: SomeSubstitutionsType) -> None:
        self.__path = normalize_to_list_of_substitutions(path)

    @classmethod
    def parse(cls, data):
        """Read ``$(file-content path)``."""
        if len(data) != 1:
            raise TypeError("file-content substitution expects 1 argument")
        return cls, {"path": data[0]}

    @property
    def path(self) -> list[Substitution]:
        """Path of the file."""
        return self.__path

    def describe(self) -> str:
        """One-line description for people."""
        return f"FileContent({' + '.join(s.describe() for s in self.__path)})"

    def perform(self, context) -> str:
        """Return the text; SubstitutionFailure if the file can't be read."""
        path = perform_substitutions(context, self.__path)
        try:
            with open(path, encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError as error:
            raise SubstitutionFailure(f"File not found: {path}") from error
        except (OSError, UnicodeDecodeError) as error:
            raise SubstitutionFailure(f"cannot read {path}: {error}") from error
