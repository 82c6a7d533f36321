"""Include another launch description."""

from __future__ import annotations

import os
from collections.abc import Iterable

from ..action import Action
from ..launch_description_entity import LaunchDescriptionEntity
from ..launch_description_source import LaunchDescriptionSource
from ..launch_description_sources import AnyLaunchDescriptionSource
from ..some_substitutions_type import SomeSubstitutionsType
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions
from .opaque_function import OpaqueFunction
from .set_launch_configuration import SetLaunchConfiguration

_FILE_LOCALS = ("current_launch_file_path", "current_launch_file_directory")


class IncludeLaunchDescription(Action):
    """Visit the description of a source (or file path) as if its entities stood here.

    There is no scope: `launch_arguments` (pairs of name and value) become launch configurations and stay so; put the
    include into a `GroupAction` to keep them inside. While the included entities are visited, the locals tell their
    file's path.
    """

    def __init__(self, launch_description_source: LaunchDescriptionSource | SomeSubstitutionsType, *,
                 launch_arguments: Iterable[tuple[SomeSubstitutionsType, SomeSubstitutionsType]] | None = None,
                 **kwargs) -> None:
        super().__init__(**kwargs)
        if not isinstance(launch_description_source, LaunchDescriptionSource):
            launch_description_source = AnyLaunchDescriptionSource(launch_description_source)
        self.__source = launch_description_source
        self.__launch_arguments = tuple(launch_arguments or ())

    @property
    def launch_description_source(self) -> LaunchDescriptionSource:
        """Where the description comes from."""
        return self.__source

    @property
    def launch_arguments(self) -> tuple:
        """Pairs of name and value as given."""
        return self.__launch_arguments

    def describe(self) -> str:
        """One-line description for people."""
        return f"IncludeLaunchDescription({self.__source.location})"

    def get_sub_entities(self) -> list[LaunchDescriptionEntity]:
        """The included description, if its path is known without running."""
        description = self.__source.try_get_launch_description_without_context()
        return [] if description is None else [description]

    def _static_argument_names(self) -> set[str]:
        """Names of the given arguments that are plain texts."""
        from ..substitutions import TextSubstitution
        names = (normalize_to_list_of_substitutions(name) for name, _ in self.__launch_arguments)
        return {"".join(s.text for s in name) for name in names if all(isinstance(s, TextSubstitution) for s in name)}

    def execute(self, context) -> list[LaunchDescriptionEntity]:
        """Return what sets the arguments, the description, and what restores the locals."""
        description = self.__source.get_launch_description(context)
        before = {name: value for name, value in context.get_locals_as_dict().items() if name in _FILE_LOCALS}
        self.__set_file_locals(context)
        self.__check_required_arguments(context, description)
        entities: list[LaunchDescriptionEntity] = [
            SetLaunchConfiguration(name, value) for name, value in self.__launch_arguments]
        entities.append(description)
        if before:
            entities.append(OpaqueFunction(function=lambda ctx: ctx.extend_locals(before)))
        return entities

    def __set_file_locals(self, context) -> None:
        location = self.__source.location
        if os.path.exists(location):
            path = os.path.abspath(location)
            context.extend_locals(dict(zip(_FILE_LOCALS, (path, os.path.dirname(path)), strict=True)))
        else:
            # A description made by a script: its location is a remark such as '<script>'.
            context.extend_locals({"current_launch_file_directory": location})

    def __check_required_arguments(self, context, description) -> None:
        given = {perform_substitutions(context, normalize_to_list_of_substitutions(name))
                 for name, _ in self.__launch_arguments}
        for argument, includes in description.get_launch_arguments_with_include_launch_description_actions():
            if argument._conditionally_included or argument.default_value is not None:
                continue
            if argument.name not in given.union(*(include._static_argument_names() for include in includes)):
                raise RuntimeError(
                    f"Included launch description missing required argument '{argument.name}' "
                    f"(description: '{argument.description}'), given: [{', '.join(sorted(given))}]")
