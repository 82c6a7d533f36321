"""``ros2 topic echo``: print what is published."""

from __future__ import annotations

import argparse
import time
from typing import Any

from rclpy.event_handler import SubscriptionEventCallbacks, UnsupportedEventTypeError
from rclpy.node import Node
from rosidl_runtime_py import message_to_csv, message_to_yaml
from rosidl_runtime_py.utilities import get_message

from ros2cli.graph import absolute, add_node_arguments, open_node, spin_once
from ros2cli.qos import add_qos_arguments, for_topic, is_given, profile_from
from ros2cli.topic.find import types_of

DEFAULT_TRUNCATE = 128


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``echo``."""
    add_node_arguments(parser)
    parser.add_argument("topic_name", help="name of the topic (e.g. '/chatter')")
    parser.add_argument("message_type", nargs="?", help="type of the topic; found out if not given")
    add_qos_arguments(parser, "what is compatible with all publishers")
    parser.add_argument("--csv", action="store_true", help="all values in one line, separated by commas")
    parser.add_argument("--field", metavar="NAME", help="only this field, e.g. 'header.stamp' or 'poses[0].position'")
    parser.add_argument("-f", "--full-length", action="store_true", help="do not cut arrays, bytes and strings")
    parser.add_argument("-l", "--truncate-length", type=_length, default=DEFAULT_TRUNCATE, metavar="N",
                        help=f"cut arrays, bytes and strings after N elements (default: {DEFAULT_TRUNCATE})")
    parser.add_argument("--no-arr", action="store_true", help="arrays by type and length only")
    parser.add_argument("--no-str", action="store_true", help="strings by length only")
    parser.add_argument("--flow-style", action="store_true", help="YAML in one line")
    parser.add_argument("--lost-messages", action="store_true", help="accepted; this is the default")
    parser.add_argument("--no-lost-messages", action="store_true", help="do not report lost messages")
    parser.add_argument("--raw", action="store_true", help="print the serialised bytes")
    parser.add_argument("--filter", dest="filter_expr", metavar="EXPR",
                        help="only messages for which the Python expression holds; the message is 'm'")
    parser.add_argument("--once", action="store_true", help="end after the first message")
    parser.add_argument("--timeout", type=_positive, metavar="SECONDS", help="end after so long")
    parser.add_argument("--include-message-info", action="store_true", help="print each message's info first")


def main(args: argparse.Namespace) -> int:
    """Print messages until interrupted."""
    with open_node(args) as node:
        topic = absolute(node, args.topic_name)
        kind = message_class(node, topic, args.message_type, verb="echo")
        profile = for_topic(node, topic)
        if is_given(args):
            profile = profile_from(args, profile)
        printer = _Printer(args)
        _subscribe(node, kind, topic, profile, printer, args)
        end = None if args.timeout is None else time.monotonic() + args.timeout
        while not printer.done and (end is None or time.monotonic() < end):
            spin_once(node)
    return 0


def message_class(node: Node, topic: str, type_name: str | None, verb: str) -> Any:
    """Return the class of a topic's messages, by name or from the graph; RuntimeError when it is not known."""
    if type_name is None:
        types = types_of(node, topic)
        if len(types) > 1:
            raise RuntimeError(f"Cannot {verb} topic '{topic}', as it contains more than one type: "
                               f"[{', '.join(types)}]")
        if not types:
            print(f"WARNING: topic [{topic}] does not appear to be published yet")
            raise RuntimeError("Could not determine the type for the passed topic")
        type_name = types[0]
    try:
        return get_message(type_name)
    except (AttributeError, ModuleNotFoundError, ValueError):
        raise RuntimeError(f"The message type '{type_name}' is invalid") from None


class _Printer:
    def __init__(self, args: argparse.Namespace) -> None:
        self.done = False
        self._args = args
        self._cut = None if args.full_length else args.truncate_length
        self._filter = compile_filter(args.filter_expr)

    def __call__(self, message: Any, info: Any = None) -> None:
        if self.done or not self._filter(message):
            return
        args = self._args
        if args.field is not None:
            message = field_of(message, args.field)
        if info is not None:
            print(info)
        options = {"truncate_length": self._cut, "no_arr": args.no_arr, "no_str": args.no_str}
        if not hasattr(message, "SLOT_TYPES"):
            print(message, end="\n---\n", flush=True)
        elif args.csv:
            print(message_to_csv(message, **options), flush=True)
        else:
            print(message_to_yaml(message, flow_style=args.flow_style, **options), end="---\n", flush=True)
        self.done = args.once

    def lost(self, event: Any) -> None:
        """Report messages that never arrived."""
        print(f"A message was lost!!!\n\ttotal count change:{event.total_count_change}\n\t"
              f"total count: {event.total_count}", end="---\n", flush=True)


def _subscribe(node: Node, kind: Any, topic: str, profile: Any, printer: _Printer, args: argparse.Namespace) -> None:
    # rclpy passes the message's info to callbacks that take two arguments.
    callback = printer.__call__ if args.include_message_info else lambda message: printer(message)
    events = SubscriptionEventCallbacks(message_lost=None if args.no_lost_messages else printer.lost)
    try:
        node.create_subscription(kind, topic, callback, profile, event_callbacks=events, raw=args.raw)
    except UnsupportedEventTypeError:
        node.create_subscription(kind, topic, callback, profile, raw=args.raw)


def compile_filter(expression: str | None) -> Any:
    """Return a function ``message -> bool`` for a Python expression over ``m``; RuntimeError when it is none."""
    if expression is None:
        return lambda message: True
    try:
        code = compile(expression, "ros2-topic-filter", "eval")
    except SyntaxError as error:
        raise RuntimeError(f"Invalid filter expression '{expression}': {error.msg}") from None

    def accepts(message: Any) -> bool:
        try:
            return bool(eval(code, {"m": message}))
        except Exception as error:
            # Whatever the user's expression raises is the user's to see, once and in one line.
            raise RuntimeError(f"Filter expression '{expression}' failed: {error}") from None

    return accepts


def field_of(message: Any, path: str) -> Any:
    """Return a nested field like ``poses[0].position.x``; RuntimeError when there is none."""
    if not path.strip("."):
        raise RuntimeError(f"Invalid field value '{path}'")
    value = message
    for part in path.split("."):
        name, *indices = part.replace("]", "").split("[")
        try:
            value = getattr(value, name)
            for index in indices:
                value = value[int(index)]
        except (AttributeError, IndexError, TypeError, ValueError) as error:
            raise RuntimeError(f"Invalid field '{path}': {error}") from None
    return value


def _length(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError("must not be negative")
    return value


def _positive(text: str) -> float:
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError("must be positive")
    return value
