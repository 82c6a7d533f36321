"""``ros2 topic pub``: publish a message given in YAML."""

from __future__ import annotations

import argparse
import math
import time
from typing import Any

import yaml
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rosidl_runtime_py import set_message_fields
from rosidl_runtime_py.utilities import get_message

from ros2cli.graph import add_node_arguments, fail, open_node, spin_once, spin_until
from ros2cli.qos import add_qos_arguments, profile_from


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``pub``."""
    add_node_arguments(parser)
    parser.add_argument("topic_name", help="name of the topic (e.g. '/chatter')")
    parser.add_argument("message_type", help="type of the message (e.g. 'std_msgs/msg/String')")
    parser.add_argument("values", nargs="?", default="{}",
                        help="fields in YAML; a Header may be 'auto', a Time 'now'")
    parser.add_argument("-r", "--rate", type=_positive, default=1.0, metavar="HZ", help="rate in Hz (default: 1)")
    parser.add_argument("-p", "--print", dest="print_every", type=int, default=1, metavar="N",
                        help="print every N-th message only (0: none)")
    how_often = parser.add_mutually_exclusive_group()
    how_often.add_argument("-1", "--once", action="store_true", help="publish one message and end")
    how_often.add_argument("-t", "--times", type=int, default=0, metavar="N", help="publish N messages and end")
    parser.add_argument("-w", "--wait-matching-subscriptions", type=int, metavar="N",
                        help="wait for so many subscriptions first (default: 1 with -1 and -t, else 0)")
    parser.add_argument("--max-wait-time-secs", type=_positive, metavar="SECONDS",
                        help="give up waiting for subscriptions after so long")
    parser.add_argument("--keep-alive", type=float, default=0.1, metavar="SECONDS",
                        help="stay so long after the last message (default: 0.1)")
    parser.add_argument("-n", "--node-name", help="name of the publishing node")
    add_qos_arguments(parser)


def main(args: argparse.Namespace) -> int:
    """Publish."""
    if args.max_wait_time_secs and not (args.wait_matching_subscriptions or args.once or args.times):
        return fail("--max-wait-time-secs option is only effective with --wait-matching-subscriptions, --once or "
                    "--times")
    try:
        kind = get_message(args.message_type)
    except (AttributeError, ModuleNotFoundError, ValueError):
        raise RuntimeError("The passed message type is invalid") from None
    values = parse_values(args.values)
    with open_node(args, args.node_name, discover=False) as node:
        publisher = node.create_publisher(kind, args.topic_name, profile_from(args, QoSProfile(depth=10)))
        message = kind()
        try:
            stamp_setters = set_message_fields(message, values, expand_header_auto=True, expand_time_now=True)
        except (AttributeError, TypeError, ValueError) as error:
            return fail(f"Failed to populate field: {error}")
        times = 1 if args.once else args.times
        wanted = args.wait_matching_subscriptions
        wanted = (1 if times else 0) if wanted is None else wanted
        if not _wait_for_subscriptions(node, publisher, wanted, args.max_wait_time_secs):
            found = publisher.get_subscription_count()
            # Upstream's words, its slip included: scripts look for them.
            return fail(
                f"Timed out waiting for subscribers: Expected {wanted} subcribers but only "  # codespell:ignore
                f"got {found} subscribers")
        _publish(node, publisher, message, stamp_setters, times, args)
    return 0


def parse_values(text: str) -> dict[str, Any]:
    """Return the fields written in YAML; RuntimeError when it is not a mapping."""
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RuntimeError(f"The passed value is not valid YAML: {error}") from None
    if not isinstance(values, dict):
        raise RuntimeError("The passed value needs to be a dictionary in YAML format")
    return values


def _wait_for_subscriptions(node: Node, publisher: Any, wanted: int, longest_s: float | None) -> bool:
    deadline = math.inf if longest_s is None else time.monotonic() + longest_s
    while publisher.get_subscription_count() < wanted:
        print(f"Waiting for at least {wanted} matching subscription(s)...", flush=True)
        if time.monotonic() >= deadline:
            return False
        spin_until(node, lambda: publisher.get_subscription_count() >= wanted, 1.0)
    return True


def _publish(node: Node, publisher: Any, message: Any, stamp_setters: list, times: int,
             args: argparse.Namespace) -> None:
    print("publisher: beginning loop", flush=True)
    count, due = 0, time.monotonic()
    while times == 0 or count < times:
        for put in stamp_setters:
            put(node.get_clock().now().to_msg())
        count += 1
        if args.print_every and count % args.print_every == 0:
            print(f"publishing #{count}: {message!r}\n", flush=True)
        publisher.publish(message)
        due += 1.0 / args.rate
        while times != count and time.monotonic() < due:
            spin_once(node, max(0.0, min(0.1, due - time.monotonic())))
    end = time.monotonic() + args.keep_alive
    while time.monotonic() < end:
        spin_once(node, 0.05)


def _positive(text: str) -> float:
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError("must be positive")
    return value
