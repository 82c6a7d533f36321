"""Scenario files as a tree of places; the first mistake ends the reading with one line that names its place.

The reading itself, and the wording of mistakes, is that of all files people write: ``walkout.store.documents``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from walkout.errors import UserError
from walkout.store.documents import Report, Value, open_value, suggestion

Result = TypeVar("Result")


class ScenarioError(UserError):
    """A scenario file is wrong; the text is one line with file, line, field, reason and remedy."""


class Tree:
    """A place of a scenario file. Every getter returns a value or raises the ScenarioError of this place."""

    def __init__(self, value: Value) -> None:
        """Wrap a value of a file."""
        self._value = value

    @property
    def line(self) -> int:
        """The line in the file, from 1."""
        return self._value.line

    def fail(self, reason: str, remedy: str) -> NoReturn:
        """Raise the ScenarioError of this place."""
        self._value.problem(reason, remedy)
        raise ScenarioError(str(self._value.report.problems[-1]))

    def fields(self, allowed: Iterable[str], required: Iterable[str] = ()) -> dict[str, Tree]:
        """Return the fields of a mapping. Unknown, repeated and missing ones are errors."""
        section = self._value.section()
        written = {key: value for key in allowed if (value := section.entry(key)) is not None}
        for key in required:
            section.require(key)
        section.done()
        self._check()
        return {key: Tree(written[key]) for key in section.keys()}  # noqa: SIM118 (a Section is no mapping)

    def keys(self) -> list[str]:
        """Return the names of a mapping's fields in their order."""
        section = self._value.section()
        self._check()
        return section.keys()

    def items(self) -> list[Tree]:
        """Return the elements of a list."""
        return [Tree(item) for item in self._checked(self._value.items())]

    @property
    def is_mapping(self) -> bool:
        """Whether this is a mapping."""
        return self._value.is_mapping

    @property
    def is_empty(self) -> bool:
        """Whether nothing, or ``~``, is written here."""
        return self._value.is_null

    def text(self, choices: Iterable[str] = ()) -> str:
        """Return a text, one of ``choices`` when there are any."""
        text = self._checked(self._value.text())
        allowed = tuple(choices)
        if allowed and text not in allowed:
            self.fail(f"{text!r} is not known{suggestion(text, allowed)}", f"use one of {', '.join(allowed)}")
        return text

    def number(self, low: float, high: float) -> float:
        """Return a number within [low, high]."""
        return self._checked(self._value.number(low, high))

    def integer(self, low: int, high: int) -> int:
        """Return a whole number within [low, high]."""
        return self._checked(self._value.integer(low, high))

    def boolean(self) -> bool:
        """Return true or false."""
        return self._checked(self._value.flag())

    def interval(self, low: float, high: float) -> tuple[float, float]:
        """Return an interval, written as one number or as a list of two."""
        if not self._value.is_list:
            value = self.number(low, high)
            return value, value
        ends = self._checked(self._value.numbers(2, low, high))
        if ends[0] > ends[1]:
            self.fail("is not an interval", "write [least, most]")
        return ends[0], ends[1]

    def _checked(self, result: Result) -> Result:
        self._check()
        return result

    def _check(self) -> None:
        problems = self._value.report.problems
        if problems:
            raise ScenarioError(str(min(problems, key=lambda problem: problem.line)))


def read_tree(path: Path) -> Tree:
    """Read a scenario file. Raises ScenarioError when it cannot be read or is not YAML."""
    report = Report()
    value = open_value(path, report, "see docs/simulation.md for the fields of a scenario")
    if value is None:
        raise ScenarioError(str(report.problems[0]))
    return Tree(value)


def take(fields: dict[str, Tree], name: str, read: Callable[[Tree], Any], default: Any) -> Any:
    """Return a field's value or the default when it is absent."""
    return read(fields[name]) if name in fields else default
