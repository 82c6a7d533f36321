"""What ``walkout evaluate tracking`` does: track, score, print and write."""

from __future__ import annotations

import argparse
import csv
import json
import math
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from walkout.errors import UserError
from walkout.evaluation.tracking_baselines import run_baselines
from walkout.evaluation.tracking_metrics import TrackingScore, score_tracks
from walkout.evaluation.tracking_run import TrackingRun, run_tracker
from walkout.evaluation.tracking_sequence import Sequence, load_sequence
from walkout.evaluation.tracking_view import Film

THRESHOLDS_M = (1.0, 0.5)
OURS = "walkout"
_FILM_FPS = 4.0


@dataclass(frozen=True)
class _Line:
    """One line of the report: a tracker on a sequence, scored at one threshold when there is truth."""

    sequence: str
    tracker: str
    threshold_m: float
    ms_per_frame: float
    score: TrackingScore | None


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    for name in ("json", "video"):
        file: Path | None = getattr(options, name)
        if file and not file.resolve().parent.is_dir():
            raise UserError(f"--{name} {file}: the folder does not exist; create it first")
    sequences = [load_sequence(folder) for folder in options.sequences]
    names = [sequence.name for sequence in sequences]
    if options.tracks and len(set(names)) < len(names):
        raise UserError(f"--tracks {options.tracks}: two sequences have the same name in sequence.yaml; rename one")
    if options.tracks:
        options.tracks.mkdir(parents=True, exist_ok=True)
    lines: list[_Line] = []
    with ExitStack() as stack:
        film = stack.enter_context(Film(options.video, _FILM_FPS)) if options.video else None
        for sequence, result in _tracked(sequences):
            lines += _lines(sequence, OURS, result)
            if options.baselines:
                for name, other in run_baselines(sequence).items():
                    lines += _lines(sequence, name, other)
            if options.tracks:
                write_tracks(options.tracks / f"{sequence.name}.csv", sequence, result)
            if film:
                film.add(sequence, result)
    _print(lines)
    if options.json:
        entries = [_entry(line) for line in lines if line.tracker == OURS]
        document: dict[str, object] = {"sequences": entries}
        if options.baselines:
            document["baselines"] = [{"tracker": li.tracker, **_entry(li)} for li in lines if li.tracker != OURS]
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0


def _tracked(sequences: list[Sequence]) -> Iterator[tuple[Sequence, TrackingRun]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        for sequence in sequences:
            task = progress.add_task(sequence.name, total=len(sequence.frames))
            result = run_tracker(sequence, lambda task=task: progress.advance(task))  # type: ignore[misc]
            for report, count in result.reports.items():
                print(f"warning: {sequence.name}: {report} ({count} times)", file=sys.stderr)
            yield sequence, result


def _lines(sequence: Sequence, tracker: str, result: TrackingRun) -> list[_Line]:
    lines = []
    for threshold in THRESHOLDS_M:
        score = None
        if sequence.truth is not None:
            score = score_tracks(sequence.truth, result.tracks, sequence.frames, threshold)
        lines.append(_Line(sequence.name, tracker, threshold, result.ms_per_frame, score))
    return lines


def write_tracks(file: Path, sequence: Sequence, result: TrackingRun) -> None:
    """Write tracks as ``frame,id,x,y`` with places in metres."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(("frame", "id", "x", "y"))
        for frame in sequence.frames:
            places = result.tracks.get(frame)
            if places is not None:
                for identity, (x, y) in zip(places.ids.tolist(), places.positions.tolist(), strict=True):
                    writer.writerow((frame, identity, f"{x:.3f}", f"{y:.3f}"))


def _entry(line: _Line) -> dict[str, object]:
    score = line.score
    return {
        "name": line.sequence,
        "threshold_m": line.threshold_m,
        "mota": score and score.mota,
        "idf1": score and score.idf1,
        "hota": score and score.hota,
        "error_m": score.error_m if score and math.isfinite(score.error_m) else None,
        "ms_per_frame": line.ms_per_frame,
        "misses": score and score.misses,
        "false_positives": score and score.false_positives,
        "switches": score and score.switches,
    }


def _print(lines: list[_Line]) -> None:
    table = Table(title="Tracks against the truth", title_justify="left")
    for name in ("sequence", "tracker"):
        table.add_column(name)
    for name in ("T", "MOTA", "IDF1", "HOTA", "error", "missed", "false", "switches", "ms/frame"):
        table.add_column(name, justify="right")
    for line in lines:
        figures = ["-"] * 7
        if line.score is not None:
            s = line.score
            figures = [f"{s.mota:.1%}", f"{s.idf1:.1%}", f"{s.hota:.1%}", f"{100 * s.error_m:.1f} cm"]
            figures += [str(s.misses), str(s.false_positives), str(s.switches)]
        table.add_row(line.sequence, line.tracker, f"{line.threshold_m:g} m", *figures, f"{line.ms_per_frame:.1f}")
    console = Console()
    console.width = max(console.width, 100)  # figures that are cut off in a log are of no use
    console.print(table)
    if any(line.score is None for line in lines):
        print("Without truth.csv there is nothing to score against.")
