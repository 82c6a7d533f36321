"""Check the type of an argument."""

from __future__ import annotations

import inspect
from collections.abc import Iterable


def ensure_argument_type(argument: object, types: type | Iterable[type], argument_name: str,
                         caller: str | None = None) -> None:
    """Raise TypeError unless `argument` is an instance (or subclass) of one of `types`; the message names both."""
    choices = tuple(types) if isinstance(types, Iterable) else (types,)
    if not all(inspect.isclass(t) for t in choices):
        raise TypeError(f"'types' must be a type or types, got '{types}'")
    if isinstance(argument, choices) or (inspect.isclass(argument) and issubclass(argument, choices)):
        return
    where = f"{caller}: " if caller else ""
    expected = " or ".join(t.__name__ for t in choices)
    raise TypeError(f"{where}argument '{argument_name}' must be {expected}, got '{argument}' of type {type(argument)}")
