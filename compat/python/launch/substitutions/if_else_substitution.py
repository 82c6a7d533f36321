"""Choose between two values."""

from __future__ import annotations

from ..frontend.expose import expose_substitution
from ..some_substitutions_type import SomeSubstitutionsType
from ..substitution import Substitution
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions
from .boolean_substitution import perform_bool


@expose_substitution("if")
class IfElseSubstitution(Substitution):
    """Stands for `if_value` when the condition is true, else for `else_value`; one of them may be left out."""

    def __init__(self, condition: SomeSubstitutionsType, if_value: SomeSubstitutionsType = "",
                 else_value: SomeSubstitutionsType = "") -> None:
        if if_value == "" and else_value == "":
            raise RuntimeError("IfElseSubstitution needs an if_value or an else_value")
        self.__condition = normalize_to_list_of_substitutions(condition)
        self.__if_value = normalize_to_list_of_substitutions(if_value)
        self.__else_value = normalize_to_list_of_substitutions(else_value)

    @classmethod
    def parse(cls, data):
        """Read ``$(if condition if_value [else_value])``."""
        if not 2 <= len(data) <= 3:
            raise TypeError("if substitution expects 2 or 3 arguments")
        return cls, dict(zip(("condition", "if_value", "else_value"), data, strict=False))

    @property
    def condition(self) -> list[Substitution]:
        """The condition."""
        return self.__condition

    @property
    def if_value(self) -> list[Substitution]:
        """Value when true."""
        return self.__if_value

    @property
    def else_value(self) -> list[Substitution]:
        """Value when false."""
        return self.__else_value

    def describe(self) -> str:
        """One-line description for people."""
        parts = (" + ".join(s.describe() for s in part)
                 for part in (self.__condition, self.__if_value, self.__else_value))
        return f"IfElseSubstitution({', '.join(parts)})"

    def perform(self, context) -> str:
        """Return the value chosen."""
        chosen = self.__if_value if perform_bool(context, self.__condition) else self.__else_value
        return perform_substitutions(context, chosen)
