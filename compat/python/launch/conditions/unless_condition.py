"""Met when an expression is false."""

from __future__ import annotations

from ..condition import Condition
from ..some_substitutions_type import SomeSubstitutionsType
from ..utilities import normalize_to_list_of_substitutions
from .evaluate_condition_expression_impl import evaluate_condition_expression


class UnlessCondition(Condition):
    """Met when `predicate_expression` evaluates to false."""

    def __init__(self, predicate_expression: SomeSubstitutionsType) -> None:
        self.__expression = normalize_to_list_of_substitutions(predicate_expression)
        super().__init__(predicate=lambda context: not evaluate_condition_expression(context, self.__expression))

    def describe(self) -> str:
        """One-line description for people."""
        return f"UnlessCondition({' + '.join(s.describe() for s in self.__expression)})"
