"""What may stand wherever actions are expected."""

from collections.abc import Iterable

from .launch_description_entity import LaunchDescriptionEntity

SomeActionsType = LaunchDescriptionEntity | Iterable[LaunchDescriptionEntity]
SomeActionsType_types_tuple = (LaunchDescriptionEntity, Iterable)
