"""Simulated time for all nodes to come."""

from __future__ import annotations

from launch.action import Action
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.utilities.type_utils import normalize_typed_substitution, perform_typed_substitution

from ..ros_adapters import existing_ros_node
from .set_parameter import SetParameter


class SetUseSimTime(Action):
    """Set ``use_sim_time`` of the nodes launched from here on, in this scope, and of the launcher's own node."""

    def __init__(self, value: bool | SomeSubstitutionsType, **kwargs) -> None:
        super().__init__(**kwargs)
        self.__value = normalize_typed_substitution(value, bool)

    @property
    def value(self):
        """Whether simulated time is used."""
        return self.__value

    def execute(self, context) -> None:
        """Set the parameter."""
        value = bool(perform_typed_substitution(context, self.__value, bool))
        SetParameter("use_sim_time", value).execute(context)
        node = existing_ros_node(context)
        if node is not None:
            from rclpy.parameter import Parameter
            node.set_parameters([Parameter("use_sim_time", value=value)])
