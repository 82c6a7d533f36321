"""Matchers of node actions."""

from __future__ import annotations

from collections.abc import Callable


def matches_node_name(node_name: str) -> Callable[[object], bool]:
    """Match the action of the node with that full name ('/' may be left out)."""
    full_name = node_name if node_name.startswith("/") else "/" + node_name
    return lambda action: getattr(action, "node_name", None) == full_name
