"""The error of an expression that is neither true nor false."""


class InvalidConditionExpressionError(Exception):
    """A condition expression that is none of true, 1, false, 0."""
