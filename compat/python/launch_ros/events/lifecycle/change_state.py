"""A lifecycle node is to change its state."""

from __future__ import annotations

from collections.abc import Callable

from launch.event import Event


class ChangeState(Event):
    """Asks the nodes that `lifecycle_node_matcher` accepts for the transition `transition_id` of lifecycle_msgs."""

    name = "launch_ros.events.lifecycle.ChangeState"

    def __init__(self, *, lifecycle_node_matcher: Callable, transition_id: int) -> None:
        self.__lifecycle_node_matcher = lifecycle_node_matcher
        self.__transition_id = transition_id

    @property
    def lifecycle_node_matcher(self) -> Callable:
        """Predicate of `LifecycleNode` actions."""
        return self.__lifecycle_node_matcher

    @property
    def transition_id(self) -> int:
        """The transition, as in lifecycle_msgs/msg/Transition."""
        return self.__transition_id
