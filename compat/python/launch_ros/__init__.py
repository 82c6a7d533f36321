"""Stand-in for ROS 2's ``launch_ros``: nodes as actions of a launch description.

Written from the documented behaviour of upstream (ROS 2 Jazzy) for machines where upstream is not installed. Containers
of C++ components are refused with a clear error; everything else that Python launch files use is here.
"""

from . import actions, descriptions, event_handlers, events, parameters_type, remap_rule_type, substitutions, utilities

__standin__ = True

__all__ = [
    "actions", "descriptions", "event_handlers", "events", "parameters_type", "remap_rule_type", "substitutions",
    "utilities",
]
