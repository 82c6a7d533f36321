"""``walkout evaluate shelf-trace``: the weight events of a recording."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from walkout.errors import UserError
from walkout.evaluation.console import progress_bar
from walkout.evaluation.made_traces import KINDS, make_trace
from walkout.evaluation.shelf_trace import ShelfTrace, TraceEvent, find_events
from walkout.evaluation.shelf_trace_metrics import TraceScore, score_events
from walkout.evaluation.trace_file import read_trace

_EPILOG = """\
examples:
  walkout evaluate shelf-trace shelf.csv                     print the events of a recording
  walkout evaluate shelf-trace shelf.csv --json events.json  and write them to a file
  walkout evaluate shelf-trace --made 40                     how often is it right? 40 hard traces per kind, made up

The file has a column t (seconds, any origin and rate) and one column of grams per plate, in the order in which the
plates lie; empty fields are missing values. Plates whose names differ only in their last number (s2_p1, s2_p2) lie on
one shelf. The events are those of the store's own monitor with the parameters that the store uses.
"""


def add_parser(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``walkout evaluate shelf-trace``."""
    parser = kinds.add_parser(
        "shelf-trace",
        help="weight events of a recording of load cells",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("trace", nargs="?", type=Path, metavar="TRACE.csv", help="recording to read")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the events (or figures) to this file")
    parser.add_argument("--made", type=int, metavar="N", help="measure on N made-up traces of every kind instead")
    parser.add_argument("--first-seed", type=int, default=5000, metavar="N", help="their first seed (default 5000)")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    if options.json and not options.json.resolve().parent.is_dir():
        raise UserError(f"--json {options.json}: the folder does not exist; create it first")
    if (options.trace is None) == (options.made is None):
        raise UserError("give either a recording (TRACE.csv) or --made N")
    if options.made is not None and options.made < 1:
        raise UserError(f"--made {options.made}: must be at least 1")
    document = _read(options.trace) if options.trace else _measure(options.made, options.first_seed)
    if options.json:
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0


def _read(path: Path) -> dict[str, Any]:
    trace = read_trace(path)
    with progress_bar() as progress:
        task = progress.add_task(path.name, total=1.0)
        events = find_events(trace, progress=lambda share: progress.update(task, completed=share))
    _print_events(path, trace, events)
    return {"events": [asdict(event) for event in events]}


def _print_events(path: Path, trace: ShelfTrace, events: list[TraceEvent]) -> None:
    seconds = trace.time_s[-1] - trace.time_s[0]
    table = Table(title=f"{path.name}: {len(trace.names)} plates, {seconds:.1f} s, {len(events)} events")
    for name in ("onset s", "end s", "plates", "grams", "sd"):
        table.add_column(name, justify="left" if name == "plates" else "right")
    for event in events:
        plates = ", ".join(event.plates)
        row = (f"{event.onset_s:.2f}", f"{event.end_s:.2f}", plates, f"{event.delta_g:+.1f}", f"{event.sd_g:.1f}")
        table.add_row(*row)
    Console().print(table)


def _measure(count: int, first_seed: int) -> dict[str, Any]:
    scores: dict[str, TraceScore] = {}
    with progress_bar() as progress:
        task = progress.add_task("traces", total=count * len(KINDS))
        for kind in KINDS:
            scores[kind] = TraceScore()
            for seed in range(first_seed, first_seed + count):
                progress.update(task, advance=1, description=f"{kind}, seed {seed}")
                scores[kind] += measure_one(kind, seed)
    table = Table(title=f"Made-up traces, seeds {first_seed} to {first_seed + count - 1}")
    for name in ("kind", "changes", "precision", "recall", "weight right", "error p50 g", "p95 g"):
        table.add_column(name, justify="left" if name == "kind" else "right")
    for kind, score in {**scores, "total": sum(scores.values(), TraceScore())}.items():
        rates = (f"{score.precision:.3f}", f"{score.recall:.3f}", f"{score.right_share:.3f}")
        table.add_row(kind, str(score.true), *rates, f"{score.error_p50_g:.1f}", f"{score.error_p95_g:.1f}")
    Console().print(table)
    return {kind: score.to_json() for kind, score in scores.items()}


def measure_one(kind: str, seed: int) -> TraceScore:
    """Return how well the monitor reads one made-up trace."""
    made = make_trace(kind, seed)
    names = tuple(f"p{plate}" for plate in range(made.grams.shape[1]))
    return score_events(made.truth, find_events(ShelfTrace(names, made.time_s, made.grams)), names)
