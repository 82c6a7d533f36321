"""The node that programs built on upstream's ros2cli ask for."""

from __future__ import annotations

import argparse
import contextlib
from typing import Any

from rclpy.node import Node

from ros2cli.graph import open_node


class NodeStrategy:
    """Context manager that yields a node; there is no daemon to ask, so it is always one of this process."""

    def __init__(self, args: argparse.Namespace | None = None, *, node_name: str | None = None) -> None:
        self._args = args or argparse.Namespace()
        self._name = node_name
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Node:
        """Open the node."""
        return self._stack.enter_context(open_node(self._args, self._name, discover=False))

    def __exit__(self, *exception: Any) -> None:
        """Close it."""
        self._stack.__exit__(*exception)
