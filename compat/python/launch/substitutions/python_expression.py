"""Evaluate a Python expression."""

from __future__ import annotations

import importlib
from collections.abc import Iterable

from ..frontend.expose import expose_substitution
from ..some_substitutions_type import SomeSubstitutionsType
from ..substitution import Substitution
from ..utilities import normalize_to_list_of_substitutions, perform_substitutions


@expose_substitution("eval")
class PythonExpression(Substitution):
    """Stands for the text of the expression's value.

    The expression sees `python_modules` by name, and for ``math`` also what is in it.
    """

    def __init__(self, expression: SomeSubstitutionsType,
                 python_modules: Iterable[SomeSubstitutionsType] = ("math",)) -> None:
        self.__expression = normalize_to_list_of_substitutions(expression)
        self.__python_modules = [normalize_to_list_of_substitutions(module) for module in python_modules]

    @classmethod
    def parse(cls, data):
        """Read ``$(eval expression ['module, module'])``."""
        if not 1 <= len(data) <= 2:
            raise TypeError("eval substitution expects 1 or 2 arguments")
        kwargs = {"expression": data[0]}
        if len(data) == 2:
            names = "".join(substitution.perform(None) for substitution in data[1]).split(",")
            kwargs["python_modules"] = [name.strip() for name in names if name.strip()]
        return cls, kwargs

    @property
    def expression(self) -> list[Substitution]:
        """The expression."""
        return self.__expression

    @property
    def python_modules(self) -> list[list[Substitution]]:
        """Modules the expression sees."""
        return self.__python_modules

    def describe(self) -> str:
        """One-line description for people."""
        modules = ", ".join(" + ".join(s.describe() for s in module) for module in self.__python_modules)
        return f"PythonExpr({' + '.join(s.describe() for s in self.__expression)}, [{modules}])"

    def perform(self, context) -> str:
        """Return the text of the value; whatever the expression raises is raised."""
        names = [perform_substitutions(context, module) for module in self.__python_modules]
        scope = {name: importlib.import_module(name) for name in names}
        if "math" in scope:
            scope.update({**vars(scope["math"]), "math": scope["math"]})
        return str(eval(perform_substitutions(context, self.__expression), {}, scope))
