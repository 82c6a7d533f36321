"""Parsers of textual launch files: the interface, without any implementation."""

from __future__ import annotations

import importlib.metadata as importlib_metadata
import warnings

from ..invalid_launch_file_error import InvalidLaunchFileError
from .expose import action_parse_methods
from .parse_substitution import parse_if_substitutions, parse_substitution


class InvalidFrontendLaunchFileError(InvalidLaunchFileError):
    """A textual launch file that can't be read."""


class Parser:
    """Base of parsers; `load` refuses files, since this stand-in reads Python launch files only."""

    extensions_loaded = False
    frontend_parsers: dict[str, type[Parser]] | None = None

    @classmethod
    def load_launch_extensions(cls) -> None:
        """Load the plug-ins that add actions and substitutions (once)."""
        if not cls.extensions_loaded:
            for entry_point in _entry_points("launch.frontend.launch_extension"):
                _load(entry_point, "launch")
            cls.extensions_loaded = True

    @classmethod
    def load_parser_implementations(cls) -> None:
        """Load the plug-ins that parse (once)."""
        if cls.frontend_parsers is None:
            loaded = {e.name: _load(e, "parser") for e in _entry_points("launch.frontend.parser")}
            cls.frontend_parsers = {name: parser for name, parser in loaded.items() if parser is not None}

    @classmethod
    def load(cls, file):
        """Refuse the file."""
        raise InvalidFrontendLaunchFileError(str(getattr(file, "name", file)).rpartition(".")[2])

    def parse_substitution(self, value):
        """Return the substitutions in a text."""
        return parse_substitution(value)

    def parse_if_substitutions(self, value):
        """Return the substitutions in a value, or the value if there are none."""
        return parse_if_substitutions(value)

    def parse_action(self, entity):
        """Return the action an element describes."""
        self.load_launch_extensions()
        if entity.type_name not in action_parse_methods:
            raise RuntimeError(f"Unrecognized entity of the type: {entity.type_name}")
        action_type, kwargs = action_parse_methods[entity.type_name](entity, self)
        return action_type(**kwargs)


def _entry_points(group: str):
    found = importlib_metadata.entry_points()
    return found.select(group=group) if hasattr(found, "select") else found.get(group, [])


def _load(entry_point, what: str):
    try:
        return entry_point.load()
    except Exception as error:
        warnings.warn(f"Failed to load the {what} extension '{entry_point.name}': {error}", stacklevel=2)
        return None
