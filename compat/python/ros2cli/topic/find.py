"""``ros2 topic list``, ``info``, ``type`` and ``find``: what topics there are."""

from __future__ import annotations

import argparse

from rclpy.node import Node

from ros2cli.graph import absolute, add_node_arguments, fail, is_hidden, open_node, spin_until, topic_types


def add_list_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``list``."""
    add_node_arguments(parser)
    parser.add_argument("-t", "--show-types", action="store_true", help="also show the types")
    parser.add_argument("-c", "--count-topics", action="store_true", help="only show how many there are")
    parser.add_argument("-v", "--verbose", action="store_true", help="publishers and subscribers of each topic")
    parser.add_argument("--include-hidden-topics", action="store_true", help="hidden topics as well")


def main_list(args: argparse.Namespace) -> int:
    """Print the topics."""
    with open_node(args) as node:
        topics = topic_types(node, args.include_hidden_topics)
        if args.count_topics:
            print(len(topics))
        elif args.verbose:
            _print_side("Published topics:", "publisher", topics, node.count_publishers)
            _print_side("Subscribed topics:", "subscriber", topics, node.count_subscribers)
        else:
            for name, types in topics.items():
                print(f"{name} [{', '.join(types)}]" if args.show_types else name)
    return 0


def _print_side(title, noun, topics, count_of) -> None:
    print(title)
    for name, types in topics.items():
        count = count_of(name)
        if count:
            print(f" * {name} [{', '.join(types)}] {count} {noun}{'' if count == 1 else 's'}")
    print()


def add_topic_argument(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``type``."""
    add_node_arguments(parser)
    parser.add_argument("topic_name", help="name of the topic (e.g. '/chatter')")
    parser.add_argument("--include-hidden-topics", action="store_true", help="find it even if its name is hidden")


def add_info_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``info``."""
    add_topic_argument(parser)
    parser.add_argument("-v", "--verbose", action="store_true", help="every endpoint with its node, hash and QoS")


def main_info(args: argparse.Namespace) -> int:
    """Print type and endpoints of a topic."""
    with open_node(args) as node:
        topic = absolute(node, args.topic_name)
        types = types_of(node, topic)
        if not types:
            return fail(f"Unknown topic '{topic}'")
        end = "\n\n" if args.verbose else "\n"
        print(f"Type: {types[0] if len(types) == 1 else '[' + ', '.join(types) + ']'}", end=end)
        sides = [("Publisher", node.count_publishers, node.get_publishers_info_by_topic),
                 ("Subscription", node.count_subscribers, node.get_subscriptions_info_by_topic)]
        for title, count, endpoints in sides:
            print(f"{title} count: {count(topic)}", end=end)
            for endpoint in endpoints(topic) if args.verbose else ():
                print(endpoint, end="\n\n")
    return 0


def main_type(args: argparse.Namespace) -> int:
    """Print the types of a topic."""
    with open_node(args) as node:
        topic = absolute(node, args.topic_name)
        types = [] if is_hidden(topic) and not args.include_hidden_topics else types_of(node, topic)
        for name in types:
            print(name)
    return 0 if types else 1


def add_find_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``find``."""
    add_node_arguments(parser)
    parser.add_argument("topic_type", help="name of the type (e.g. 'std_msgs/msg/String')")
    parser.add_argument("-c", "--count-topics", action="store_true", help="only show how many there are")
    parser.add_argument("--include-hidden-topics", action="store_true", help="hidden topics as well")


def main_find(args: argparse.Namespace) -> int:
    """Print the topics that have a type."""
    with open_node(args) as node:
        found = [name for name, types in topic_types(node, args.include_hidden_topics).items()
                 if args.topic_type in types]
    if args.count_topics:
        print(len(found))
    else:
        for name in found:
            print(name)
    return 0


def types_of(node: Node, topic: str, wait_s: float = 1.0) -> list[str]:
    """Return the types of a topic, waiting a little for it to appear."""
    spin_until(node, lambda: topic in topic_types(node, True), wait_s)
    return topic_types(node, True).get(topic, [])
