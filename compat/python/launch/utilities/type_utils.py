"""Values of type int, float, bool or str, or lists of one of them, that may be given as texts or substitutions.

Texts are typed by the rules of YAML. In this module `data_type` is one of the four scalar types, ``List[scalar]``, or
None for whatever fits; ``can_be_str`` also allows texts that are of no such type.
"""

from __future__ import annotations

import typing
from collections.abc import Iterable
from typing import Any, List  # noqa: UP035 (List is part of the interface)

import yaml

from ..substitution import Substitution
from .normalize_to_list_of_substitutions_impl import normalize_to_list_of_substitutions
from .perform_substitutions_impl import perform_substitutions

ScalarTypesTuple = (int, float, bool, str)
ScalarTypesType = int | float | bool | str
ScalarValueType = ScalarTypesType
ListValueType = list[int] | list[float] | list[bool] | list[str]
AllowedTypesTuple = (*ScalarTypesTuple, List[int], List[float], List[bool], List[str])  # noqa: UP006
AllowedTypesType = Any
AllowedValueType = ScalarValueType | ListValueType
SomeValueType = Any
NormalizedValueType = Any


def is_typing_list(data_type: Any) -> bool:
    """Return whether `data_type` is typing.List, bare or with an element type."""
    return data_type is List or (typing.get_origin(data_type) is list and not isinstance(data_type, type))  # noqa: UP006


def is_valid_scalar_type(data_type: Any) -> bool:
    """Return whether `data_type` is one of the scalar types."""
    return data_type in ScalarTypesTuple


def extract_type(data_type: Any) -> tuple[type, bool]:
    """Return (scalar type, whether it is a list of it); ValueError if `data_type` is not allowed."""
    is_list = is_typing_list(data_type)
    scalar = (typing.get_args(data_type) or (None,))[0] if is_list else data_type
    if not is_valid_scalar_type(scalar):
        raise ValueError(f"unrecognized data type: {data_type}")
    return scalar, is_list


def is_instance_of_valid_type(value: Any, *, can_be_str: bool = False) -> bool:
    """Return whether `value` is a scalar or a list of one scalar type."""
    return is_instance_of(value, None, can_be_str=can_be_str)


def is_instance_of(value: Any, data_type: Any, *, can_be_str: bool = False) -> bool:
    """Return whether `value` is exactly of `data_type` (a bool is no int)."""
    if data_type is not None:
        scalar, is_list = extract_type(data_type)
        allowed = {scalar, str} if can_be_str else {scalar}
        if is_list:
            return isinstance(value, list) and all(type(item) in allowed for item in value)
        return type(value) in allowed
    if not isinstance(value, list):
        return is_valid_scalar_type(type(value))
    types = {type(item) for item in value} - ({str} if can_be_str else set())
    return len(types) <= 1 and all(is_valid_scalar_type(t) for t in types)


def coerce_to_type(value: str, data_type: Any = None, *, can_be_str: bool = False) -> AllowedValueType:
    """Return the text `value` as a value of `data_type`; ValueError if it is none."""
    if not isinstance(value, str):
        raise TypeError(f"expected a text to convert, got '{value}' of type {type(value)}")
    if data_type is str:
        return value
    try:
        loaded = "" if value == "" else yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ValueError(f"cannot convert '{value}': not valid YAML ({_brief(error)})") from None
    if data_type is None:
        if is_instance_of_valid_type(loaded, can_be_str=can_be_str):
            return loaded
        raise ValueError(f"cannot convert '{value}': it is neither a scalar nor a list of one scalar type")
    scalar, is_list = extract_type(data_type)
    if is_list:
        if not isinstance(loaded, list):
            raise ValueError(f"cannot convert '{value}' to {data_type}: not a list")
        return [_convert(item, scalar, can_be_str) for item in loaded]
    return _convert(loaded, scalar, can_be_str, text=value)


def _convert(item: Any, scalar: type, can_be_str: bool, text: str | None = None) -> ScalarValueType:
    """Return the loaded `item` as a `scalar`; with `can_be_str`, the text itself if it is none."""
    if type(item) is scalar:
        return item
    # Only for a single text: in a list of numbers, mixed types are a mistake.
    if scalar is float and type(item) is int and text is not None:
        return float(item)
    if scalar is bool and text is not None and text.strip() in ("0", "1"):
        return text.strip() == "1"
    if can_be_str and isinstance(item, str):
        return item if text is None else text
    raise ValueError(f"cannot convert '{item if text is None else text}' to {scalar.__name__}")


def _brief(error: yaml.YAMLError) -> str:
    return str(getattr(error, "problem", None) or error).splitlines()[0]


def coerce_list(value: list[str], data_type: Any = None, *, can_be_str: bool = False) -> ListValueType:
    """Return the list of texts as a list of `data_type` scalars; ValueError if they are not of one type."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise TypeError(f"expected a list of texts, got '{value}'")
    if data_type is None:
        converted = [coerce_to_type(item) for item in value]
        if not is_instance_of_valid_type(converted, can_be_str=can_be_str):
            raise ValueError(f"cannot convert {value}: its items are not of one type")
        return converted
    return [coerce_to_type(item, data_type, can_be_str=can_be_str) for item in value]


def get_typed_value(value: str | list[str], data_type: Any = None, *, can_be_str: bool = False) -> AllowedValueType:
    """Return a text or list of texts as a value of `data_type`."""
    if isinstance(value, list):
        if data_type is None:
            return coerce_list(value, can_be_str=can_be_str)
        if not is_typing_list(data_type):
            raise TypeError(f"a list was given where {data_type} is expected")
        scalar = (typing.get_args(data_type) or (None,))[0]
        return coerce_list(value, scalar, can_be_str=can_be_str)
    if not isinstance(value, str):
        raise TypeError(f"expected a text or a list of texts, got '{value}' of type {type(value)}")
    return coerce_to_type(value, data_type, can_be_str=can_be_str)


def is_substitution(value: Any) -> bool:
    """Return whether `value` is a substitution, or a list of texts and at least one substitution."""
    if isinstance(value, Substitution):
        return True
    return (isinstance(value, Iterable) and not isinstance(value, (str, bytes))
            and all(isinstance(item, (str, Substitution)) for item in value)
            and any(isinstance(item, Substitution) for item in value))


def is_normalized_substitution(value: Any) -> bool:
    """Return whether `value` is a non-empty list of substitutions."""
    return isinstance(value, list) and bool(value) and all(isinstance(item, Substitution) for item in value)


def normalize_typed_substitution(value: SomeValueType, data_type: Any) -> NormalizedValueType:
    """Return `value` with each substitution in it as a list; TypeError if it can't be a `data_type`."""
    if data_type is not None:
        extract_type(data_type)
    if is_substitution(value):
        return normalize_to_list_of_substitutions(value)
    if is_instance_of(value, data_type):
        return value
    if isinstance(value, list) and (data_type is None or is_typing_list(data_type)):
        normalized = [normalize_to_list_of_substitutions(item) if is_substitution(item) else item for item in value]
        scalars = [item for item in normalized if not is_normalized_substitution(item)]
        if len(scalars) < len(normalized) and is_instance_of(scalars, data_type):
            return normalized
    raise TypeError(f"'{value}' is neither {data_type or 'an allowed value'} nor a substitution for it")


def perform_typed_substitution(context, value: NormalizedValueType, data_type: Any) -> AllowedValueType:
    """Return the value of a normalized `value` in `context`, as a `data_type`."""
    if data_type is not None:
        extract_type(data_type)
    if is_normalized_substitution(value):
        return coerce_to_type(perform_substitutions(context, value), data_type)
    if isinstance(value, list):
        return _perform_list(context, value, data_type)
    if not is_instance_of(value, data_type):
        raise TypeError(f"'{value}' is not of type {data_type}")
    return value


def _perform_list(context, value: list, data_type: Any) -> ListValueType:
    scalar = None if data_type is None else extract_type(data_type)[0]
    result = [coerce_to_type(perform_substitutions(context, item), scalar) if is_normalized_substitution(item) else item
              for item in value]
    if not is_instance_of(result, data_type):
        raise ValueError(f"the items of {result} are not of one type" if data_type is None
                         else f"{result} is not of type {data_type}")
    return result
