"""``ros2 interface``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from rosidl_runtime_py import (
    get_action_interfaces,
    get_interface_packages,
    get_interface_path,
    get_interfaces,
    get_message_interfaces,
    get_service_interfaces,
    message_to_yaml,
)
from rosidl_runtime_py.utilities import get_interface, is_action, is_service

from ros2cli.verbs import Verb, add_verbs, run_verb

_PRIMITIVES = frozenset([
    "bool", "byte", "char", "float32", "float64", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64",
    "uint64", "string", "wstring"])


def add_subparsers(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs."""
    add_verbs(parser, VERBS)


def main(args: argparse.Namespace) -> int:
    """Run the verb."""
    return run_verb(args, VERBS)


def _show_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("type", help="the interface (e.g. 'std_msgs/msg/String'), or '-' to read it from stdin")
    comments = parser.add_mutually_exclusive_group()
    comments.add_argument("--all-comments", action="store_true", help="also the comments of nested types")
    comments.add_argument("--no-comments", action="store_true", help="no comments and no empty lines")


def _show(args: argparse.Namespace) -> int:
    name = sys.stdin.readline().strip() if args.type == "-" else args.type
    comments = "all" if args.all_comments else "none" if args.no_comments else "own"
    for line in _rendered(name, comments, 0):
        print(line)
    return 0


def _rendered(name: str, comments: str, depth: int) -> Iterator[str]:
    """Yield the lines of a definition, each type that it uses unfolded below, one tab deeper."""
    try:
        path = Path(get_interface_path(name))
    except (LookupError, ValueError) as error:
        raise RuntimeError(str(error)) from None
    keep = comments == "all" or (comments == "own" and depth == 0)
    for line in path.read_text().splitlines():
        code = line.split("#", 1)[0].rstrip()
        shown = line.rstrip() if keep else code
        if not shown and not keep:
            continue
        yield "\t" * depth + shown
        nested = _nested_type(code, name)
        if nested is not None:
            yield from _rendered(nested, comments, depth + 1)


def _nested_type(code: str, owner: str) -> str | None:
    words = code.split()
    if len(words) < 2 or words[0] == "---":
        return None
    base = words[0].split("[", 1)[0].split("<", 1)[0]
    if base in _PRIMITIVES:
        return None
    parts = base.split("/")
    return f"{parts[0] if len(parts) > 1 else owner.split('/')[0]}/msg/{parts[-1]}"


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    for letter, name in (("m", "msgs"), ("s", "srvs"), ("a", "actions")):
        parser.add_argument(f"-{letter}", f"--only-{name}", action="store_true", help=f"only {name}")


def _list(args: argparse.Namespace) -> int:
    everything = not (args.only_msgs or args.only_srvs or args.only_actions)
    for title, wanted, getter in (("Messages", args.only_msgs, get_message_interfaces),
                                  ("Services", args.only_srvs, get_service_interfaces),
                                  ("Actions", args.only_actions, get_action_interfaces)):
        if wanted or everything:
            print(f"{title}:")
            for package, names in sorted(getter().items()):
                for name in names:
                    print(f"    {package}/{name}")
    return 0


def _package_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("package_name", help="name of the package (e.g. 'std_msgs')")
    _list_arguments(parser)


def _package(args: argparse.Namespace) -> int:
    everything = not (args.only_msgs or args.only_srvs or args.only_actions)
    wanted = {"msg": args.only_msgs, "srv": args.only_srvs, "action": args.only_actions}
    try:
        names = get_interfaces([args.package_name]).get(args.package_name, [])
    except LookupError as error:
        raise RuntimeError(error.args[0]) from None
    for name in names:
        if everything or wanted[name.split("/")[0]]:
            print(f"{args.package_name}/{name}")
    return 0


def _packages(args: argparse.Namespace) -> int:
    everything = not (args.only_msgs or args.only_srvs or args.only_actions)
    names = set(get_interface_packages()) if everything else set()
    for wanted, getter in ((args.only_msgs, get_message_interfaces), (args.only_srvs, get_service_interfaces),
                           (args.only_actions, get_action_interfaces)):
        names |= {package for package, found in getter().items() if found} if wanted else set()
    for name in sorted(names):
        print(name)
    return 0


def _proto_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("type", help="the interface (e.g. 'std_msgs/msg/String')")
    parser.add_argument("--no-quotes", action="store_true", help="without the quotes around it")


def _proto(args: argparse.Namespace) -> int:
    try:
        interface = get_interface(args.type)
    except (AttributeError, ModuleNotFoundError, ValueError):
        raise RuntimeError(f"Unknown interface '{args.type}'") from None
    if is_service(interface):
        interface = interface.Request
    elif is_action(interface):
        interface = interface.Goal
    text = message_to_yaml(interface())
    print(text if args.no_quotes else f'"{text}"')
    return 0


VERBS = {
    "list": Verb("List all interfaces", _list_arguments, _list),
    "package": Verb("List the interfaces of a package", _package_arguments, _package),
    "packages": Verb("List packages with interfaces", _list_arguments, _packages),
    "proto": Verb("Print an interface's default values in YAML", _proto_arguments, _proto),
    "show": Verb("Print the definition of an interface", _show_arguments, _show),
}
