"""Bring the parameters of a node into one form, checking types before anything runs.

In the normalized form, a list holds `ParameterFile` and `Parameter` objects and dictionaries. A dictionary maps names
(tuples of substitutions; groups are joined to them with dots) to `ParameterValue`, plain values, `YamlText`, or lists
of the latter two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launch.substitution import Substitution
from launch.substitutions import TextSubstitution
from launch.utilities import normalize_to_list_of_substitutions

from ..parameter_descriptions import Parameter, ParameterFile, ParameterValue

SCALARS = (bool, int, float, str, bytes)


@dataclass(frozen=True)
class YamlText:
    """A value given by substitutions, whose type follows from the text by the rules of YAML."""

    substitutions: tuple[Substitution, ...]


def normalize_parameters(parameters: Sequence[Any]) -> list[Any]:
    """Return the normalized list; TypeError for what can't be parameters."""
    if isinstance(parameters, (str, Mapping)) or not isinstance(parameters, Sequence):
        raise TypeError(f"parameters must be a list of files and dictionaries, got {parameters!r}")
    return [_normalize_item(item) for item in parameters]


def _normalize_item(item: Any) -> Any:
    if isinstance(item, Mapping):
        return normalize_parameter_dict(item)
    if isinstance(item, (Parameter, ParameterFile)):
        return item
    if isinstance(item, (str, Path, Substitution, Iterable)):
        return ParameterFile(item)
    raise TypeError(f"expected a parameter file, a dictionary of parameters or a Parameter, got {item!r}")


def normalize_parameter_dict(parameters: Mapping[Any, Any], *,
                             _prefix: tuple[Substitution, ...] = ()) -> dict[tuple[Substitution, ...], Any]:
    """Return the normalized, flat dictionary."""
    if not isinstance(parameters, Mapping):
        raise TypeError(f"expected a dictionary of parameters, got {parameters!r}")
    normalized: dict[tuple[Substitution, ...], Any] = {}
    for key, value in parameters.items():
        name = (*_prefix, *normalize_to_list_of_substitutions(key))
        if isinstance(value, Mapping):
            if value:
                normalized.update(normalize_parameter_dict(value, _prefix=(*name, TextSubstitution(text="."))))
        else:
            normalized[name] = _normalize_value(value)
    return normalized


def _normalize_value(value: Any) -> Any:
    if isinstance(value, (ParameterValue, *SCALARS)):
        return value
    if isinstance(value, Substitution):
        return YamlText((value,))
    if isinstance(value, Sequence):
        return _normalize_sequence(value)
    raise TypeError(f"unexpected type {type(value)} of parameter value {value!r}")


def _normalize_sequence(values: Sequence[Any]) -> Any:
    """Return one text where texts and substitutions stand side by side, otherwise a list of scalars."""
    is_text = all(isinstance(item, (str, Substitution)) for item in values)
    if values and is_text and any(isinstance(item, Substitution) for item in values):
        return YamlText(tuple(normalize_to_list_of_substitutions(values)))
    items = []
    for item in values:
        if isinstance(item, SCALARS):
            items.append(item)
        elif isinstance(item, Substitution) or _is_text_sequence(item):
            items.append(YamlText(tuple(normalize_to_list_of_substitutions(item))))
        else:
            raise TypeError(f"unexpected item {item!r} in the list {list(values)!r} of a parameter")
    return items


def _is_text_sequence(item: Any) -> bool:
    return (isinstance(item, Sequence) and not isinstance(item, (str, bytes))
            and all(isinstance(part, (str, Substitution)) for part in item))
