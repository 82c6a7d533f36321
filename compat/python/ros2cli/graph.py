"""What the verbs share: a hidden node that looks at the graph, names that are hidden, and arguments for both."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions

HIDDEN_PREFIX = "_"
#: Discovery is over when the graph has been quiet for so long, but it takes at least and at most so many seconds.
QUIET_S, LEAST_S, MOST_S = 0.3, 0.3, 4.0

INFO_NONUNIQUE_WARNING_TEMPLATE = (
    'There are {num_nodes} nodes in the graph with the exact name "{node_name}". '
    "You are seeing information about only one of them.")


@dataclass(frozen=True, order=True)
class NodeName:
    """A node of the graph."""

    full_name: str
    name: str
    namespace: str

    @property
    def hidden(self) -> bool:
        """Whether it is not shown unless asked for."""
        return self.name.startswith(HIDDEN_PREFIX)


def is_hidden(name: str) -> bool:
    """Return whether a topic or service is hidden: some part of its name begins with an underscore."""
    return any(part.startswith(HIDDEN_PREFIX) for part in name.split("/"))


def fail(message: str, code: int = 1) -> int:
    """Print a failure the way upstream does, bare, on stderr; returns the exit code."""
    print(message, file=sys.stderr)
    return code


def add_node_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments that every verb with a node takes."""
    parser.add_argument("--spin-time", type=float, metavar="SECONDS",
                        help="time to wait for discovery (default: until the graph is complete, at most 4 s)")
    parser.add_argument("-s", "--use-sim-time", action="store_true", help="use the time of /clock")
    parser.add_argument("--no-daemon", action="store_true", help="accepted; there is no daemon here")


@contextlib.contextmanager
def open_node(args: argparse.Namespace, name: str | None = None, *, discover: bool = True) -> Iterator[Node]:
    """Yield a node; SIGTERM, like Ctrl-C, raises KeyboardInterrupt in the body (in the main thread).

    Args:
        args: parsed arguments with those of `add_node_arguments`.
        name: its name; default a hidden one.
        discover: wait until the graph is known.
    """
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    # Without rclpy's own handlers an interrupt arrives as an exception between two waits, never inside of C++.
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    is_main = threading.current_thread() is threading.main_thread()
    previous = signal.signal(signal.SIGTERM, interrupt) if is_main else None
    # Nobody asks a verb for the types of its topics.
    overrides = [Parameter("start_type_description_service", value=False)]
    overrides += [Parameter("use_sim_time", value=True)] if getattr(args, "use_sim_time", False) else []
    node = rclpy.create_node(name or f"{HIDDEN_PREFIX}ros2cli_{os.getpid()}", start_parameter_services=False,
                             parameter_overrides=overrides)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        if discover:
            wait_for_discovery(node, getattr(args, "spin_time", None))
        yield node
    finally:
        if is_main:
            signal.signal(signal.SIGTERM, previous)
        executor.shutdown()
        node.destroy_node()
        rclpy.try_shutdown()


def spin_once(node: Node, timeout_s: float = 0.1) -> None:
    """Handle what is due on the node, waiting a little for it."""
    node.executor.spin_once(timeout_sec=timeout_s)


def spin_until(node: Node, done: Callable[[], bool], timeout_s: float | None = None) -> bool:
    """Spin until the condition holds; returns whether it did in time."""
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    while not done():
        if deadline is not None and time.monotonic() >= deadline:
            return False
        spin_once(node, 0.05)
    return True


def wait_for_discovery(node: Node, spin_time_s: float | None = None) -> None:
    """Spin for the time given; else until every process of this machine is seen and the graph has stopped changing."""
    start = time.monotonic()
    last, changed = None, start
    while True:
        spin_once(node, 0.05)
        now = time.monotonic()
        if spin_time_s is not None:
            if now - start >= spin_time_s:
                return
            continue
        graph = (sorted(node.get_node_names_and_namespaces()), len(node.get_topic_names_and_types()))
        if graph != last:
            last, changed = graph, now
        if now - start >= MOST_S:
            return
        if now - start >= LEAST_S and now - changed >= QUIET_S and _seen_participants(node) >= local_participants():
            return


def local_participants() -> int:
    """Return how many processes of this machine take part in the domain, by the UDP ports that DDS prescribes for them.

    Discovery takes 10 ms or two seconds, by chance; this count tells when it is complete. 0 where it cannot be known.
    """
    first = 7400 + 250 * int(os.environ.get("ROS_DOMAIN_ID") or 0)
    ports = set()
    for table in ("/proc/net/udp", "/proc/net/udp6"):
        with contextlib.suppress(OSError, ValueError, IndexError), open(table) as lines:
            next(lines)
            ports |= {int(line.split()[1].rpartition(":")[2], 16) for line in lines}
    # Of the domain's 250 ports, those from 10 on belong to participants, two each: discovery (even) and data (odd).
    return sum(port in ports for port in range(first + 10, first + 250, 2))


def _seen_participants(node: Node) -> int:
    # Every node publishes /parameter_events; the first 12 bytes of an endpoint's id are its participant's.
    endpoints = node.get_publishers_info_by_topic("/parameter_events")
    return len({tuple(endpoint.endpoint_gid[:12]) for endpoint in endpoints})


def node_names(node: Node, include_hidden: bool = False) -> list[NodeName]:
    """Return the nodes of the graph, sorted by full name."""
    found = []
    for name, namespace in node.get_node_names_and_namespaces():
        entry = NodeName(f"{namespace.rstrip('/')}/{name}", name, namespace)
        if include_hidden or not entry.hidden:
            found.append(entry)
    return sorted(found)


def find_node(node: Node, full_name: str, timeout_s: float = 3.0) -> NodeName | None:
    """Return a node by its full name, waiting for it a little."""
    wanted = "/" + full_name.lstrip("/")

    def matches() -> list[NodeName]:
        return [n for n in node_names(node, include_hidden=True) if n.full_name == wanted]

    spin_until(node, lambda: bool(matches()), timeout_s)
    found = matches()
    return found[0] if found else None


def topic_types(node: Node, include_hidden: bool = False) -> dict[str, list[str]]:
    """Return topic -> its types, sorted by topic."""
    return {n: t for n, t in sorted(node.get_topic_names_and_types()) if include_hidden or not is_hidden(n)}


def service_types(node: Node, include_hidden: bool = False) -> dict[str, list[str]]:
    """Return service -> its types, sorted by service."""
    return {n: t for n, t in sorted(node.get_service_names_and_types()) if include_hidden or not is_hidden(n)}


def absolute(node: Node, name: str) -> str:
    """Return a topic's full name."""
    return node.resolve_topic_name(name)


def call(node: Node, kind: Any, name: str, request: Any, timeout_s: float = 5.0) -> Any:
    """Call a service and return the response; None when it is not there or does not answer in time."""
    client = node.create_client(kind, name)
    try:
        if not spin_until(node, client.service_is_ready, timeout_s):
            return None
        future = client.call_async(request)
        if not spin_until(node, future.done, timeout_s):
            return None
        return future.result()
    finally:
        node.destroy_client(client)
