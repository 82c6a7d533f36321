"""ROS parameters from one specification: a frozen dataclass per node, in which those of the algorithms nest.

It gives the declarations with descriptors and ranges, the check of files and of changes at run time, the file of
defaults (config/parameters.yaml) and the tables of docs/parameters.md.
"""

from __future__ import annotations

import difflib
import itertools
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml
from ament_index_python.packages import get_package_share_directory
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

from walkout.settings import Setting, SettingError, Value, build, setting, settings_of

T = TypeVar("T")

DEFAULTS_FILE = "parameters.yaml"
_OF_ROS = {"use_sim_time", "start_type_description_service"}
_ROS_PREFIX = "qos_overrides."


ALL = "all"
"""In a list of ids: all of them."""


@dataclass(frozen=True)
class StoreParameters:
    """What nearly every node is told: the store it works for."""

    store: str = setting("corner", "name of a store in config/stores, or the folder of one")


class ParameterError(ValueError):
    """A parameter is refused; the text names node, parameter, value and what is allowed."""


class NodeParameters(Generic[T]):
    """The parameters of a node, declared to ROS as its dataclass ``cls`` says; ``value`` is the valid instance.

    Changes at run time are taken all or none, and refused with the reason; then ``on_change`` gets the new instance.
    """

    def __init__(self, node: Node, cls: type[T], kind: str = "", on_change: Callable[[T], None] | None = None) -> None:
        """Declare everything.

        Args:
            node: the node.
            cls: its specification.
            kind: name of the file section that is meant for all nodes of this kind (camera_driver for
                camera_driver_c1, ...); a section with the node's own name wins over it.
            on_change: called after a change at run time.

        Raises:
            ParameterError: a value is of the wrong type or not allowed, or a file names an unknown parameter.
        """
        self._name = node.get_name()
        self._cls = cls
        self._on_change = on_change
        self._settings = {item.name: item for item in settings_of(cls)}
        given = _given(node, kind)
        try:
            self._check_names(given)
            self._values: dict[str, Value] = {
                item.name: item.check(given[item.name]) if item.name in given else item.default
                for item in self._settings.values()
            }
            self.value: T = build(cls, self._values)
        except SettingError as error:
            raise ParameterError(f"{self._name}: parameter {error}") from error
        for item in self._settings.values():
            value = self._values[item.name]
            plain = list(value) if isinstance(value, tuple) else value
            node.declare_parameter(item.name, plain, _descriptor(item), ignore_override=True)
        node.add_pre_set_parameters_callback(self._to_types)
        node.add_on_set_parameters_callback(self._check)
        node.add_post_set_parameters_callback(self._apply)

    def _check_names(self, given: Iterable[str]) -> None:
        for name in given:
            if name in self._settings or name in _OF_ROS or name.startswith(_ROS_PREFIX):
                continue
            origins = [section for section in _sections(_files()) if name in section.values]
            shared = bool(origins) and all("*" in section.pattern for section in origins)
            if shared and name in known_names():
                continue  # meant for other nodes
            near = difflib.get_close_matches(name, self._settings, 1)
            hint = f"did you mean {near[0]}?" if near else "see docs/parameters.md"
            where = f" (in {origins[0].file})" if origins else ""
            raise ParameterError(f"{self._name}: unknown parameter {name}{where}; {hint}")

    def _to_types(self, changes: list[Parameter]) -> list[Parameter]:
        """Take a whole number for a number with a fraction."""
        return [
            Parameter(change.name, Parameter.Type.DOUBLE, float(change.value))
            if change.type_ == Parameter.Type.INTEGER and self._is_float(change.name)
            else change
            for change in changes
        ]

    def _is_float(self, name: str) -> bool:
        item = self._settings.get(name)
        return item is not None and item.kind is float and not item.is_list

    def _changed(self, changes: list[Parameter]) -> tuple[dict[str, Value], T]:
        values = dict(self._values)
        for change in changes:
            if change.name in self._settings:
                values[change.name] = self._settings[change.name].check(change.value)
        return values, build(self._cls, values)

    def _check(self, changes: list[Parameter]) -> SetParametersResult:
        try:
            self._changed(changes)
        except SettingError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _apply(self, changes: list[Parameter]) -> None:
        values, new = self._changed(changes)
        if values != self._values:
            self._values, self.value = values, new
            if self._on_change is not None:
                self._on_change(new)


def known_names() -> set[str]:
    """Return the parameters of all nodes, from the file of defaults."""
    path = Path(get_package_share_directory("walkout"), "config", DEFAULTS_FILE)
    return {name for section in _sections([path]) for name in section.values}


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Reads parameter files as rcl does: without regard to tags, with which launch_ros marks tuples."""


def _untagged(loader: Any, _tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    return loader.construct_scalar(node)


_Loader.add_multi_constructor("", _untagged)


class _Section:
    """A node's part of a parameter file: values by dotted name."""

    def __init__(self, file: Path, pattern: str, values: Mapping[str, Any]) -> None:
        self.file = file
        self.pattern = pattern
        self.values = dict(_flat(values))

    def is_of(self, name: str) -> bool:
        return self.pattern.strip("/").rsplit("/", 1)[-1] == name


def _files() -> list[Path]:
    arguments = sys.argv
    return [Path(after) for flag, after in itertools.pairwise(arguments) if flag == "--params-file"]


def _sections(files: Iterable[Path]) -> Iterator[_Section]:
    for file in files:
        document = yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)
        for pattern, body in (document or {}).items():
            # A section may be nested by name space; ros__parameters is always the last level before the values.
            while isinstance(body, dict) and "ros__parameters" not in body and len(body) == 1:
                ((part, body),) = body.items()
                pattern = f"{pattern}/{part}"
            if isinstance(body, dict) and isinstance(body.get("ros__parameters"), dict):
                yield _Section(file, str(pattern), body["ros__parameters"])


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _given(node: Node, kind: str) -> dict[str, Any]:
    """Return what files and the command line say for the node, by name; its own section wins over its kind's."""
    # rclpy has no public way to ask what was given: it is needed to notice what nobody declares.
    given = {name: parameter.value for name, parameter in node._parameter_overrides.items()}
    if kind and kind != node.get_name():
        sections = list(_sections(_files()))
        own = {name for section in sections if section.is_of(node.get_name()) for name in section.values}
        for section in sections:
            if section.is_of(kind):
                given |= {name: value for name, value in section.values.items() if name not in own}
    return given


def _descriptor(item: Setting) -> ParameterDescriptor:
    text = f"{item.description} [{item.unit}]" if item.unit else item.description
    descriptor = ParameterDescriptor(description=text, read_only=not item.writable)
    if item.choices:
        descriptor.additional_constraints = f"one of {', '.join(item.choices)}"
    if item.range is not None and not item.is_list:
        low, high = item.range
        if item.kind is int:
            descriptor.integer_range = [IntegerRange(from_value=int(low), to_value=int(high), step=1)]
        else:
            descriptor.floating_point_range = [FloatingPointRange(from_value=float(low), to_value=float(high))]
    return descriptor
