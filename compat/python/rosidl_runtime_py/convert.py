"""Messages as ordered dictionaries, YAML and CSV."""

from __future__ import annotations

import sys
from array import array
from collections import OrderedDict
from typing import Any

import numpy as np
import yaml
from rosidl_parser.definition import (
    AbstractNestedType,
    AbstractSequence,
    AbstractString,
    AbstractWString,
    Array,
    BasicType,
    BoundedSequence,
    NamedType,
    NamespacedType,
)

_ARRAYS = (list, tuple, array, np.ndarray)


class _Dumper(yaml.SafeDumper):
    """Keeps the order of fields."""


_Dumper.add_representer(
    OrderedDict, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data.items()))


def get_message_slot_types(msg: Any) -> OrderedDict[str, Any]:
    """Return field name -> type, a `rosidl_parser` definition."""
    return OrderedDict(zip(msg.get_fields_and_field_types(), msg.SLOT_TYPES, strict=True))


def message_to_yaml(msg: Any, *, truncate_length: int | None = None, no_arr: bool = False, no_str: bool = False,
                    flow_style: bool = False) -> str:
    """Return the message as YAML.

    Args:
        msg: the message.
        truncate_length: cut strings and arrays after so many elements.
        no_arr: replace arrays by their type and length.
        no_str: replace strings by their length.
        flow_style: everything in one line.
    """
    fields = message_to_ordereddict(msg, truncate_length=truncate_length, no_arr=no_arr, no_str=no_str)
    return yaml.dump(fields, Dumper=_Dumper, allow_unicode=True, width=sys.maxsize, default_flow_style=flow_style)


def message_to_csv(msg: Any, *, truncate_length: int | None = None, no_arr: bool = False, no_str: bool = False) -> str:
    """Return all values of the message in one line, separated by commas."""
    def text(value: Any, kind: Any) -> str:
        if isinstance(value, _ARRAYS):
            if no_arr and kind is not None:
                return _abbreviated(value, kind)
            cut = truncate_length is not None and len(value) > truncate_length
            items = [text(v, None) for v in (value[:truncate_length] if cut else value)]
            return ",".join([*items, "..."] if cut else items)
        if isinstance(value, bytes):
            cut = truncate_length is not None and len(value) > truncate_length
            return repr(value[:truncate_length]) + "..." if cut else repr(value)
        if isinstance(value, str):
            if no_str:
                return f"<string length: <{len(value)}>>"
            cut = truncate_length is not None and len(value) > truncate_length
            return value[:truncate_length] + "..." if cut else value
        if hasattr(value, "SLOT_TYPES"):
            return ",".join(text(getattr(value, n), t) for n, t in get_message_slot_types(value).items())
        return str(value)

    return text(msg, None)


def message_to_ordereddict(msg: Any, *, truncate_length: int | None = None, no_arr: bool = False,
                           no_str: bool = False) -> OrderedDict[str, Any]:
    """Return the message's fields, in their order, as plain Python values."""
    options = {"truncate_length": truncate_length, "no_arr": no_arr, "no_str": no_str}
    kinds = get_message_slot_types(msg)
    return OrderedDict((n, _convert_value(getattr(msg, n), kind, **options)) for n, kind in kinds.items())


def _convert_value(value: Any, kind: Any = None, *, truncate_length: int | None = None, no_arr: bool = False,
                   no_str: bool = False) -> Any:
    """Return a value as plain Python; `kind` is its type in the message, if known."""
    options = {"truncate_length": truncate_length, "no_arr": no_arr, "no_str": no_str}
    if isinstance(value, bytes):
        cut = truncate_length is not None and len(value) > truncate_length
        return "".join(map(chr, value[:truncate_length] if cut else value)) + ("..." if cut else "")
    if isinstance(value, str):
        if no_str:
            return f"<string length: <{len(value)}>>"
        cut = truncate_length is not None and len(value) > truncate_length
        return value[:truncate_length] + "..." if cut else value
    if isinstance(value, _ARRAYS):
        if no_arr and kind is not None:
            return _abbreviated(value, kind)
        cut = truncate_length is not None and len(value) > truncate_length
        items = value[:truncate_length] if cut else value
        if isinstance(items, (array, np.ndarray)):
            plain = items.tolist()
        else:
            inner = kind.value_type if isinstance(kind, AbstractNestedType) else None
            plain = [_convert_value(v, inner, **options) for v in items]
        plain = [*plain, "..."] if cut else plain
        return tuple(plain) if isinstance(value, tuple) else plain
    if isinstance(value, dict):
        return type(value)((k, _convert_value(v, None, **options)) for k, v in value.items())
    if isinstance(value, np.generic):
        return value.item()
    if hasattr(value, "SLOT_TYPES"):
        return message_to_ordereddict(value, **options)
    return value


def _abbreviated(value: Any, kind: Any) -> str:
    name = _type_name(kind)
    if isinstance(kind, Array):
        return f"<array type: {name}[{kind.size}]>"
    if isinstance(kind, BoundedSequence):
        return f"<sequence type: {name}[{kind.maximum_size}], length: {len(value)}>"
    if isinstance(kind, AbstractSequence):
        return f"<sequence type: {name}, length: {len(value)}>"
    return f"<array type: {name}[{len(value)}]>"


def _type_name(kind: Any) -> str:
    if isinstance(kind, AbstractNestedType):
        return _type_name(kind.value_type)
    if isinstance(kind, NamespacedType):
        return "/".join(kind.namespaced_name())
    if isinstance(kind, BasicType):
        return kind.typename
    if isinstance(kind, (AbstractString, AbstractWString)):
        base = "wstring" if isinstance(kind, AbstractWString) else "string"
        return f"{base}<{kind.maximum_size}>" if kind.has_maximum_size() else base
    return kind.name if isinstance(kind, NamedType) else str(kind)
