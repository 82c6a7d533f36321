"""Where a launch description comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .some_substitutions_type import SomeSubstitutionsType
from .substitution import Substitution
from .utilities import normalize_to_list_of_substitutions, perform_substitutions

if TYPE_CHECKING:
    from .launch_context import LaunchContext
    from .launch_description import LaunchDescription


class LaunchDescriptionSource:
    """A description at hand, or one loaded from `location` by a subclass the first time it is asked for."""

    def __init__(self, launch_description: LaunchDescription | None = None,
                 location: SomeSubstitutionsType | None = None,
                 method: str = "unspecified mechanism from a script") -> None:
        self.__launch_description = launch_description
        self.__expanded_location: str | None = None
        self.__location = normalize_to_list_of_substitutions(location if location is not None else [])
        self.__method = method

    def try_get_launch_description_without_context(self) -> LaunchDescription | None:
        """Return the description if that needs no launch context (a location of plain text), else None."""
        if self.__launch_description is not None:
            return self.__launch_description
        from .substitutions import TextSubstitution
        if not self.__location or not all(isinstance(s, TextSubstitution) for s in self.__location):
            return None
        return self._get_launch_description("".join(s.text for s in self.__location))

    def get_launch_description(self, context: LaunchContext) -> LaunchDescription:
        """Return the description, loading it if need be."""
        if self.__expanded_location is None:
            self.__expanded_location = perform_substitutions(context, self.__location)
        if self.__launch_description is None:
            self.__launch_description = self._get_launch_description(self.__expanded_location)
        return self.__launch_description

    def _get_launch_description(self, location: str) -> LaunchDescription:
        raise RuntimeError("this LaunchDescriptionSource has neither a launch description nor a way to load one")

    @property
    def location(self) -> str:
        """Location for people: the path once it is known, before that the substitutions it will come from."""
        if self.__expanded_location is None:
            return " + ".join(_class_path(s) + f"({s.describe()})" for s in self.__location)
        return self.__expanded_location

    @property
    def method(self) -> str:
        """How the description is obtained, for people."""
        return self.__method


def _class_path(substitution: Substitution) -> str:
    return f"{type(substitution).__module__}.{type(substitution).__name__}"
