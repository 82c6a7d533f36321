"""Loading of components, which needs C++ and is not supported here."""

from __future__ import annotations

from launch.action import Action

_MESSAGE = ("loading components into a container is not supported by this stand-in of launch_ros, as it needs C++; "
            "install ROS 2 to use it")


class LoadComposableNodes(Action):
    """Refused: raises NotImplementedError."""

    def __init__(self, *, composable_node_descriptions, target_container, **kwargs) -> None:
        raise NotImplementedError(_MESSAGE)


def get_composable_node_load_request(composable_node_description, context):
    """Refused: raises NotImplementedError."""
    raise NotImplementedError(_MESSAGE)
