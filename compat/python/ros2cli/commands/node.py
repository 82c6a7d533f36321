"""``ros2 node``."""

from __future__ import annotations

import argparse
import sys

from rclpy.action.graph import (
    get_action_client_names_and_types_by_node,
    get_action_server_names_and_types_by_node,
)
from rclpy.node import Node

from ros2cli.graph import (
    INFO_NONUNIQUE_WARNING_TEMPLATE,
    NodeName,
    add_node_arguments,
    fail,
    find_node,
    is_hidden,
    node_names,
    open_node,
)
from ros2cli.verbs import Verb, add_verbs, run_verb


def add_subparsers(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs."""
    add_verbs(parser, VERBS)


def main(args: argparse.Namespace) -> int:
    """Run the verb."""
    return run_verb(args, VERBS)


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    add_node_arguments(parser)
    parser.add_argument("-a", "--all", action="store_true", help="hidden nodes as well")
    parser.add_argument("-c", "--count-nodes", action="store_true", help="only show how many there are")


def _list(args: argparse.Namespace) -> int:
    with open_node(args) as node:
        names = [n.full_name for n in node_names(node, args.all)]
    if args.count_nodes:
        print(len(names))
        return 0
    for name in names:
        print(name)
    if len(set(names)) != len(names):
        print("WARNING: Be aware that there are nodes in the graph that share an exact name, "
              "which can have unintended side effects.", file=sys.stderr)
    return 0


def _info_arguments(parser: argparse.ArgumentParser) -> None:
    add_node_arguments(parser)
    parser.add_argument("node_name", help="full name of the node (e.g. '/talker')")
    parser.add_argument("--include-hidden", action="store_true", help="hidden topics, services and actions as well")


def _info(args: argparse.Namespace) -> int:
    with open_node(args) as node:
        found = find_node(node, args.node_name)
        if found is None or (found.hidden and not args.include_hidden):
            return fail(f"Unable to find node '{args.node_name}'")
        same = sum(n.full_name == found.full_name for n in node_names(node, True))
        if same > 1:
            print(INFO_NONUNIQUE_WARNING_TEMPLATE.format(num_nodes=same, node_name=found.full_name))
        print(found.full_name)
        for title, entries in _sections(node, found):
            print(f"  {title}:")
            print("\n".join(f"    {name}: {', '.join(types)}" for name, types in sorted(entries)
                            if args.include_hidden or not is_hidden(name)))
    return 0


def _sections(node: Node, found: NodeName):
    name, space = found.name, found.namespace
    yield "Subscribers", node.get_subscriber_names_and_types_by_node(name, space)
    yield "Publishers", node.get_publisher_names_and_types_by_node(name, space)
    yield "Service Servers", node.get_service_names_and_types_by_node(name, space)
    yield "Service Clients", node.get_client_names_and_types_by_node(name, space)
    yield "Action Servers", get_action_server_names_and_types_by_node(node, name, space)
    yield "Action Clients", get_action_client_names_and_types_by_node(node, name, space)


VERBS = {
    "info": Verb("Show what a node publishes, subscribes and offers", _info_arguments, _info),
    "list": Verb("List nodes", _list_arguments, _list),
}
