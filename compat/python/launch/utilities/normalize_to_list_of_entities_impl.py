"""Flatten entities into a list."""

from __future__ import annotations

from collections.abc import Iterable

from ..launch_description_entity import LaunchDescriptionEntity


def normalize_to_list_of_entities(entities) -> list[LaunchDescriptionEntity]:
    """Return a flat list of the given entity or (nested) iterables of entities."""
    if isinstance(entities, LaunchDescriptionEntity):
        return [entities]
    if not isinstance(entities, Iterable):
        raise TypeError(f"expected a launch description entity, got '{entities}'")
    return [entity for item in entities for entity in normalize_to_list_of_entities(item)]
