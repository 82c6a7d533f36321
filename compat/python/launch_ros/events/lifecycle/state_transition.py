"""A lifecycle node has changed its state."""

from __future__ import annotations

from launch.event import Event


class StateTransition(Event):
    """Emitted for every TransitionEvent that the node of a `LifecycleNode` action publishes."""

    name = "launch_ros.events.lifecycle.StateTransition"

    def __init__(self, *, action, msg) -> None:
        self.__action = action
        self.__msg = msg

    @property
    def action(self):
        """The node's action."""
        return self.__action

    @property
    def msg(self):
        """The lifecycle_msgs/msg/TransitionEvent."""
        return self.__msg

    @property
    def timestamp(self) -> int:
        """When, in the node's nanoseconds."""
        return self.__msg.timestamp

    @property
    def transition(self) -> str:
        """Label of the transition."""
        return self.__msg.transition.label

    @property
    def start_state(self) -> str:
        """Label of the state before."""
        return self.__msg.start_state.label

    @property
    def goal_state(self) -> str:
        """Label of the state afterwards."""
        return self.__msg.goal_state.label
