"""``ros2 param``."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any

import rclpy.parameter
import yaml
from rcl_interfaces.msg import Parameter, ParameterDescriptor, ParameterType, ParameterValue
from rcl_interfaces.srv import DescribeParameters, GetParameters, GetParameterTypes, ListParameters, SetParameters
from rclpy.node import Node
from rclpy.parameter import get_parameter_value, parameter_value_to_python

from ros2cli.graph import add_node_arguments, call, fail, find_node, node_names, open_node, service_types
from ros2cli.verbs import Verb, add_verbs, run_verb

_TYPE_NAMES = {
    ParameterType.PARAMETER_BOOL: "boolean",
    ParameterType.PARAMETER_INTEGER: "integer",
    ParameterType.PARAMETER_DOUBLE: "double",
    ParameterType.PARAMETER_STRING: "string",
    ParameterType.PARAMETER_BYTE_ARRAY: "byte array",
    ParameterType.PARAMETER_BOOL_ARRAY: "boolean array",
    ParameterType.PARAMETER_INTEGER_ARRAY: "integer array",
    ParameterType.PARAMETER_DOUBLE_ARRAY: "double array",
    ParameterType.PARAMETER_STRING_ARRAY: "string array",
    ParameterType.PARAMETER_NOT_SET: "not set",
}
_LABELS = {
    ParameterType.PARAMETER_BOOL: "Boolean value is:",
    ParameterType.PARAMETER_INTEGER: "Integer value is:",
    ParameterType.PARAMETER_DOUBLE: "Double value is:",
    ParameterType.PARAMETER_STRING: "String value is:",
    ParameterType.PARAMETER_BYTE_ARRAY: "Byte values are:",
    ParameterType.PARAMETER_BOOL_ARRAY: "Boolean values are:",
    ParameterType.PARAMETER_INTEGER_ARRAY: "Integer values are:",
    ParameterType.PARAMETER_DOUBLE_ARRAY: "Double values are:",
    ParameterType.PARAMETER_STRING_ARRAY: "String values are:",
}


def add_subparsers(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs."""
    add_verbs(parser, VERBS)


def main(args: argparse.Namespace) -> int:
    """Run the verb."""
    return run_verb(args, VERBS)


def _common(parser: argparse.ArgumentParser, *positional: tuple[str, str]) -> None:
    add_node_arguments(parser)
    parser.add_argument("node_name", help="full name of the node")
    for name, text in positional:
        parser.add_argument(name, help=text)
    parser.add_argument("--include-hidden-nodes", action="store_true", help="accepted; a named node is always found")
    parser.add_argument("--timeout", type=float, default=5.0, metavar="SECONDS",
                        help="how long to wait for the node (default: 5)")


class _Remote:
    """The parameter services of another node; RuntimeError when they do not answer."""

    def __init__(self, node: Node, full_name: str, timeout_s: float) -> None:
        self._node = node
        self._name = full_name
        self._timeout_s = timeout_s

    def _ask(self, kind: Any, service: str, request: Any) -> Any:
        response = call(self._node, kind, f"{self._name}/{service}", request, self._timeout_s)
        if response is None:
            raise RuntimeError(f"Node '{self._name}' does not answer on its parameter services")
        return response

    def names(self, prefixes: list[str]) -> list[str]:
        response = self._ask(ListParameters, "list_parameters", ListParameters.Request(prefixes=prefixes))
        return sorted(response.result.names)

    def values(self, names: list[str]) -> list[ParameterValue]:
        return self._ask(GetParameters, "get_parameters", GetParameters.Request(names=names)).values

    def types(self, names: list[str]) -> list[int]:
        return self._ask(GetParameterTypes, "get_parameter_types", GetParameterTypes.Request(names=names)).types

    def describe(self, names: list[str]) -> list[ParameterDescriptor]:
        request = DescribeParameters.Request(names=names)
        return self._ask(DescribeParameters, "describe_parameters", request).descriptors

    def set(self, parameters: list[Parameter]) -> list[Any]:
        return self._ask(SetParameters, "set_parameters", SetParameters.Request(parameters=parameters)).results


def _with_node(args: argparse.Namespace, body: Any) -> int:
    with open_node(args, discover=False) as node:
        found = find_node(node, args.node_name, args.timeout)
        if found is None:
            return fail("Node not found")
        return int(body(_Remote(node, found.full_name, args.timeout), found.full_name) or 0)


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    add_node_arguments(parser)
    parser.add_argument("node_name", nargs="?", help="full name of the node (default: all nodes)")
    parser.add_argument("--include-hidden-nodes", action="store_true", help="hidden nodes as well")
    parser.add_argument("--param-prefixes", nargs="+", default=[], metavar="PREFIX",
                        help="only parameters that begin so")
    parser.add_argument("--param-type", action="store_true", help="also show the types")
    parser.add_argument("--filter", metavar="REGEX", help="only parameters whose name matches")
    parser.add_argument("--timeout", type=float, default=5.0, metavar="SECONDS",
                        help="how long to wait for each node (default: 5)")


def _list(args: argparse.Namespace) -> int:
    if args.node_name:
        return _with_node(args, lambda remote, _: _print_names(remote, args))
    with open_node(args) as node:
        for entry in node_names(node, args.include_hidden_nodes):
            if f"{entry.full_name}/list_parameters" not in service_types(node, True):
                continue
            print(f"{entry.full_name}:")
            try:
                _print_names(_Remote(node, entry.full_name, args.timeout), args)
            except RuntimeError as error:
                print(error, file=sys.stderr)
    return 0


def _print_names(remote: _Remote, args: argparse.Namespace) -> None:
    names = [n for n in remote.names(args.param_prefixes) if args.filter is None or re.search(args.filter, n)]
    kinds = remote.types(names) if args.param_type and names else []
    for index, name in enumerate(names):
        print(f"  {name} (type: {_TYPE_NAMES[kinds[index]]})" if kinds else f"  {name}")


def _get_arguments(parser: argparse.ArgumentParser) -> None:
    _common(parser, ("parameter_name", "name of the parameter"))
    parser.add_argument("--hide-type", action="store_true", help="print the value only")


def _get(args: argparse.Namespace) -> int:
    def body(remote: _Remote, _: str) -> int:
        values = remote.values([args.parameter_name])
        if not values or values[0].type == ParameterType.PARAMETER_NOT_SET:
            return fail("Parameter not set.")
        value = parameter_value_to_python(values[0])
        print(value if args.hide_type else f"{_LABELS[values[0].type]} {value}")
        return 0

    return _with_node(args, body)


def _set_arguments(parser: argparse.ArgumentParser) -> None:
    _common(parser, ("parameter_name", "name of the parameter"), ("value", "new value in YAML"))


def _set(args: argparse.Namespace) -> int:
    def body(remote: _Remote, _: str) -> int:
        parameter = Parameter(name=args.parameter_name, value=get_parameter_value(args.value))
        result = remote.set([parameter])[0]
        if result.successful:
            print("Set parameter successful" + (f": {result.reason}" if result.reason else ""))
            return 0
        return fail("Setting parameter failed" + (f": {result.reason}" if result.reason else ""))

    return _with_node(args, body)


def _delete_arguments(parser: argparse.ArgumentParser) -> None:
    _common(parser, ("parameter_name", "name of the parameter"))


def _delete(args: argparse.Namespace) -> int:
    def body(remote: _Remote, _: str) -> int:
        empty = ParameterValue(type=ParameterType.PARAMETER_NOT_SET)
        result = remote.set([Parameter(name=args.parameter_name, value=empty)])[0]
        if result.successful:
            print("Deleted parameter successfully")
            return 0
        return fail("Deleting parameter failed" + (f": {result.reason}" if result.reason else ""))

    return _with_node(args, body)


def _describe_arguments(parser: argparse.ArgumentParser) -> None:
    add_node_arguments(parser)
    parser.add_argument("node_name", help="full name of the node")
    parser.add_argument("parameter_names", nargs="+", help="names of the parameters")
    parser.add_argument("--timeout", type=float, default=5.0, metavar="SECONDS", help="how long to wait (default: 5)")


def _describe(args: argparse.Namespace) -> int:
    def body(remote: _Remote, _: str) -> int:
        for descriptor in remote.describe(args.parameter_names):
            print("\n".join(_description(descriptor)))
        return 0

    return _with_node(args, body)


def _description(descriptor: ParameterDescriptor) -> list[str]:
    lines = [f"Parameter name: {descriptor.name}", f"  Type: {_TYPE_NAMES[descriptor.type]}"]
    if descriptor.description:
        lines.append(f"  Description: {descriptor.description}")
    lines.append("  Constraints:")
    if descriptor.read_only:
        lines.append("    Read only: true")
    for bounds in [*descriptor.integer_range, *descriptor.floating_point_range]:
        lines += [f"    Min value: {bounds.from_value}", f"    Max value: {bounds.to_value}"]
        lines += [f"    Step: {bounds.step}"] if bounds.step else []
    if descriptor.additional_constraints:
        lines.append(f"    Additional constraints: {descriptor.additional_constraints}")
    return lines


def _dump_arguments(parser: argparse.ArgumentParser) -> None:
    _common(parser)
    parser.add_argument("--output-dir", metavar="DIR", help="write to a file in this folder instead of printing")


def _dump(args: argparse.Namespace) -> int:
    def body(remote: _Remote, full_name: str) -> int:
        names = remote.names([])
        values: dict[str, Any] = {}
        for name, value in zip(names, remote.values(names) if names else [], strict=True):
            if value.type != ParameterType.PARAMETER_NOT_SET:
                _put(values, name, parameter_value_to_python(value))
        text = yaml.safe_dump({full_name: {"ros__parameters": values}}, default_flow_style=False, allow_unicode=True)
        if args.output_dir is None:
            print(text)
            return 0
        path = Path(args.output_dir, full_name.lstrip("/").replace("/", "__") + ".yaml")
        path.write_text(text)
        print(f"Saving to:  {path}")
        return 0

    return _with_node(args, body)


def _put(values: dict[str, Any], name: str, value: Any) -> None:
    """Put a dotted name into nested dictionaries; where a parent is itself a value, the name stays dotted."""
    if isinstance(value, tuple) or hasattr(value, "tolist"):
        value = list(value)
    *parents, last = name.split(".")
    place = values
    for index, parent in enumerate(parents):
        inner = place.setdefault(parent, {})
        if not isinstance(inner, dict):
            place[".".join([*parents[index:], last])] = value
            return
        place = inner
    place[last] = value


def _load_arguments(parser: argparse.ArgumentParser) -> None:
    _common(parser, ("parameter_file", "YAML file with parameters"))
    parser.add_argument("--no-use-wildcard", action="store_true", help="ignore entries for '/**'")


def _load(args: argparse.Namespace) -> int:
    path = Path(args.parameter_file)

    def body(remote: _Remote, full_name: str) -> int:
        try:
            document = yaml.safe_load(path.read_text())
        except OSError as error:
            raise RuntimeError(f"{path}: cannot be read: {error.strerror}") from None
        except yaml.YAMLError as error:
            raise RuntimeError(f"{path}: not YAML: {error}") from None
        values = _values_for(document, full_name, not args.no_use_wildcard, path)
        try:
            parameters = [rclpy.parameter.Parameter(n, value=v).to_parameter_msg() for n, v in values.items()]
        except (TypeError, ValueError) as error:
            raise RuntimeError(f"{path}: not a parameter value: {error}") from None
        for parameter, result in zip(parameters, remote.set(parameters), strict=True):
            reason = f": {result.reason}" if result.reason else ""
            if result.successful:
                print(f"Set parameter {parameter.name} successful{reason}")
            else:
                print(f"Set parameter {parameter.name} failed{reason}", file=sys.stderr)
        # As upstream: a file that `dump` wrote has read-only parameters, too, and loading it is no failure.
        return 0

    return _with_node(args, body)


def _values_for(document: Any, full_name: str, use_wildcard: bool, path: Path) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise RuntimeError(f"{path}: not a parameter file: the top level must be a mapping of node names")
    found: dict[str, Any] = {}
    keys = (["/**"] if use_wildcard else []) + [full_name.lstrip("/"), full_name]
    for key in keys:
        entry = document.get(key)
        if isinstance(entry, dict) and isinstance(entry.get("ros__parameters"), dict):
            _flatten(entry["ros__parameters"], "", found)
    if not found:
        raise RuntimeError("Param file does not contain selected parameters")
    return found


def _flatten(values: dict[str, Any], prefix: str, into: dict[str, Any]) -> None:
    for name, value in values.items():
        if isinstance(value, dict):
            _flatten(value, f"{prefix}{name}.", into)
        else:
            into[f"{prefix}{name}"] = value


VERBS = {
    "delete": Verb("Delete a parameter", _delete_arguments, _delete),
    "describe": Verb("Show type, description and limits of parameters", _describe_arguments, _describe),
    "dump": Verb("Print all parameters of a node as a parameter file", _dump_arguments, _dump),
    "get": Verb("Print a parameter", _get_arguments, _get),
    "list": Verb("List parameters", _list_arguments, _list),
    "load": Verb("Set the parameters of a file", _load_arguments, _load),
    "set": Verb("Set a parameter", _set_arguments, _set),
}
