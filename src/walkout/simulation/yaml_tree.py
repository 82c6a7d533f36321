"""YAML with the place of everything in it: mappings whose every field can be named by file and line in an error."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import yaml

from walkout.errors import UserError


class ScenarioError(UserError):
    """A scenario file is wrong; the text is one line with file, line, field, reason and remedy."""


@dataclass(frozen=True)
class Tree:
    """A YAML node with its place: ``path`` is the dotted field name, ``line`` counts from 1."""

    file: str
    line: int
    path: str
    node: yaml.Node | None

    def fail(self, reason: str, remedy: str) -> NoReturn:
        """Raise the ScenarioError of this place."""
        field = f" {self.path}:" if self.path else ""
        raise ScenarioError(f"{self.file}:{self.line}:{field} {reason}; {remedy}")

    def fields(self, allowed: Iterable[str], required: Iterable[str] = ()) -> dict[str, Tree]:
        """Return the fields of a mapping. Unknown, repeated and missing ones are errors."""
        if not isinstance(self.node, yaml.MappingNode):
            self.fail(f"is {self._kind()}, not a mapping", f"write fields: {', '.join(allowed)}")
        known = tuple(allowed)
        found: dict[str, Tree] = {}
        for key_node, value_node in self.node.value:
            key = str(key_node.value)
            child = self._child(key, value_node, key_node.start_mark.line + 1)
            if key not in known:
                child.fail(f"unknown field '{key}'", f"{did_you_mean(key, known)}known fields: {', '.join(known)}")
            if key in found:
                child.fail("is given twice", f"the first is in line {found[key].line}; keep one of them")
            found[key] = child
        for key in required:
            if key not in found:
                self._child(key, None, self.line).fail("is missing", f"add '{key}:'")
        return found

    def keys(self) -> list[str]:
        """Return the names of a mapping's fields in their order."""
        if not isinstance(self.node, yaml.MappingNode):
            self.fail(f"is {self._kind()}, not a mapping", "write 'name: ...' lines")
        return [str(key.value) for key, _ in self.node.value]

    def items(self) -> list[Tree]:
        """Return the elements of a list."""
        if not isinstance(self.node, yaml.SequenceNode):
            self.fail(f"is {self._kind()}, not a list", "write a list")
        return [
            Tree(self.file, child.start_mark.line + 1, f"{self.path}[{index}]", child)
            for index, child in enumerate(self.node.value)
        ]

    def is_list(self) -> bool:
        """Return whether this is a list."""
        return isinstance(self.node, yaml.SequenceNode)

    def is_mapping(self) -> bool:
        """Return whether this is a mapping."""
        return isinstance(self.node, yaml.MappingNode)

    def value(self) -> Any:
        """Return the plain Python value (None for an empty field)."""
        if self.node is None:
            return None
        loader = yaml.SafeLoader("")
        return loader.construct_object(self.node, deep=True)  # type: ignore[no-untyped-call]

    def text(self, choices: Iterable[str] = ()) -> str:
        """Return a string, one of ``choices`` when there are any."""
        value = self.value()
        allowed = tuple(choices)
        if not isinstance(value, str | int) or isinstance(value, bool):
            self.fail(f"is {self._kind()}, not a text", "write a text")
        if allowed and str(value) not in allowed:
            self.fail(f"is '{value}'", f"{did_you_mean(str(value), allowed)}choose one of {', '.join(allowed)}")
        return str(value)

    def number(self, low: float, high: float) -> float:
        """Return a number within [low, high]."""
        value = self.value()
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fail(f"is {self._kind()}, not a number", f"write a number from {low:g} to {high:g}")
        if not low <= value <= high:
            self.fail(f"is {value:g}", f"write a number from {low:g} to {high:g}")
        return float(value)

    def integer(self, low: int, high: int) -> int:
        """Return an integer within [low, high]."""
        number = self.number(low, high)
        if number != int(number):
            self.fail(f"is {number:g}", f"write a whole number from {low} to {high}")
        return int(number)

    def boolean(self) -> bool:
        """Return true or false."""
        value = self.value()
        if not isinstance(value, bool):
            self.fail(f"is {self._kind()}, not true or false", "write true or false")
        return value

    def interval(self, low: float, high: float) -> tuple[float, float]:
        """Return an interval, written as one number or as a list of two."""
        if not self.is_list():
            value = self.number(low, high)
            return value, value
        ends = [child.number(low, high) for child in self.items()]
        if len(ends) != 2 or ends[0] > ends[1]:
            self.fail("is not an interval", "write [least, most]")
        return ends[0], ends[1]

    def _child(self, key: str, node: yaml.Node | None, line: int) -> Tree:
        return Tree(self.file, line, f"{self.path}.{key}" if self.path else key, node)

    def _kind(self) -> str:
        if self.node is None or (isinstance(self.node, yaml.ScalarNode) and self.value() is None):
            return "empty"
        if isinstance(self.node, yaml.MappingNode):
            return "a mapping"
        return "a list" if self.is_list() else f"'{self.node.value}'"


def read_tree(path: Path, what: str) -> Tree:
    """Read a YAML file. Raises ScenarioError when it cannot be read or is not YAML."""
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except OSError as error:
        raise ScenarioError(f"{path}: cannot read the {what}: {error.strerror}; name an existing file") from None
    except UnicodeDecodeError:
        raise ScenarioError(f"{path}: the {what} is not UTF-8 text; save it as UTF-8") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ScenarioError(f"{path}:{line}: not YAML: {error.problem}; check indentation, colons and quotes") from None
    except yaml.YAMLError as error:
        raise ScenarioError(f"{path}: not YAML: {' '.join(str(error).split())}; write plain YAML text") from None
    if node is None:
        raise ScenarioError(f"{path}: the {what} is empty; see docs/simulation.md for its fields")
    return Tree(str(path), node.start_mark.line + 1, "", node)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return "did you mean 'x'? " when something known is close to the word, else ""."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.55)
    return f"did you mean '{close[0]}'? " if close else ""


def take(fields: dict[str, Tree], name: str, read: Callable[[Tree], Any], default: Any) -> Any:
    """Return a field's value or the default when it is absent."""
    return read(fields[name]) if name in fields else default
