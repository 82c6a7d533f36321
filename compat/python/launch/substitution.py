"""A value that is only known when the description runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .launch_context import LaunchContext


class Substitution:
    """Base of all substitutions; subclasses return a string from `perform`."""

    def describe(self) -> str:
        """One-line description for people."""
        return f"Substitution({self})"

    def perform(self, context: LaunchContext) -> str:
        """Return the text this stands for in `context`."""
        raise NotImplementedError(f"{type(self).__name__} does not implement perform()")

    @classmethod
    def parse(cls, data):
        """Return ``(cls, kwargs)`` for the arguments `data` of a textual ``$(name ...)``."""
        raise NotImplementedError(f"{cls.__name__} has no textual form")
