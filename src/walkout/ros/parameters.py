"""ROS parameters from the frozen dataclasses that the algorithms are configured with: one specification, no copy."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any, TypeVar

from rcl_interfaces.msg import ParameterDescriptor
from rclpy.node import Node
from rclpy.parameter import Parameter

T = TypeVar("T")

_SCALARS = (bool, int, float, str)


class ParameterError(ValueError):
    """A parameter's value is refused; the text names node, parameter, value and what is allowed."""


def declare_dataclass(node: Node, cls: type[T], prefix: str = "") -> T:
    """Declare every scalar or scalar-tuple field of a dataclass as a read-only parameter and return the instance.

    A field that is a dataclass itself is declared likewise, with its name as one more prefix. The field's default is
    the parameter's default; ``metadata["description"]`` and ``["unit"]`` become the descriptor.

    Raises:
        ParameterError: the dataclass refuses the values.
    """
    values: dict[str, Any] = {}
    hints = typing.get_type_hints(cls)
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        default = _default(field)
        if dataclasses.is_dataclass(default):
            values[field.name] = declare_dataclass(node, type(default), f"{prefix}{field.name}.")
            continue
        if not _is_supported(hints[field.name], default):
            continue
        name = prefix + field.name
        values[field.name] = declare(node, name, default, _describe(field))
    try:
        return cls(**values)
    except ValueError as error:
        raise ParameterError(f"{node.get_fully_qualified_name()}: parameter {prefix}{error}") from error


def declare(node: Node, name: str, default: Any, description: str = "") -> Any:
    """Declare one read-only parameter and return its value in the type of its default; tuples come back as tuples."""
    value = list(default) if isinstance(default, tuple) else default
    descriptor = ParameterDescriptor(description=description, read_only=True)
    if isinstance(default, tuple) and not default:
        parameter = node.declare_parameter(name, Parameter.Type.STRING_ARRAY, descriptor)
        return tuple(parameter.value or ())
    if isinstance(default, float):
        # A YAML file that says 1 for a float is right for people; rclpy would refuse it.
        descriptor.dynamic_typing = True
    got = node.declare_parameter(name, value, descriptor).value
    if isinstance(default, float):
        if isinstance(got, bool) or not isinstance(got, (int, float)):
            raise ParameterError(f"{node.get_fully_qualified_name()}: parameter {name}: expected a number, got {got!r}")
        return float(got)
    return tuple(got) if isinstance(default, tuple) else got


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return None


def _is_supported(hint: Any, default: Any) -> bool:
    if isinstance(default, _SCALARS):
        return True
    is_union = isinstance(hint, types.UnionType)
    return isinstance(default, tuple) and not is_union and all(isinstance(item, _SCALARS) for item in default)


def _describe(field: dataclasses.Field[Any]) -> str:
    text, unit = field.metadata.get("description", ""), field.metadata.get("unit", "")
    return f"{text} [{unit}]" if unit else str(text)
