"""An old benchmark's figures beside new ones."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from walkout.errors import UserError
from walkout.evaluation.receipts_command import check_output

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


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what every benchmark does with its figures: ``--json`` writes them, ``--compare`` shows what changed."""
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures to this file")
    parser.add_argument("--compare", type=Path, metavar="OLD", help="show what changed against an older --json file")


def older_figures(options: argparse.Namespace) -> dict[str, Any] | None:
    """Return the document to compare with, if any, before a long measurement begins.

    Raises:
        UserError: it cannot be read, or the file of ``--json`` could not be written.
    """
    check_output(options.json, "--json")
    return None if options.compare is None else read_figures(options.compare)


def finish(options: argparse.Namespace, console: Console, new: dict[str, Any], old: dict[str, Any] | None) -> int:
    """Write the figures, print what changed, return the command's exit code."""
    if options.json is not None:
        options.json.write_text(json.dumps(new, indent=1) + "\n", encoding="utf-8")
    if old is None:
        return 0
    changes = compare(old, new)
    different = [change for change in changes if change.changed]
    title = f"Changed by more than a tenth: {len(different)} of {len(changes)}"
    table = Table("figure", title=title, title_justify="left")
    for name in ("old", "new", "ratio"):
        table.add_column(name, justify="right")
    for change in different:
        ratio = "-" if change.ratio is None else f"{change.ratio:.2f}"
        table.add_row(change.name, f"{change.old:g}", f"{change.new:g}", ratio)
    console.print(table)
    return 0


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
