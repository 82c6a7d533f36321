"""Containers of components, which need C++ and are not supported here."""

from __future__ import annotations

from .node import Node


class ComposableNodeContainer(Node):
    """Refused: raises NotImplementedError."""

    def __init__(self, *, name, namespace, composable_node_descriptions=None, **kwargs) -> None:
        raise NotImplementedError("ComposableNodeContainer is not supported by this stand-in of launch_ros, as "
                                  "component containers need C++; install ROS 2 to use it")
