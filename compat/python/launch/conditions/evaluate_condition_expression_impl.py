"""Evaluate a text as a condition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..utilities import perform_substitutions
from .invalid_condition_expression_error import InvalidConditionExpressionError

if TYPE_CHECKING:
    from ..launch_context import LaunchContext
    from ..substitution import Substitution

VALID_TRUE_EXPRESSIONS = ("true", "1")
VALID_FALSE_EXPRESSIONS = ("false", "0")


def evaluate_condition_expression(context: LaunchContext, expression: list[Substitution]) -> bool:
    """Return the truth of `expression`; InvalidConditionExpressionError if it has none (also when empty)."""
    text = perform_substitutions(context, expression)
    word = text.strip().lower()
    if word in VALID_TRUE_EXPRESSIONS:
        return True
    if word in VALID_FALSE_EXPRESSIONS:
        return False
    valid = [*VALID_TRUE_EXPRESSIONS, *VALID_FALSE_EXPRESSIONS]
    raise InvalidConditionExpressionError(
        f"invalid condition expression '{text}', expected one of {valid} (in any letter case)")
