"""Run a lifecycle node."""

from __future__ import annotations

import functools
import threading

from launch import logging
from launch.actions import OpaqueFunction
from launch.event_handler import EventHandler
from launch.some_substitutions_type import SomeSubstitutionsType

from ..events.lifecycle import ChangeState, StateTransition
from ..ros_adapters import get_ros_node
from .node import Node

_SERVICE_POLL_S = 1.0


class LifecycleNode(Node):
    """As `Node`, with `StateTransition` events for what it does and `ChangeState` events for what it shall do.

    Name and namespace are required, as its topics and services are found by them.
    """

    def __init__(self, *, name: SomeSubstitutionsType, namespace: SomeSubstitutionsType, **kwargs) -> None:
        super().__init__(name=name, namespace=namespace, **kwargs)
        self.__client = None
        self.__subscription = None
        self.__logger = logging.get_logger("launch_ros.actions.lifecycle_node")

    @property
    def is_lifecycle_node(self) -> bool:
        """True."""
        return True

    def execute(self, context) -> list | None:
        """Start the node and listen to it."""
        import lifecycle_msgs.msg
        import lifecycle_msgs.srv
        self._perform_substitutions(context)
        if not self.is_node_name_fully_specified():
            raise RuntimeError("a LifecycleNode needs a name and a namespace")
        node = get_ros_node(context)
        self.__subscription = node.create_subscription(
            lifecycle_msgs.msg.TransitionEvent, f"{self.node_name}/transition_event",
            functools.partial(self.__on_transition_event, context), 10)
        self.__client = node.create_client(lifecycle_msgs.srv.ChangeState, f"{self.node_name}/change_state")
        context.register_event_handler(EventHandler(
            matcher=lambda event: isinstance(event, ChangeState) and event.lifecycle_node_matcher(self),
            entities=OpaqueFunction(function=self.__on_change_state)))
        return super().execute(context)

    def __on_transition_event(self, context, msg) -> None:
        """Pass on to the launch's loop (this is the thread that spins)."""
        loop = context.asyncio_loop
        if loop is None:
            return
        event = StateTransition(action=self, msg=msg)
        try:
            loop.call_soon_threadsafe(context.emit_event_sync, event)
        except RuntimeError:
            # The loop has been closed in the meantime.
            self.__logger.debug(f"a transition of '{self.node_name}' came too late")

    def __on_change_state(self, context) -> None:
        """Call the service in a thread: it may take any time."""
        transition_id = context.locals.event.transition_id
        threading.Thread(target=self.__change_state, args=(context, transition_id), daemon=True,
                         name=f"change_state {self.node_name}").start()

    def __change_state(self, context, transition_id: int) -> None:
        import lifecycle_msgs.srv
        assert self.__client is not None
        try:
            while not self.__client.wait_for_service(timeout_sec=_SERVICE_POLL_S):
                if context.is_shutdown:
                    self.__logger.warning(f"abandoning wait for the '{self.__client.srv_name}' service: shutdown")
                    return
                self.__logger.debug(f"waiting for the service '{self.__client.srv_name}'")
            request = lifecycle_msgs.srv.ChangeState.Request()
            request.transition.id = transition_id
            done = threading.Event()
            future = self.__client.call_async(request)
            future.add_done_callback(lambda _: done.set())
            while not done.wait(_SERVICE_POLL_S):
                if context.is_shutdown:
                    return
        except Exception as error:
            # rclpy raises various errors when its context goes away under a call.
            if not context.is_shutdown:
                self.__logger.error(f"transition {transition_id} of '{self.node_name}' could not be asked for: {error}")
            return
        response = future.result()
        if response is None or not response.success:
            self.__logger.error(f"Failed to make transition '{transition_id}' for LifecycleNode '{self.node_name}'")
