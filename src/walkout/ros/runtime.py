"""The main function of every node: start, spin, one clear line on bad input, a clean end on Ctrl-C and SIGTERM."""

from __future__ import annotations

import faulthandler
import sys
from collections.abc import Callable

import rclpy
from rclpy.clock import JumpThreshold
from rclpy.duration import Duration
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node

READY = "ready"
"""What a process logs once its nodes are made."""

EXIT_INPUT = 2
"""Exit code when a node cannot start with what it was given: starting it again would not help."""


def run(factory: Callable[[], Node | list[Node]], args: list[str] | None = None) -> None:
    """Create the nodes of one process and spin them until they are told to stop.

    A node is closed by its ``close()`` when it has one. Errors of the user's input (bad store, missing model, device
    that does not open) end the process with one line: with EXIT_INPUT when a node could not even be made or configured.
    """
    faulthandler.enable()
    rclpy.init(args=args)
    nodes: list[Node] = []
    code = 0
    starting = True
    try:
        made = factory()
        nodes = made if isinstance(made, list) else [made]
        for node in nodes:
            if getattr(node, "managed", True) is False:
                node.start_unmanaged()
        executor = SingleThreadedExecutor()
        for node in nodes:
            executor.add_node(node)
        nodes[0].get_logger().info(READY)
        starting = False
        executor.spin()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except Exception as error:
        # While the process is being shut down, whatever a half-made node complains of is of no interest.
        if rclpy.ok():
            if not isinstance(error, (ValueError, OSError, RuntimeError)):
                raise
            print(f"error: {_one_line(error)}", file=sys.stderr)
            is_configuring = any(getattr(node, "failure", None) is error for node in nodes)
            code = EXIT_INPUT if starting or is_configuring else 1
    finally:
        _close(nodes)
    sys.exit(code)


def on_clock_reset(node: Node, callback: Callable[[], None]) -> None:
    """Call back when the node's clock jumps back by a second or more: a bag was looped, a simulation restarted."""
    threshold = JumpThreshold(min_forward=None, min_backward=Duration(seconds=-1), on_clock_change=False)
    handle = node.get_clock().create_jump_callback(threshold, post_callback=lambda _jump: callback())
    node.clock_reset_handle = handle  # the callback lives as long as its handle


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _close(nodes: list[Node]) -> None:
    try:
        for node in nodes:
            close = getattr(node, "close", None)
            if close is not None:
                close()
            node.destroy_node()
        rclpy.try_shutdown()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
