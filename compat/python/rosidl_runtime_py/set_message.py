"""Filling messages from plain values, as typed on a command line."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

import numpy as np
from rosidl_parser.definition import AbstractNestedType, Array, NamespacedType

from rosidl_runtime_py.convert import get_message_slot_types
from rosidl_runtime_py.import_message import import_message_from_namespaced_type

_HEADER = "std_msgs/msg/Header"
_TIME = "builtin_interfaces/msg/Time"


def set_message_fields(msg: Any, values: dict[str, Any], expand_header_auto: bool = False,
                       expand_time_now: bool = False) -> list[Callable[[Any], None]]:
    """Set the fields named in `values`; nested messages are nested dictionaries.

    Args:
        msg: the message to fill.
        values: field -> value.
        expand_header_auto: a Header given as ``auto`` is stamped when the message is sent.
        expand_time_now: a Time given as ``now`` is set when the message is sent.

    Returns:
        Functions that take a Time message and put it where ``auto`` and ``now`` stood.

    Raises AttributeError for an unknown field, TypeError or ValueError for a value that does not fit.
    """
    if not hasattr(values, "items"):
        raise TypeError(f"Value '{values}' is expected to be a dictionary but is a {type(values).__name__}")
    kinds = get_message_slot_types(msg)
    setters: list[Callable[[Any], None]] = []
    for name, value in values.items():
        if name not in kinds:
            raise AttributeError(f"'{type(msg).__name__}' object has no attribute '{name}'")
        current, kind = getattr(msg, name), kinds[name]
        if expand_header_auto and value == "auto" and _is(kind, _HEADER):
            setters.append(lambda stamp, header=current: setattr(header, "stamp", stamp))
        elif expand_time_now and value == "now" and _is(kind, _TIME):
            setters.append(lambda stamp, field=name: setattr(msg, field, stamp))
        else:
            new = _converted(value, current, kind, name, setters, (expand_header_auto, expand_time_now))
            _assign(msg, name, new)
    return setters


def _is(kind: Any, full_name: str) -> bool:
    return isinstance(kind, NamespacedType) and "/".join(kind.namespaced_name()) == full_name


def _converted(value: Any, current: Any, kind: Any, name: str, setters: list, expand: tuple[bool, bool]) -> Any:
    if isinstance(kind, AbstractNestedType) and isinstance(kind.value_type, NamespacedType):
        if not isinstance(value, (list, tuple)):
            raise TypeError(f"Value '{value}' of field '{name}' is expected to be a list")
        if isinstance(kind, Array) and len(value) != kind.size:
            raise ValueError(f"Field '{name}' takes {kind.size} elements, not {len(value)}")
        element = import_message_from_namespaced_type(kind.value_type)
        return [_message(v, element(), setters, expand) for v in value]
    if hasattr(current, "SLOT_TYPES"):
        return _message(value, current, setters, expand)
    sequences = (list, tuple, bytes, bytearray, array, np.ndarray)
    if isinstance(kind, AbstractNestedType) and not isinstance(value, sequences):
        raise TypeError(f"Value '{value}' of field '{name}' is expected to be a list")
    try:
        return _basic(value, current, kind)
    except (TypeError, ValueError, OverflowError) as error:
        raise type(error)(f"Value '{value}' does not fit the field '{name}': {error}") from None


def _message(value: Any, target: Any, setters: list, expand: tuple[bool, bool]) -> Any:
    if isinstance(value, type(target)):
        return value
    setters.extend(set_message_fields(target, value, *expand))
    return target


def _basic(value: Any, current: Any, kind: Any) -> Any:
    if isinstance(current, array):
        return array(current.typecode, value)
    if isinstance(current, np.ndarray):
        new = np.array(value, dtype=current.dtype)
        if new.shape != current.shape:
            raise ValueError(f"expected {current.size} elements, got {new.size}")
        return new
    if isinstance(current, bytes):
        return _byte(value)
    if isinstance(kind, AbstractNestedType):
        typename = getattr(kind.value_type, "typename", "")
        convert = {"octet": _byte, "boolean": bool}.get(typename, lambda v: v)
        return [convert(v) for v in value]
    if isinstance(current, bool) and isinstance(value, str):
        raise ValueError("expected true or false")
    if isinstance(current, int) and not isinstance(current, bool) and isinstance(value, float) and value != int(value):
        raise ValueError("expected a whole number")
    if value is None:
        return type(current)()
    return type(current)(value)


def _byte(value: Any) -> bytes:
    if isinstance(value, int):
        return bytes([value])
    if isinstance(value, str):
        return value.encode("latin-1")
    return bytes(value)


def _assign(msg: Any, name: str, value: Any) -> None:
    """Set a field with the generated checks on: an unchecked wrong value would crash in serialisation."""
    before = getattr(msg, "_check_fields", None)
    try:
        if before is not None:
            msg._check_fields = True
        setattr(msg, name, value)
    except AssertionError as error:
        raise ValueError(str(error) or f"invalid value for field '{name}'") from None
    finally:
        if before is not None:
            msg._check_fields = before
