"""The launch description: an ordered list of entities."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from .launch_description_entity import LaunchDescriptionEntity

if TYPE_CHECKING:
    from .actions import DeclareLaunchArgument
    from .launch_context import LaunchContext


class LaunchDescription(LaunchDescriptionEntity):
    """Entities to be visited in order."""

    def __init__(self, initial_entities: Iterable[LaunchDescriptionEntity] | None = None, *,
                 deprecated_reason: str | None = None) -> None:
        self.__entities = list(initial_entities) if initial_entities is not None else []
        self.__deprecated_reason = deprecated_reason

    @property
    def entities(self) -> list[LaunchDescriptionEntity]:
        """The entities, in order."""
        return self.__entities

    @property
    def deprecated(self) -> bool:
        """Whether the description says it should no longer be used."""
        return self.__deprecated_reason is not None

    @property
    def deprecated_reason(self) -> str | None:
        """Why the description should no longer be used, if it says so."""
        return self.__deprecated_reason

    def add_entity(self, entity: LaunchDescriptionEntity) -> None:
        """Append an entity."""
        self.__entities.append(entity)

    def add_action(self, action: LaunchDescriptionEntity) -> None:
        """Append an action."""
        self.add_entity(action)

    def describe(self) -> str:
        """One-line description for people."""
        return f"LaunchDescription with {len(self.__entities)} entities"

    def describe_sub_entities(self) -> list[LaunchDescriptionEntity]:
        """The entities."""
        return self.__entities

    def visit(self, context: LaunchContext) -> list[LaunchDescriptionEntity]:
        """Return the entities; warn if the description is deprecated."""
        if self.__deprecated_reason is not None:
            from . import logging
            where = context.get_locals_as_dict().get("current_launch_file_path", "A launch description")
            logging.get_logger("launch").warning(f"{where} is deprecated: {self.__deprecated_reason}")
        return self.__entities

    def get_launch_arguments(self, conditional_inclusion: bool = False) -> list[DeclareLaunchArgument]:
        """Arguments declared here and in what is included, the first declaration of each name."""
        return [pair[0] for pair in
                self.get_launch_arguments_with_include_launch_description_actions(conditional_inclusion)]

    def get_launch_arguments_with_include_launch_description_actions(
            self, conditional_inclusion: bool = False) -> list[tuple]:
        """Return pairs (declaration, include actions that lead to it), the first declaration of each name.

        Included files whose path needs a running launch are left out. Nothing after a `ResetLaunchConfigurations` is
        looked at, as it can't be set from outside. Sets ``_conditionally_included`` on each declaration.
        """
        found: dict[str, tuple] = {}
        _collect(self.__entities, conditional_inclusion, [], found)
        return list(found.values())


def _collect(entities: Iterable, conditional: bool, includes: list, found: dict[str, tuple]) -> None:
    """Add to `found` the first declaration of each name below `entities`, with the includes that lead to it."""
    from .actions import DeclareLaunchArgument, IncludeLaunchDescription, ResetLaunchConfigurations
    for entity in entities:
        if isinstance(entity, DeclareLaunchArgument) and entity.name not in found:
            entity._conditionally_included = conditional or entity.condition is not None
            found[entity.name] = (entity, includes)
        if isinstance(entity, ResetLaunchConfigurations):
            return
        path = [*includes, entity] if isinstance(entity, IncludeLaunchDescription) else includes
        _collect(entity.describe_sub_entities(), conditional, path, found)
        for _, sub_entities in entity.describe_conditional_sub_entities():
            _collect(sub_entities, True, path, found)
