"""Stand-in for ROS 2's ``launch``: describe processes and what happens around them, then run that description.

Written from the documented behaviour of upstream (ROS 2 Jazzy) for machines where upstream is not installed. Python
launch files only; XML and YAML ones are refused with a clear error.
"""

from . import (
    actions,
    conditions,
    descriptions,
    event_handlers,
    events,
    frontend,
    launch_description_sources,
    logging,
    substitutions,
    utilities,
)
from .action import Action
from .condition import Condition
from .event import Event
from .event_handler import BaseEventHandler, EventHandler
from .invalid_launch_file_error import InvalidLaunchFileError
from .launch_context import LaunchContext
from .launch_description import LaunchDescription
from .launch_description_entity import LaunchDescriptionEntity
from .launch_description_source import LaunchDescriptionSource
from .launch_introspector import LaunchIntrospector
from .launch_service import LaunchService
from .some_actions_type import SomeActionsType, SomeActionsType_types_tuple
from .some_entities_type import SomeEntitiesType, SomeEntitiesType_types_tuple
from .some_substitutions_type import SomeSubstitutionsType, SomeSubstitutionsType_types_tuple
from .substitution import Substitution

__standin__ = True

__all__ = [
    "Action", "BaseEventHandler", "Condition", "Event", "EventHandler", "InvalidLaunchFileError", "LaunchContext",
    "LaunchDescription", "LaunchDescriptionEntity", "LaunchDescriptionSource", "LaunchIntrospector", "LaunchService",
    "SomeActionsType", "SomeActionsType_types_tuple", "SomeEntitiesType", "SomeEntitiesType_types_tuple",
    "SomeSubstitutionsType", "SomeSubstitutionsType_types_tuple", "Substitution", "actions", "conditions",
    "descriptions", "event_handlers", "events", "frontend", "launch_description_sources", "logging", "substitutions",
    "utilities",
]
