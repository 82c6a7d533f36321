"""``walkout doctor``: is this machine, and the store that runs on it, all right, and what to do where it is not."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.text import Text

from walkout.errors import UserError
from walkout.perception.models import SHOPPER_DETECTOR, find_model
from walkout.ros import doctor_checks as checks
from walkout.ros.doctor_checks import Finding
from walkout.ros.doctor_graph import GraphView, graph, look
from walkout.ros.shared_memory import clean
from walkout.ros.supervision import Level
from walkout.store.loader import load_store

LISTEN_S = 3.0
_STYLES = {Level.OK: ("ok   ", "green"), Level.WARN: ("warn ", "yellow"), Level.ERROR: ("ERROR", "bold red")}
_EXAMPLES = """\
examples:
  walkout doctor                    look at this machine and at the store that runs in this ROS domain
  walkout doctor --json | jq .      the same for programs
  walkout doctor --clean            first remove what killed processes have left in shared memory
  walkout doctor || notify-send "the store needs care"

Exit code: 0 nothing is wrong (warnings may be shown), 1 something is, 2 wrong usage.
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``walkout doctor``."""
    parser = subparsers.add_parser(
        "doctor",
        help="look for what is wrong with this machine and the running store",
        description="Look for what is wrong with this machine and with the running store, and say what to do.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print JSON: a list of check, level, text, remedy")
    parser.add_argument("--clean", action="store_true", help="remove leaked shared memory first")
    parser.add_argument("--offline", action="store_true", help="look at the machine alone, not at a running store")
    parser.add_argument(
        "--listen", type=float, default=LISTEN_S, metavar="S", help=f"seconds to listen to the graph ({LISTEN_S:g})"
    )
    parser.set_defaults(run=_run)


def examine_machine() -> Iterator[Finding]:
    """Yield what is so on this machine."""
    yield from checks.distribution()
    yield from checks.stand_ins()
    yield from checks.profile()
    yield from checks.shared_memory()
    yield from checks.discovery()
    yield from checks.models(find_model(SHOPPER_DETECTOR).parent)
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state", "walkout")
    yield from checks.disk((state, Path(os.environ.get("ROS_LOG_DIR") or Path.home() / ".ros")))


def examine_graph(view: GraphView) -> Iterator[Finding]:
    """Yield what is so in the running store."""
    try:
        store = load_store(view.store_directory) if view.store_directory else None
    except UserError as error:
        yield Finding("store", Level.ERROR, str(error).splitlines()[0], f"walkout store check {view.store_directory}")
        store = None
    yield from graph(view, store)


def _run(options: argparse.Namespace) -> int:
    if options.listen <= 0:
        raise UserError(f"--listen {options.listen}: must be more than 0 seconds")
    if options.clean:
        count, size = clean()
        if not options.json:
            print(f"removed {count} leaked shared-memory segments, {size / 2**20:.0f} MiB")
    findings = list(examine_machine())
    if not options.offline:
        findings += examine_graph(look(options.listen))
    if options.json:
        print(json.dumps([finding.as_dict() for finding in findings], indent=2))
    else:
        _show(findings)
    return int(any(finding.level >= Level.ERROR for finding in findings))


def _show(findings: list[Finding]) -> None:
    console = Console(highlight=False)
    width = max(len(finding.check) for finding in findings)
    for finding in findings:
        word, style = _STYLES[finding.level]
        console.print(Text.assemble((word, style), f"  {finding.check:<{width}}  {finding.text}"))
        if finding.remedy:
            console.print(Text.assemble(" " * (width + 9), ("→ ", style), finding.remedy))
