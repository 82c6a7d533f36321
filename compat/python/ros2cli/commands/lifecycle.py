"""``ros2 lifecycle``."""

from __future__ import annotations

import argparse
from typing import Any

from lifecycle_msgs.srv import ChangeState, GetAvailableTransitions, GetState
from rclpy.node import Node

from ros2cli.graph import add_node_arguments, call, fail, node_names, open_node, service_types, spin_until
from ros2cli.verbs import Verb, add_verbs, run_verb


def add_subparsers(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs."""
    add_verbs(parser, VERBS)


def main(args: argparse.Namespace) -> int:
    """Run the verb."""
    return run_verb(args, VERBS)


def _lifecycle_nodes(node: Node, include_hidden: bool) -> list[str]:
    services = service_types(node, True)
    return [n.full_name for n in node_names(node, include_hidden)
            if "lifecycle_msgs/srv/GetState" in services.get(f"{n.full_name}/get_state", [])]


def _ask(node: Node, name: str, kind: Any, service: str, request: Any) -> Any:
    response = call(node, kind, f"{name}/{service}", request, 10.0)
    if response is None:
        raise RuntimeError(f"Node '{name}' does not answer on its service '{service}'")
    return response


def _found(node: Node, name: str) -> str | None:
    full = "/" + name.lstrip("/")
    spin_until(node, lambda: full in _lifecycle_nodes(node, True), 3.0)
    return full if full in _lifecycle_nodes(node, True) else None


def _nodes_arguments(parser: argparse.ArgumentParser) -> None:
    add_node_arguments(parser)
    parser.add_argument("-a", "--all", action="store_true", help="hidden nodes as well")
    parser.add_argument("-c", "--count-nodes", action="store_true", help="only show how many there are")


def _nodes(args: argparse.Namespace) -> int:
    with open_node(args) as node:
        names = _lifecycle_nodes(node, args.all)
    if args.count_nodes:
        print(len(names))
    else:
        for name in names:
            print(name)
    return 0


def _get_arguments(parser: argparse.ArgumentParser) -> None:
    add_node_arguments(parser)
    parser.add_argument("node_name", nargs="?", help="full name of the node (default: all lifecycle nodes)")
    parser.add_argument("--include-hidden-nodes", action="store_true", help="hidden nodes as well")
    parser.add_argument("--transitions", action="store_true", help="also the transitions possible now")


def _get(args: argparse.Namespace) -> int:
    with open_node(args) as node:
        if args.node_name is not None:
            name = _found(node, args.node_name)
            if name is None:
                return fail("Node not found")
            print(_state(node, name))
            if args.transitions:
                _print_transitions(node, name)
            return 0
        for name in _lifecycle_nodes(node, args.include_hidden_nodes):
            print(f"{name}: {_state(node, name)}")
            if args.transitions:
                _print_transitions(node, name)
    return 0


def _state(node: Node, name: str) -> str:
    state = _ask(node, name, GetState, "get_state", GetState.Request()).current_state
    return f"{state.label} [{state.id}]"


def _transitions(node: Node, name: str, service: str = "get_available_transitions") -> list[Any]:
    return _ask(node, name, GetAvailableTransitions, service,
                GetAvailableTransitions.Request()).available_transitions


def _print_transitions(node: Node, name: str, service: str = "get_available_transitions") -> None:
    for entry in _transitions(node, name, service):
        print(f"- {entry.transition.label} [{entry.transition.id}]")
        print(f"\tStart: {entry.start_state.label}")
        print(f"\tGoal: {entry.goal_state.label}")


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    add_node_arguments(parser)
    parser.add_argument("node_name", help="full name of the node")
    parser.add_argument("-a", "--all", action="store_true", help="all transitions, not only those possible now")
    parser.add_argument("--include-hidden-nodes", action="store_true", help="accepted; a named node is always found")


def _list(args: argparse.Namespace) -> int:
    with open_node(args) as node:
        name = _found(node, args.node_name)
        if name is None:
            return fail("Node not found")
        _print_transitions(node, name, "get_transition_graph" if args.all else "get_available_transitions")
    return 0


def _set_arguments(parser: argparse.ArgumentParser) -> None:
    add_node_arguments(parser)
    parser.add_argument("node_name", help="full name of the node")
    parser.add_argument("transition", help="label or id of the transition")
    parser.add_argument("--include-hidden-nodes", action="store_true", help="accepted; a named node is always found")


def _set(args: argparse.Namespace) -> int:
    with open_node(args) as node:
        name = _found(node, args.node_name)
        if name is None:
            return fail("Node not found")
        available = [entry.transition for entry in _transitions(node, name)]
        wanted = [t for t in available if args.transition in (t.label, str(t.id))]
        if not wanted:
            lines = [f"- {t.label} [{t.id}]" for t in available]
            return fail("\n".join(["Unknown transition requested, available ones are:", *lines]))
        request = ChangeState.Request()
        request.transition.id, request.transition.label = wanted[0].id, wanted[0].label
        if not _ask(node, name, ChangeState, "change_state", request).success:
            return fail("Transitioning failed")
    print("Transitioning successful")
    return 0


VERBS = {
    "get": Verb("Show the state of lifecycle nodes", _get_arguments, _get),
    "list": Verb("List the transitions that are possible now", _list_arguments, _list),
    "nodes": Verb("List lifecycle nodes", _nodes_arguments, _nodes),
    "set": Verb("Trigger a transition", _set_arguments, _set),
}
