"""An old benchmark's figures beside new ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from walkout.errors import UserError

CHANGED = 0.1
"""Figures that differ by less than this share are the same."""


@dataclass(frozen=True)
class Change:
    """A figure that both documents have. ``ratio`` is new by old, None when the old one is 0."""

    name: str
    old: float
    new: float

    @property
    def ratio(self) -> float | None:
        """New by old."""
        return self.new / self.old if self.old else None

    @property
    def changed(self) -> bool:
        """Whether the two differ by more than noise."""
        return abs(self.new - self.old) > CHANGED * max(abs(self.old), abs(self.new))


def read_figures(path: Path) -> dict[str, Any]:
    """Return an older benchmark's document.

    Raises:
        UserError: the file is missing or is not one.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"--compare {path}: {error.strerror}; name a file that --json has written") from error
    except ValueError as error:
        raise UserError(f"--compare {path}: is not JSON; name a file that --json has written") from error
    if not isinstance(document, dict) or "machine" not in document:
        raise UserError(f"--compare {path}: has no figures of a benchmark; name a file that --json has written")
    return document


def compare(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    """Return all figures that both have, by their path in the document, what tells of the machine left out."""
    before, after = dict(_figures(old)), dict(_figures(new))
    return [Change(name, before[name], after[name]) for name in after if name in before]


def _figures(node: Any, path: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(node, dict):
        for key, value in node.items():
            if not (path == "" and key in ("machine", "kind")):
                yield from _figures(value, f"{path} / {key}" if path else str(key))
    elif isinstance(node, (int, float)) and not isinstance(node, bool):
        yield path, float(node)
