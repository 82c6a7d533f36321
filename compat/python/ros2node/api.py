"""Names of nodes."""

from __future__ import annotations

from collections.abc import Sequence

from ros2cli.graph import INFO_NONUNIQUE_WARNING_TEMPLATE, NodeName

__all__ = ["INFO_NONUNIQUE_WARNING_TEMPLATE", "NodeName", "has_duplicates", "parse_node_name"]


def parse_node_name(node_name: str) -> NodeName:
    """Return the parts of a full name; a missing slash at its beginning is added."""
    namespace, _, name = ("/" + node_name.lstrip("/")).rpartition("/")
    return NodeName(f"{namespace}/{name}", name, namespace or "/")


def has_duplicates(values: Sequence[str]) -> bool:
    """Return whether any value occurs more than once."""
    return len(set(values)) < len(values)
