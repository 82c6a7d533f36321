"""How many nodes of a name were launched."""

from __future__ import annotations

_KEY = "unique_ros_node_names"


def add_node_name(context, node_name: str) -> None:
    """Count a node; warn if its full name is in use already, which ROS does not allow."""
    names = context.get_locals_as_dict().get(_KEY)
    if names is None:
        names = {}
        context.extend_globals({_KEY: names})
    names[node_name] = names.get(node_name, 0) + 1
    if names[node_name] > 1:
        from launch import logging
        logging.get_logger("launch_ros").warning(
            f"there are now at least {names[node_name]} nodes with the name {node_name} created within this "
            "launch context")


def get_node_name_count(context, node_name: str) -> int:
    """Return how many nodes of that full name were launched."""
    return context.get_locals_as_dict().get(_KEY, {}).get(node_name, 0)
