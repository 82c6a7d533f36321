"""Perform the substitutions in normalized parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from launch.utilities import perform_substitutions

from ..parameter_descriptions import Parameter, ParameterFile, ParameterValue
from .normalize_parameters import SCALARS, YamlText


def evaluate_parameter_dict(context, parameters: Mapping[Any, Any]) -> dict[str, Any]:
    """Return plain values by name; lists become tuples."""
    return {perform_substitutions(context, name): _evaluate(context, perform_substitutions(context, name), value)
            for name, value in parameters.items()}


def evaluate_parameters(context, parameters: Sequence[Any]) -> tuple[Any, ...]:
    """Return paths, dictionaries of plain values, and `Parameter` objects (evaluated)."""
    result: list[Any] = []
    for item in parameters:
        if isinstance(item, ParameterFile):
            result.append(item.evaluate(context))
        elif isinstance(item, Parameter):
            item.evaluate(context)
            result.append(item)
        else:
            result.append(evaluate_parameter_dict(context, item))
    return tuple(result)


def _evaluate(context, name: str, value: Any) -> Any:
    if isinstance(value, ParameterValue):
        return value.evaluate(context)
    if isinstance(value, YamlText):
        value = _load(context, name, value)
        if not isinstance(value, (list, *SCALARS)):
            raise TypeError(f"Allowed value types of parameter '{name}' are bytes, bool, int, float, str and sequences "
                            f"of one of them, got {type(value)}. To use the text as it is, wrap it in "
                            "ParameterValue(value, value_type=str)")
    elif isinstance(value, list):
        value = _mix_to_floats([_load(context, name, item) if isinstance(item, YamlText) else item for item in value])
    return _uniform(name, value) if isinstance(value, list) else value


def _load(context, name: str, value: YamlText) -> Any:
    text = perform_substitutions(context, value.substitutions)
    if text == "":
        return ""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        raise TypeError(f"Unable to parse the value of parameter '{name}' as YAML: '{text}'. To use the text as it is, "
                        "wrap it in ParameterValue(value, value_type=str)") from None


def _mix_to_floats(values: list[Any]) -> list[Any]:
    """Make floats of whole numbers among floats (only in lists written in Python: YAML means what it says)."""
    return [float(value) for value in values] if {type(value) for value in values} == {int, float} else values


def _uniform(name: str, values: list[Any]) -> tuple[Any, ...]:
    """Return the values as a tuple, if they are of one type."""
    types = {type(value) for value in values}
    if len(types) != 1 or not types <= set(SCALARS):
        raise TypeError(f"Expected a non-empty sequence of values of one type for parameter '{name}', got {values!r}")
    return tuple(values)
