"""What can be set about something: the fields of its frozen dataclass with unit, range and meaning.

A field's metadata may carry ``description``, ``unit``, ``range`` (closed), ``choices`` and ``writable``. What they
leave open comes from the class: its docstring's section Attributes gives the description, the end of the name the unit,
and a class attribute ``RANGES`` the ranges. Nothing here knows ROS; ``walkout.ros.parameters`` declares it to ROS.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
import re
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

T = TypeVar("T")
Scalar = bool | int | float | str
Value = Scalar | tuple[Scalar, ...]

_SCALARS = (bool, int, float, str)
_UNITS = (
    ("_g_per_minute", "g/min"),
    ("_m_per_s", "m/s"),
    ("_m_s", "m/s"),
    ("_minor", "minor units"),
    ("_hz", "Hz"),
    ("_ms", "ms"),
    ("_s", "s"),
    ("_m", "m"),
    ("_g", "g"),
)
_TYPE_NAMES: Mapping[type, str] = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


class SettingError(ValueError):
    """A value is refused; the text names the setting, the value and what is allowed."""


@dataclasses.dataclass(frozen=True)
class Setting:
    """One thing that can be set. ``kind`` is the type of the value, or of its elements when ``is_list``."""

    name: str
    default: Value
    kind: type
    is_list: bool
    description: str
    unit: str
    range: tuple[float, float] | None
    choices: tuple[str, ...]
    writable: bool

    @property
    def limits(self) -> str:
        """What is allowed, in words; empty when everything of the type is."""
        if self.range is not None:
            low, high = self.range
            return f"{low:g} .. {high:g}{f' {self.unit}' if self.unit and self.unit != '1' else ''}"
        return ", ".join(self.choices)

    def check(self, value: Any) -> Value:
        """Return the value in the setting's type. Raises SettingError when it is of another type or out of range."""
        if self.is_list:
            if isinstance(value, str) or not hasattr(value, "__iter__"):
                raise SettingError(f"{self.name}: expected a list, got {value!r}")
            return tuple(self._check_one(item) for item in value)
        return self._check_one(value)

    def _check_one(self, value: Any) -> Scalar:
        # A file that says 1 for a number with a fraction is right for people.
        fits = isinstance(value, (int, float) if self.kind is float else self.kind)
        if not fits or (isinstance(value, bool) and self.kind is not bool):
            raise SettingError(f"{self.name}: expected {_TYPE_NAMES[self.kind]}, got {value!r}")
        if self.range is not None and not (math.isfinite(value) and self.range[0] <= value <= self.range[1]):
            raise SettingError(f"{self.name}: {value} is not within {self.limits}")
        if self.choices and value not in self.choices:
            raise SettingError(f"{self.name}: {value!r} is none of {self.limits}")
        return typing.cast(Scalar, self.kind(value))


def setting(
    default: Any,
    description: str,
    *,
    unit: str = "",
    range: tuple[float, float] | None = None,
    choices: tuple[str, ...] = (),
    writable: bool = False,
) -> Any:
    """Return a dataclass field with everything that is said about it; ``writable`` ones may change at run time."""
    metadata = {
        "description": description,
        "unit": unit,
        "range": range,
        "choices": choices,
        "writable": writable,
    }
    return dataclasses.field(default=default, metadata=metadata)


def settings_of(cls: type, prefix: str = "") -> Iterator[Setting]:
    """Yield the settings of a dataclass and of the dataclasses nested in it, these with the field's name as prefix.

    Fields that are neither scalars, tuples of scalars nor dataclasses cannot be set from outside and are left out.
    """
    hints = typing.get_type_hints(cls)
    texts, ranges = _attributes(cls), getattr(cls, "RANGES", {})
    for field in dataclasses.fields(cls):
        default = _default(field)
        if dataclasses.is_dataclass(default):
            yield from settings_of(type(default), f"{prefix}{field.name}.")
        elif _can_be_set(hints[field.name], default):
            is_list = isinstance(default, tuple)
            about = field.metadata
            yield Setting(
                name=prefix + field.name,
                default=default,
                kind=type(default[0]) if is_list else type(default),
                is_list=is_list,
                description=(about.get("description") or texts.get(field.name, "")).strip().rstrip("."),
                unit=about.get("unit") or _unit(field.name),
                range=about.get("range") or ranges.get(field.name),
                choices=tuple(about.get("choices") or ()),
                writable=bool(about.get("writable")),
            )


def build(cls: type[T], values: Mapping[str, Value], prefix: str = "") -> T:
    """Return the dataclass with the values by name; what is missing keeps its default.

    Raises:
        SettingError: the dataclass refuses the values.
    """
    given: dict[str, Any] = {}
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        default = _default(field)
        if dataclasses.is_dataclass(default):
            given[field.name] = build(type(default), values, f"{prefix}{field.name}.")
        elif prefix + field.name in values:
            given[field.name] = values[prefix + field.name]
    try:
        return cls(**given)
    except SettingError:
        raise
    except ValueError as error:
        raise SettingError(f"{prefix}{error}") from error


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return None


def _can_be_set(hint: Any, default: Any) -> bool:
    if isinstance(default, _SCALARS):
        return True
    is_filled = isinstance(default, tuple) and bool(default) and not isinstance(hint, types.UnionType)
    return is_filled and all(isinstance(item, _SCALARS) for item in default)


def _unit(name: str) -> str:
    return next((unit for end, unit in _UNITS if name.endswith(end)), "")


def _attributes(cls: type) -> dict[str, str]:
    """Return the descriptions of the docstring's section Attributes by field, of base classes too."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__[:-1]):
        section = re.search(r"^Attributes:\n((?:[ ]+.*\n?|\n)+)", inspect.cleandoc(base.__doc__ or ""), re.MULTILINE)
        if section:
            entries = re.split(r"^ {4}(\w+): ", section[1], flags=re.MULTILINE)[1:]
            found |= {name: " ".join(text.split()) for name, text in zip(entries[::2], entries[1::2], strict=True)}
    return found
