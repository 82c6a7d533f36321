"""A local of the launch context."""

from __future__ import annotations

from ..substitution import Substitution
from .substitution_failure import SubstitutionFailure


class LocalSubstitution(Substitution):
    """Stands for ``context.locals.<expression>``, as in ``event.reason``."""

    def __init__(self, expression: str, *, description: str | None = None) -> None:
        self.__expression = expression
        self.__description = description or f"LocalSubstitution({expression!r})"

    @property
    def expression(self) -> str:
        """The dotted name."""
        return self.__expression

    def describe(self) -> str:
        """One-line description for people."""
        return self.__description

    def perform(self, context) -> str:
        """Return the text of the value; SubstitutionFailure if there is none."""
        value = context.locals
        for name in self.__expression.split("."):
            if not hasattr(value, name):
                raise SubstitutionFailure(f"the launch context has no local '{self.__expression}'")
            value = getattr(value, name)
        return str(value)
