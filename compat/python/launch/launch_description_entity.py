"""The base of everything a launch description is made of."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .launch_context import LaunchContext


class LaunchDescriptionEntity:
    """Something that can be visited, and described without being visited."""

    def describe(self) -> str:
        """One-line description for people."""
        raise NotImplementedError(f"{type(self).__name__} does not describe itself")

    def describe_sub_entities(self) -> list[LaunchDescriptionEntity]:
        """Entities that a visit is certain to lead to."""
        return []

    def describe_conditional_sub_entities(self) -> list[tuple[str, list[LaunchDescriptionEntity]]]:
        """Pairs of a condition's description and the entities a visit leads to if it is met."""
        return []

    def visit(self, context: LaunchContext) -> list[LaunchDescriptionEntity] | None:
        """Do this entity's work; return entities to visit next, or None."""
        return None

    def get_asyncio_future(self) -> asyncio.Future | None:
        """A future that is done when work begun by the visit is; None if none is left over."""
        return None
