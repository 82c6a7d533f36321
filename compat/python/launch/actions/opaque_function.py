"""Call a function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..action import Action


class OpaqueFunction(Action):
    """Call ``function(context, *args, **kwargs)``; the entities it returns, if any, are visited."""

    def __init__(self, *, function: Callable, args: Iterable[Any] | None = None,
                 kwargs: Mapping[str, Any] | None = None, **left_over_kwargs) -> None:
        super().__init__(**left_over_kwargs)
        if not callable(function):
            raise TypeError(f"OpaqueFunction: expected a function, got '{function}' of type {type(function)}")
        self.__function = function
        self.__args = list(args) if args is not None else []
        self.__kwargs = dict(kwargs) if kwargs is not None else {}

    def execute(self, context):
        """Call the function."""
        return self.__function(context, *self.__args, **self.__kwargs)
