"""Compare two values."""

from __future__ import annotations

import math

from ..frontend.expose import expose_substitution
from ..substitution import Substitution
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions


@expose_substitution("equals")
class EqualsSubstitution(Substitution):
    """Stands for 'true' if both sides are equal as texts (None is empty), truths (true/1, false/0) or numbers."""

    def __init__(self, left, right) -> None:
        self.__left = _normalize(left)
        self.__right = _normalize(right)

    @classmethod
    def parse(cls, data):
        """Read ``$(equals left right)``."""
        if len(data) != 2:
            raise TypeError(f"{cls.__name__} expects 2 arguments, got {len(data)}")
        return cls, {"left": data[0], "right": data[1]}

    @property
    def left(self) -> list[Substitution]:
        """First value."""
        return self.__left

    @property
    def right(self) -> list[Substitution]:
        """Second value."""
        return self.__right

    def describe(self) -> str:
        """One-line description for people."""
        left, right = (" + ".join(s.describe() for s in side) for side in (self.__left, self.__right))
        return f"{type(self).__name__}({left} {right})"

    def perform(self, context) -> str:
        """Return 'true' or 'false'."""
        equal = _are_equal(perform_substitutions(context, self.__left), perform_substitutions(context, self.__right))
        return "true" if equal else "false"


def _normalize(value) -> list[Substitution]:
    if value is None:
        return normalize_to_list_of_substitutions("")
    if isinstance(value, (bool, int, float)):
        return normalize_to_list_of_substitutions(str(value).lower())
    return normalize_to_list_of_substitutions(value)


def _are_equal(left: str, right: str) -> bool:
    truths = {"true": True, "1": True, "false": False, "0": False}
    words = left.strip().lower(), right.strip().lower()
    if words[0] in truths and words[1] in truths:
        return truths[words[0]] == truths[words[1]]
    try:
        numbers = float(left), float(right)
    except ValueError:
        return left == right
    return math.isclose(*numbers)
