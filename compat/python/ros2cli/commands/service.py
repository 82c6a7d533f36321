"""``ros2 service``."""

from __future__ import annotations

import argparse
import time

from rosidl_runtime_py import set_message_fields
from rosidl_runtime_py.utilities import get_service

from ros2cli.errors import NotSupported
from ros2cli.graph import absolute, add_node_arguments, fail, open_node, service_types, spin_once, spin_until
from ros2cli.topic.pub import parse_values
from ros2cli.verbs import Verb, add_verbs, run_verb


def add_subparsers(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs."""
    add_verbs(parser, VERBS)


def main(args: argparse.Namespace) -> int:
    """Run the verb."""
    return run_verb(args, VERBS)


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    add_node_arguments(parser)
    parser.add_argument("-t", "--show-types", action="store_true", help="also show the types")
    parser.add_argument("-c", "--count-services", action="store_true", help="only show how many there are")
    parser.add_argument("--include-hidden-services", action="store_true", help="hidden services as well")


def _list(args: argparse.Namespace) -> int:
    with open_node(args) as node:
        services = service_types(node, args.include_hidden_services)
    if args.count_services:
        print(len(services))
        return 0
    for name, types in services.items():
        print(f"{name} [{', '.join(types)}]" if args.show_types else name)
    return 0


def _name_arguments(parser: argparse.ArgumentParser) -> None:
    add_node_arguments(parser)
    parser.add_argument("service_name", help="name of the service (e.g. '/add_two_ints')")


def _type(args: argparse.Namespace) -> int:
    with open_node(args) as node:
        types = service_types(node, True).get(absolute(node, args.service_name), [])
    for name in types:
        print(name)
    return 0 if types else 1


def _info(args: argparse.Namespace) -> int:
    with open_node(args) as node:
        name = absolute(node, args.service_name)
        types = service_types(node, True).get(name)
        if not types:
            return fail(f"Unknown service '{name}'")
        print(f"Type: {types[0] if len(types) == 1 else types}")
        print(f"Clients count: {node.count_clients(name)}")
        print(f"Services count: {node.count_services(name)}")
    return 0


def _find_arguments(parser: argparse.ArgumentParser) -> None:
    add_node_arguments(parser)
    parser.add_argument("service_type", help="name of the type (e.g. 'std_srvs/srv/Trigger')")
    parser.add_argument("-c", "--count-services", action="store_true", help="only show how many there are")
    parser.add_argument("--include-hidden-services", action="store_true", help="hidden services as well")


def _find(args: argparse.Namespace) -> int:
    with open_node(args) as node:
        found = [name for name, types in service_types(node, args.include_hidden_services).items()
                 if args.service_type in types]
    if args.count_services:
        print(len(found))
    else:
        for name in found:
            print(name)
    return 0


def _call_arguments(parser: argparse.ArgumentParser) -> None:
    add_node_arguments(parser)
    parser.add_argument("service_name", help="name of the service (e.g. '/add_two_ints')")
    parser.add_argument("service_type", help="type of the service (e.g. 'std_srvs/srv/Trigger')")
    parser.add_argument("values", nargs="?", default="{}", help="fields of the request in YAML")
    parser.add_argument("-r", "--rate", type=float, metavar="HZ", help="repeat the call at this rate")
    parser.add_argument("--timeout", type=float, metavar="SECONDS",
                        help="give up when there is no response after so long (default: wait for ever)")


def _call(args: argparse.Namespace) -> int:
    if args.rate is not None and args.rate <= 0:
        raise RuntimeError("rate must be greater than zero")
    try:
        kind = get_service(args.service_type)
    except (AttributeError, ModuleNotFoundError, ValueError):
        raise RuntimeError("The passed service type is invalid") from None
    values = parse_values(args.values)
    with open_node(args, discover=False) as node:
        request = kind.Request()
        try:
            setters = set_message_fields(request, values, expand_header_auto=True, expand_time_now=True)
        except (AttributeError, TypeError, ValueError) as error:
            return fail(f"Failed to populate field: {error}")
        client = node.create_client(kind, args.service_name)
        if not client.service_is_ready():
            print("waiting for service to become available...", flush=True)
            if not spin_until(node, client.service_is_ready, args.timeout):
                return fail(f"Service '{args.service_name}' did not become available within {args.timeout} s")
        while True:
            for put in setters:
                put(node.get_clock().now().to_msg())
            print(f"requester: making request: {request!r}\n", flush=True)
            begun = time.monotonic()
            future = client.call_async(request)
            if not spin_until(node, future.done, args.timeout):
                return fail(f"Service '{args.service_name}' did not respond within {args.timeout} s")
            print(f"response:\n{future.result()!r}\n", flush=True)
            if args.rate is None:
                return 0
            while time.monotonic() - begun < 1.0 / args.rate:
                spin_once(node, 0.05)


def _unsupported(verb: str) -> Verb:
    def refuse(_: argparse.Namespace) -> int:
        raise NotSupported(f"'ros2 service {verb}'")

    return Verb("Not supported by this stand-in", lambda p: p.add_argument("rest", nargs="*"), refuse)


VERBS = {
    "call": Verb("Call a service", _call_arguments, _call),
    "echo": _unsupported("echo"),
    "find": Verb("List services of a type", _find_arguments, _find),
    "info": Verb("Show type, clients and servers of a service", _name_arguments, _info),
    "list": Verb("List services", _list_arguments, _list),
    "type": Verb("Show the type of a service", _name_arguments, _type),
}
