"""``walkout parameters``: what can be set about every node, as tables or as the files that are made from it."""

from __future__ import annotations

import argparse
import difflib
import importlib
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from walkout.errors import UserError
from walkout.ros.parameters import DEFAULTS_FILE
from walkout.settings import Setting, Value, settings_of

SPECIFICATIONS = {
    "store": "walkout.ros.parameters:StoreParameters",
    "simulator": "walkout.simulation.node:SimulatorParameters",
    "camera_driver": "walkout.drivers.node:CameraDriverParameters",
    "shelf_driver": "walkout.drivers.node:ShelfDriverParameters",
    "detector": "walkout.perception.node:DetectorNodeParameters",
    "tracker": "walkout.tracking.node:TrackerNodeParameters",
    "shelf_monitor": "walkout.interactions.node:ShelfMonitorNodeParameters",
    "gate": "walkout.carts.gate_node:GateNodeParameters",
    "cart_manager": "walkout.carts.node:CartManagerParameters",
    "lifecycle_manager": "walkout.ros.manager_node:ManagerParameters",
    "web_view": "walkout.analytics.node:WebViewParameters",
}
"""Where each kind of node has its dataclass."""

_ROOT = Path(__file__).resolve().parents[3]
_FILE_HEAD = """\
# Every parameter of every node with its default. Made by `walkout parameters --write`; a test holds it to the code.
#
# Copy what you want to change into a file of your own: ros2 launch walkout store.launch.py parameters:=FILE
# camera_driver and shelf_driver hold for all drivers; a section with a node's own name (camera_driver_c1) wins.
"""
_DOCS_HEAD = """\
# Parameters

Made by `walkout parameters --write`; do not edit. `config/parameters.yaml` has the same as a file to copy from, for
`ros2 launch walkout store.launch.py parameters:=FILE`. A misspelt name stops its node with a line that says which was
meant. Parameters marked "yes" can be changed while the node runs (`ros2 param set`); the others are read at its start.
"""
_COLUMNS = ("| parameter | default | allowed | at run time | meaning |", "|---|---|---|---|---|")
_EXAMPLES = """\
examples:
  walkout parameters tracker     what can be set about the tracker, with units and ranges
  walkout parameters             the same of all nodes
  walkout parameters --write     write config/parameters.yaml and docs/parameters.md anew
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``walkout parameters``."""
    parser = subparsers.add_parser(
        "parameters",
        help="show what can be set about the nodes; write the files",
        description="Show what can be set about the nodes, with units, ranges and defaults.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("nodes", nargs="*", metavar="NODE", help=f"{', '.join(SPECIFICATIONS)} (default: all)")
    parser.add_argument("--write", action="store_true", help="write config/parameters.yaml and docs/parameters.md")
    parser.set_defaults(run=_run)


def specification(kind: str) -> tuple[Setting, ...]:
    """Return the settings of a kind of node. Raises UserError when there is none."""
    if kind not in SPECIFICATIONS:
        near = difflib.get_close_matches(kind, SPECIFICATIONS, 1)
        raise UserError(
            f"no node {kind!r}; " + (f"did you mean {near[0]}?" if near else f"known: {list(SPECIFICATIONS)}")
        )
    module, name = SPECIFICATIONS[kind].split(":")
    return tuple(settings_of(getattr(importlib.import_module(module), name)))


def defaults_file() -> str:
    """Return the text of config/parameters.yaml."""
    lines = [_FILE_HEAD]
    for kind in SPECIFICATIONS:
        lines += [f"{kind}:", "  ros__parameters:"]
        for item in specification(kind):
            about = ", ".join(filter(None, [item.limits or item.unit, "may change at run time" * item.writable]))
            lines.append(f"    # {item.description}{f' ({about})' if about else ''}")
            lines.append(f"    {item.name}: {_yaml(item.default)}")
        lines.append("")
    return "\n".join(lines)


def documentation() -> str:
    """Return the text of docs/parameters.md."""
    lines = [_DOCS_HEAD]
    for kind in SPECIFICATIONS:
        lines += [
            f"## {kind}",
            "",
            "| parameter | default | allowed | at run time | meaning |",
            "|---|---|---|---|---|",
        ]
        for item in specification(kind):
            default, allowed = f"`{_yaml(item.default)}`", _escape(item.limits or item.unit)
            runs = "yes" if item.writable else ""
            lines.append(f"| `{item.name}` | {default} | {allowed} | {runs} | {_escape(item.description)} |")
        lines.append("")
    return "\n".join(lines)


def _yaml(value: Value) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_yaml(item) for item in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        text = repr(value)
        # YAML 1.1 reads 1e-06 as a text.
        return text if "." in text else text.replace("e", ".0e")
    return f'"{value}"' if isinstance(value, str) else str(value)


def _escape(text: str) -> str:
    return text.replace("|", "\\|")


def _run(options: argparse.Namespace) -> int:
    if options.write:
        for path, text in written_files().items():
            path.write_text(text, encoding="utf-8")
            print(f"written: {path}")
        return 0
    kinds = options.nodes or list(SPECIFICATIONS)
    tables = [_table(kind, specification(kind)) for kind in kinds]
    Console().print(*tables, sep="\n")
    return 0


def written_files() -> dict[Path, str]:
    """Return the files that are made from the specifications, and their texts.

    Raises:
        UserError: the package is installed, not a checkout: there is nothing to write to.
    """
    if not (_ROOT / "config").is_dir():
        raise UserError(f"{_ROOT} is no checkout of Walkout: --write is for developers")
    return {
        _ROOT / "config" / DEFAULTS_FILE: defaults_file(),
        _ROOT / "docs" / "parameters.md": documentation(),
    }


def _table(kind: str, settings: Iterable[Setting]) -> Table:
    table = Table(title=kind, title_justify="left", expand=True)
    for heading in ("parameter", "default", "allowed", "meaning"):
        table.add_column(heading, overflow="fold")
    for item in settings:
        table.add_row(item.name, _yaml(item.default), item.limits or item.unit, item.description)
    return table
