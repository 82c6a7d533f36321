"""The base of conditions under which an action executes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .launch_context import LaunchContext


class Condition:
    """A predicate of the launch context; without one it is never met."""

    def __init__(self, *, predicate: Callable[[LaunchContext], bool] | None = None) -> None:
        self._predicate = predicate

    def describe(self) -> str:
        """One-line description for people."""
        return repr(self)

    def evaluate(self, context: LaunchContext) -> bool:
        """Return whether the condition is met in `context`."""
        return self._predicate(context) if self._predicate is not None else False
