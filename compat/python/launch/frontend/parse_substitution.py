r"""Read texts with embedded substitutions, as in ``$(env HOME)/data/$(var name 'a default')``.

Within ``$( )`` arguments are separated by blanks, may be quoted with ' or ", and may contain substitutions
themselves. A backslash takes the meaning from the next ``$``, bracket, quote, blank or backslash inside a
substitution.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import re
from collections.abc import Iterable
from typing import Any

from ..substitution import Substitution
from .expose import substitution_parse_methods

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_ESCAPABLE = "$()'\"\\ "


class SubstitutionParseError(ValueError):
    """A text whose substitutions can't be read."""


def parse_substitution(string_value: str) -> list[Substitution]:
    """Return the substitutions that `string_value` stands for."""
    from ..substitutions import TextSubstitution
    if not string_value:
        return [TextSubstitution(text="")]
    reader = _Reader(string_value)
    return reader.read_template(ends=(), escapes=False)


def parse_if_substitutions(value: Any) -> Any:
    """Return `value` with texts that contain substitutions parsed; ValueError if it is of no allowed type."""
    from ..substitutions import TextSubstitution
    from ..utilities.type_utils import is_instance_of_valid_type, normalize_typed_substitution
    if not is_instance_of_valid_type(value, can_be_str=True):
        raise ValueError(f"'{value}' is neither a scalar nor a list of one scalar type (and texts)")

    def parse(item: Any) -> Any:
        if not isinstance(item, str):
            return item
        parsed = parse_substitution(item)
        return item if all(isinstance(s, TextSubstitution) for s in parsed) else parsed

    parsed = [parse(item) for item in value] if isinstance(value, list) else parse(value)
    return normalize_typed_substitution(parsed, None)


class _Reader:
    """Recursive descent over one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.in_quotes = False

    def read_template(self, ends: Iterable[str], escapes: bool) -> list[Substitution]:
        """Read plain text and substitutions up to (not including) a character of `ends`."""
        from ..substitutions import TextSubstitution
        parts: list[Substitution] = []
        plain = ""
        while self.position < len(self.text):
            character = self.text[self.position]
            if character in ends:
                break
            following = self.text[self.position + 1:self.position + 2]
            if character == "\\" and following and following in (_ESCAPABLE if escapes else "$"):
                plain += following
                self.position += 2
            elif self.text.startswith("$(", self.position):
                if plain:
                    parts.append(TextSubstitution(text=plain))
                    plain = ""
                parts.append(self._read_substitution())
            else:
                plain += character
                self.position += 1
        if plain or not parts:
            parts.append(TextSubstitution(text=plain))
        return parts

    def _read_substitution(self) -> Substitution:
        start = self.position
        self.position += 2
        match = _NAME.match(self.text, self.position)
        if match is None:
            raise SubstitutionParseError(f"no substitution name after '$(' at position {start} of '{self.text}'")
        self.position = match.end()
        arguments: list[list[Substitution]] = []
        while True:
            self._skip_blanks()
            if self.position >= len(self.text):
                raise SubstitutionParseError(f"'$(' at position {start} of '{self.text}' is never closed")
            if self.text[self.position] == ")":
                self.position += 1
                return _make(match.group(), arguments)
            arguments.append(self._read_argument())

    def _skip_blanks(self) -> None:
        while self.position < len(self.text) and self.text[self.position].isspace():
            self.position += 1

    def _read_argument(self) -> list[Substitution]:
        quote = self.text[self.position]
        if quote not in "'\"" or self.in_quotes:
            return self.read_template(ends=" \t\n)", escapes=True)
        start = self.position
        self.position += 1
        # Substitutions inside quotes take quotation marks literally.
        self.in_quotes = True
        inner = self.read_template(ends=quote, escapes=True)
        self.in_quotes = False
        if self.position >= len(self.text):
            raise SubstitutionParseError(f"{quote} at position {start} of '{self.text}' is never closed")
        self.position += 1
        return inner



def _make(name: str, arguments: list[list[Substitution]]) -> Substitution:
    # Importing the package registers its substitutions.
    from .. import substitutions  # noqa: F401
    if name not in substitution_parse_methods:
        _load_known_extensions()
    if name not in substitution_parse_methods:
        raise SubstitutionParseError(f"unknown substitution '{name}'")
    substitution_type, kwargs = substitution_parse_methods[name](arguments)
    return substitution_type(**kwargs)


def _load_known_extensions() -> None:
    """Import launch_ros, which brings find-pkg-share and others, if it is there."""
    if importlib.util.find_spec("launch_ros") is not None:
        # Without the ament index those substitutions are of no use.
        with contextlib.suppress(ImportError):
            importlib.import_module("launch_ros.substitutions")
