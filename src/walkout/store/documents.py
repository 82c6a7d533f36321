"""YAML files that people write, read so that every mistake is reported with its file, line, field and remedy.

A ``Section`` is a mapping of such a file. Its getters return a typed value or, after reporting a problem, a harmless
placeholder, so that a reader goes on and all mistakes of a file are reported at once; ``Section.done`` says whether the
values may be used. Nothing is raised before ``Report.check``.
"""

from __future__ import annotations

import difflib
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import yaml

from walkout.errors import UserError

EnumType = TypeVar("EnumType", bound=Enum)

_REQUIRED: Any = object()
_PLAIN = ("", None)
# The C loader is ten times as fast; wheels of PyYAML have it, some distributions do not.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MERGE_TAG = "tag:yaml.org,2002:merge"


@dataclass(frozen=True)
class Problem:
    """One mistake in a file: where it is, what is wrong and what to do about it."""

    file: str
    line: int
    field: str
    message: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.line else f"{self.file}: "
        where = f"{self.field}: " if self.field else ""
        return f"{place}{where}{self.message}; {self.remedy}"


class DocumentError(UserError):
    """A file that cannot be used; ``problems`` has all that is wrong with it, the text one line for each."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass
class Report:
    """Collects the problems of one or several files."""

    problems: list[Problem] = field(default_factory=list)

    def add(self, file: str, line: int, where: str, message: str, remedy: str) -> None:
        """Note one problem."""
        self.problems.append(Problem(file, line, where, message, remedy))

    def check(self, error: type[DocumentError] = DocumentError) -> None:
        """Raise an error with all problems, in the order of the files' lines, if there is any."""
        if self.problems:
            order = list(dict.fromkeys(problem.file for problem in self.problems))
            raise error(sorted(self.problems, key=lambda p: (order.index(p.file), p.line)))


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return ``, did you mean ...?`` for a misspelt word, or nothing when no known word is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f", did you mean {near[0]!r}?" if near else ""


def display_path(path: Path) -> str:
    """Return a path as a person would type it: relative when it lies below the working directory."""
    try:
        return str(path.resolve().relative_to(Path(os.getcwd()).resolve()))
    except ValueError:
        return str(path)


def open_document(path: Path, report: Report) -> Section | None:
    """Read a YAML file whose top is a mapping; report and return None when that fails."""
    value = open_value(path, report, "see the comments in config/stores/corner")
    return value.section() if value else None


def open_value(path: Path, report: Report, guide: str) -> Value | None:
    """Read a YAML file whose top is a mapping; report and return None when that fails. ``guide`` says where to look."""
    name = display_path(path)
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=_LOADER)
    except OSError as error:
        report.add(name, 0, "", f"cannot be read ({error.strerror})", "create the file or name another folder")
        return None
    except UnicodeDecodeError:
        report.add(name, 0, "", "is not UTF-8 text", "save it as UTF-8")
        return None
    except yaml.YAMLError as error:
        report.add(name, *_yaml_problem(error), "correct the YAML syntax at this line or just above it")
        return None
    if not isinstance(node, yaml.MappingNode):
        report.add(name, 1, "", "has no 'key: value' lines at its top", guide)
        return None
    return Value(node, "", name, node.start_mark.line + 1, report)


def _yaml_problem(error: yaml.YAMLError) -> tuple[int, str, str]:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        return (mark.line + 1 if mark else 0), "", f"is not valid YAML: {error.problem or error.context}"
    return 0, "", f"is not valid YAML: {' '.join(str(error).split())}"


class Value:
    """A value of a file with its place. The getters report a wrong value and return a placeholder of their type."""

    def __init__(self, node: yaml.Node, path: str, file: str, line: int, report: Report) -> None:
        self.node, self.path, self.file, self.line, self.report = node, path, file, line, report

    def problem(self, message: str, remedy: str) -> None:
        """Report a problem of this value."""
        self.report.add(self.file, self.line, self.path, message, remedy)

    @property
    def is_null(self) -> bool:
        """Whether nothing (or ``~``) was written here."""
        return isinstance(self.node, yaml.ScalarNode) and self.node.tag == "tag:yaml.org,2002:null"

    @property
    def is_list(self) -> bool:
        """Whether this is a list."""
        return isinstance(self.node, yaml.SequenceNode)

    @property
    def is_mapping(self) -> bool:
        """Whether this has ``key: value`` lines."""
        return isinstance(self.node, yaml.MappingNode)

    def text(self) -> str:
        """Return the text as it was written, also of what looks like a number (a GTIN keeps its zeros)."""
        if isinstance(self.node, yaml.ScalarNode) and not self.is_null and self.node.value.strip():
            return str(self.node.value).strip()
        self.problem("must be a text", "write a text")
        return ""

    def flag(self) -> bool:
        """Return true or false."""
        if isinstance(self.node, yaml.ScalarNode) and self.node.tag == "tag:yaml.org,2002:bool":
            return self.node.value.lower() in ("true", "yes", "on")
        self.problem(f"must be true or false, not {self.shown()}", "write true or false")
        return False

    def number(self, low: float = -math.inf, high: float = math.inf, unit: str = "") -> float:
        """Return a finite number within low..high; ``unit`` is only for the message."""
        number = self._parse_number()
        if number is None:
            self.problem(f"must be a number, not {self.shown()}", f"write a number{_range(low, high, unit)}")
            return 0.0
        if not low <= number <= high:
            self.problem(f"{self.shown()} is out of range", f"write a number{_range(low, high, unit)}")
            return 0.0
        return number

    def integer(self, low: int, high: int) -> int:
        """Return a whole number within low..high."""
        number = self._parse_number()
        if number is None or number != int(number) or not low <= number <= high:
            self.problem(
                f"must be a whole number from {low} to {high}, not {self.shown()}",
                f"write a whole number from {low} to {high}",
            )
            return low
        return int(number)

    def choice(self, options: type[EnumType]) -> EnumType:
        """Return the member of an enumeration whose value is written here."""
        members = list(options)
        names = [str(member.value) for member in members]
        text = self.node.value if isinstance(self.node, yaml.ScalarNode) else ""
        if text in names:
            return members[names.index(text)]
        self.problem(f"{self.shown()} is not known{suggestion(text, names)}", f"use one of {', '.join(names)}")
        return members[0]

    def items(self) -> list[Value]:
        """Return the items of a list."""
        if not isinstance(self.node, yaml.SequenceNode):
            self.problem(f"must be a list, not {self.shown()}", "write a list: [a, b] or lines that begin with '- '")
            return []
        return [
            Value(item, f"{self.path}[{i}]", self.file, item.start_mark.line + 1, self.report)
            for i, item in enumerate(self.node.value)
        ]

    def numbers(self, count: int | Sequence[int], low: float = -math.inf, high: float = math.inf) -> tuple[float, ...]:
        """Return a list of so many numbers; with several counts allowed, of any of them."""
        counts = (count,) if isinstance(count, int) else tuple(count)
        wanted = " or ".join(str(c) for c in counts)
        if not self.is_list:
            self.problem(f"must be a list of {wanted} numbers, not {self.shown()}", f"write [{wanted} numbers]")
            return (0.0,) * counts[0]
        items = self.items()
        if len(items) not in counts:
            self.problem(f"has {len(items)} numbers, must have {wanted}", f"write {wanted} numbers")
            return (0.0,) * counts[0]
        return tuple(item.number(low, high) for item in items)

    def section(self) -> Section:
        """Return this mapping as a section; an empty one after a report when it is none."""
        if isinstance(self.node, yaml.MappingNode):
            return Section(self.node, self.path, self.file, self.line, self.report)
        self.problem(f"must have 'key: value' entries, not {self.shown()}", "write key: value lines or {key: value}")
        empty = yaml.MappingNode("tag:yaml.org,2002:map", [], self.node.start_mark, self.node.end_mark)
        return Section(empty, self.path, self.file, self.line, self.report, broken=True)

    def shown(self) -> str:
        """Return the value as messages quote it."""
        if self.is_null:
            return "nothing"
        if isinstance(self.node, yaml.ScalarNode):
            text = self.node.value if len(self.node.value) <= 40 else self.node.value[:37] + "..."
            return repr(text)
        return "a list" if self.is_list else "a mapping"

    def _parse_number(self) -> float | None:
        if not isinstance(self.node, yaml.ScalarNode) or self.node.style not in _PLAIN:
            return None
        try:
            number = float(self.node.value.replace("_", ""))
        except ValueError:
            return None
        return number if math.isfinite(number) else None


class Section:
    """A mapping of a file. Ask for its keys with the getters, then call ``done``."""

    def __init__(
        self, node: yaml.MappingNode, path: str, file: str, line: int, report: Report, broken: bool = False
    ) -> None:
        self.path, self.file, self.line, self.report = path, file, line, report
        self._broken = broken
        self._asked: list[str] = []
        self._values: dict[str, Value] = {}
        self._read(node, merged=False)

    def problem(self, key: str, message: str, remedy: str) -> None:
        """Report a problem of a key (of the whole section when the key is "" or was not written)."""
        value = self._values.get(key)
        self.report.add(self.file, value.line if value else self.line, self._path(key), message, remedy)

    def __contains__(self, key: str) -> bool:
        return self.value(key) is not None

    def keys(self) -> list[str]:
        """Return the keys that were written."""
        return list(self._values)

    def value(self, key: str) -> Value | None:
        """Return a value to look at, None when it was not written; the key then counts as known."""
        if key not in self._asked:
            self._asked.append(key)
        value = self._values.get(key)
        return None if value is None or value.is_null else value

    def entry(self, key: str) -> Value | None:
        """Return a value as it was written, also when it is empty."""
        self.value(key)
        return self._values.get(key)

    def require(self, key: str) -> Value | None:
        """Return a value that must be there; report when it is not."""
        value = self.value(key)
        if value is None and not self._broken:
            misspelt = difflib.get_close_matches(key, [k for k in self._values if k not in self._asked], n=1)
            hint = f" (is {misspelt[0]!r} misspelt?)" if misspelt else ""
            self.problem("", f"{key!r} is missing{hint}", f"add {key!r}")
        return value

    def text(self, key: str, default: str = _REQUIRED) -> str:
        """Return a text."""
        value = self._get(key, default)
        return value.text() if value else _fallback(default, "")

    def flag(self, key: str, default: bool = _REQUIRED) -> bool:
        """Return true or false."""
        value = self._get(key, default)
        return value.flag() if value else _fallback(default, False)

    def number(
        self, key: str, default: float = _REQUIRED, low: float = -math.inf, high: float = math.inf, unit: str = ""
    ) -> float:
        """Return a finite number within low..high."""
        value = self._get(key, default)
        return value.number(low, high, unit) if value else _fallback(default, 0.0)

    def integer(self, key: str, low: int, high: int, default: int = _REQUIRED) -> int:
        """Return a whole number within low..high."""
        value = self._get(key, default)
        return value.integer(low, high) if value else _fallback(default, low)

    def choice(self, key: str, options: type[EnumType], default: EnumType = _REQUIRED) -> EnumType:
        """Return a member of an enumeration."""
        value = self._get(key, default)
        return value.choice(options) if value else _fallback(default, next(iter(options)))

    def numbers(
        self,
        key: str,
        count: int | Sequence[int],
        default: tuple[float, ...] = _REQUIRED,
        low: float = -math.inf,
        high: float = math.inf,
    ) -> tuple[float, ...]:
        """Return a list of numbers within low..high."""
        value = self._get(key, default)
        if value:
            return value.numbers(count, low, high)
        placeholder = (0.0,) * (count if isinstance(count, int) else count[0])
        return placeholder if default is _REQUIRED else default

    def items(self, key: str, default: Sequence[Value] = _REQUIRED) -> Sequence[Value]:
        """Return the items of a list."""
        value = self._get(key, default)
        return value.items() if value else _fallback(default, [])

    def sections(self, key: str, default: Sequence[Section] = _REQUIRED) -> Sequence[Section]:
        """Return the items of a list of mappings."""
        value = self._get(key, default)
        return [item.section() for item in value.items()] if value else _fallback(default, [])

    def done(self) -> bool:
        """Report keys that nobody asked for; return whether all of this section was right."""
        for key, value in self._values.items():
            if key not in self._asked:
                value.problem(
                    f"is not a known key{suggestion(key, self._asked)}", f"use {', '.join(self._asked)} or remove it"
                )
        return self.ok

    @property
    def ok(self) -> bool:
        """Whether no problem of this section or of anything in it was reported."""
        inner = (f"{self.path}.", f"{self.path}[")
        return not any(
            problem.file == self.file
            and (not self.path or problem.field == self.path or problem.field.startswith(inner))
            for problem in self.report.problems
        )

    def _get(self, key: str, default: Any) -> Value | None:
        return self.require(key) if default is _REQUIRED else self.value(key)

    def _path(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path and key else self.path or key

    def _read(self, node: yaml.MappingNode, merged: bool) -> None:
        """Take in the keys of a node; those of a merged one (``<<: *other``) do not replace what is there."""
        merges: list[yaml.Node] = []
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE_TAG:
                merges += value_node.value if isinstance(value_node, yaml.SequenceNode) else [value_node]
                continue
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if key in self._values:
                if not merged:
                    self.report.add(self.file, line, self._path(key), "is written twice", "remove one of the two")
                continue
            self._values[key] = Value(value_node, self._path(key), self.file, line, self.report)
        for other in merges:
            if isinstance(other, yaml.MappingNode):
                self._read(other, merged=True)
            else:
                self.report.add(self.file, other.start_mark.line + 1, self._path("<<"), "is not a mapping", "remove it")


def _fallback(default: Any, placeholder: Any) -> Any:
    return placeholder if default is _REQUIRED else default


def _range(low: float, high: float, unit: str) -> str:
    suffix = f" {unit}" if unit else ""
    if math.isinf(low) and math.isinf(high):
        return f" in{suffix}" if unit else ""
    if math.isinf(high):
        return f" of {low:g}{suffix} or more"
    if math.isinf(low):
        return f" of {high:g}{suffix} or less"
    return f" from {low:g} to {high:g}{suffix}"
