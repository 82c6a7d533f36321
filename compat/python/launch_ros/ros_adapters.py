"""The launcher's own ROS node, for actions that listen to or call nodes; made when the first one needs it."""

from __future__ import annotations

import contextlib
import os
import threading

_KEY = "ros_adapter"


class ROSAdapter:
    """A node of its own rclpy context that spins in a thread until `shutdown`."""

    def __init__(self, *, use_sim_time: bool = False) -> None:
        import rclpy
        from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
        from rclpy.parameter import Parameter
        from rclpy.signals import SignalHandlerOptions

        self.__context = rclpy.Context()
        # Signals are the launch service's business.
        rclpy.init(args=[], context=self.__context, signal_handler_options=SignalHandlerOptions.NO)
        self.ros_node = rclpy.create_node(f"launch_ros_{os.getpid()}", context=self.__context,
                                          parameter_overrides=[Parameter("use_sim_time", value=use_sim_time)])
        self.__executor = SingleThreadedExecutor(context=self.__context)
        self.__executor.add_node(self.ros_node)
        self.__is_running = True

        def spin() -> None:
            with contextlib.suppress(ExternalShutdownException):
                self.__executor.spin()

        self.__thread = threading.Thread(target=spin, name="launch_ros", daemon=True)
        self.__thread.start()

    def shutdown(self) -> None:
        """Stop spinning and take the node down."""
        import rclpy
        if not self.__is_running:
            return
        self.__is_running = False
        rclpy.try_shutdown(context=self.__context)
        self.__thread.join(timeout=2.0)
        if not self.__thread.is_alive():
            self.ros_node.destroy_node()


def get_ros_adapter(context) -> ROSAdapter:
    """Return the launch's adapter."""
    adapter = context.get_locals_as_dict().get(_KEY)
    if adapter is None:
        from launch.event_handlers import OnShutdown
        adapter = ROSAdapter(use_sim_time=_use_sim_time(context))
        context.extend_globals({_KEY: adapter})

        def shut_down(*_) -> None:
            context.extend_globals({_KEY: None})
            adapter.shutdown()

        context.register_event_handler(OnShutdown(on_shutdown=shut_down, handle_once=True), append=True)
    return adapter


def get_ros_node(context):
    """Return the launcher's node."""
    return get_ros_adapter(context).ros_node


def existing_ros_node(context):
    """Return the launcher's node, or None if nothing has needed it yet."""
    adapter = context.get_locals_as_dict().get(_KEY)
    return None if adapter is None else adapter.ros_node


def _use_sim_time(context) -> bool:
    entries = context.launch_configurations.get("global_params", [])
    values = [entry[1] for entry in entries if isinstance(entry, tuple) and entry[0] == "use_sim_time"]
    return bool(values) and str(values[-1]).lower() == "true"
