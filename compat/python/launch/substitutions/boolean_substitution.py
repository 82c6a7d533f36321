"""Logic on texts that are true or false."""

from __future__ import annotations

from ..frontend.expose import expose_substitution
from ..some_substitutions_type import SomeSubstitutionsType
from ..substitution import Substitution
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions
from ..utilities.type_utils import perform_typed_substitution
from .substitution_failure import SubstitutionFailure


def perform_bool(context, value: list[Substitution]) -> bool:
    """Return the truth of a normalized value by the rules of YAML (and 1, 0)."""
    try:
        return bool(perform_typed_substitution(context, value, bool))
    except (TypeError, ValueError) as error:
        text = perform_substitutions(context, value)
        raise SubstitutionFailure(f"'{text}' is not a condition: expected true or false") from error


class _BooleanSubstitution(Substitution):
    """Combines the truths of its operands with `_combine`; all of them are evaluated."""

    _arity: int | None = None

    def __init__(self, *operands: SomeSubstitutionsType) -> None:
        self._operands = [normalize_to_list_of_substitutions(operand) for operand in operands]

    @classmethod
    def parse(cls, data):
        """Read ``$(name operand ...)``."""
        if cls._arity is not None and len(data) != cls._arity:
            raise TypeError(f"{cls.__name__} expects {cls._arity} argument(s), got {len(data)}")
        # Positional arguments are passed on as the operands.
        return (lambda operands: cls(*operands)), {"operands": data}

    def describe(self) -> str:
        """One-line description for people."""
        operands = (" + ".join(s.describe() for s in operand) for operand in self._operands)
        return f"{type(self).__name__}({' '.join(operands)})"

    def perform(self, context) -> str:
        """Return 'true' or 'false'."""
        return str(self._combine([perform_bool(context, operand) for operand in self._operands])).lower()

    @staticmethod
    def _combine(truths: list[bool]) -> bool:
        raise NotImplementedError


@expose_substitution("not")
class NotSubstitution(_BooleanSubstitution):
    """Stands for the negation of its operand."""

    _arity = 1

    def __init__(self, value: SomeSubstitutionsType) -> None:
        super().__init__(value)

    @property
    def value(self) -> list[Substitution]:
        """The operand."""
        return self._operands[0]

    @staticmethod
    def _combine(truths: list[bool]) -> bool:
        return not truths[0]


class _BinarySubstitution(_BooleanSubstitution):
    _arity = 2

    def __init__(self, left: SomeSubstitutionsType, right: SomeSubstitutionsType) -> None:
        super().__init__(left, right)

    @property
    def left(self) -> list[Substitution]:
        """First operand."""
        return self._operands[0]

    @property
    def right(self) -> list[Substitution]:
        """Second operand."""
        return self._operands[1]


@expose_substitution("and")
class AndSubstitution(_BinarySubstitution):
    """True when both operands are."""

    _combine = staticmethod(all)


@expose_substitution("or")
class OrSubstitution(_BinarySubstitution):
    """True when an operand is."""

    _combine = staticmethod(any)


class _VariadicSubstitution(_BooleanSubstitution):
    @property
    def args(self) -> list[list[Substitution]]:
        """The operands."""
        return self._operands


@expose_substitution("any")
class AnySubstitution(_VariadicSubstitution):
    """True when at least one operand is."""

    _combine = staticmethod(any)


@expose_substitution("all")
class AllSubstitution(_VariadicSubstitution):
    """True when every operand is."""

    _combine = staticmethod(all)
