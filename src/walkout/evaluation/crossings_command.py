"""``walkout evaluate crossings``: are identity probabilities right when shoppers have met?"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

from walkout.evaluation.receipts_command import check_output, positive

FIRST_SEED = 1000
_EPILOG = """\
examples:
  walkout evaluate crossings                                   100 crossings, two minutes
  walkout evaluate crossings --runs 400 --seed 1000 --plot reliability.png --json crossings.json

People made of boxes and joints walk towards each other before two to four cameras, in like or unlike clothes, pass,
turn back or stay together, and all cameras see nothing for up to three seconds meanwhile; the tracker is the store's.
A claim is "this track is so-and-so" with its probability, ten a second and person, of the track's own identity and of
the others that it names. The parameters were chosen with seeds below 1000. The same seed gives the same figures.
"""


def add_parser(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``walkout evaluate crossings``."""
    parser = kinds.add_parser(
        "crossings",
        help="identity probabilities of the tracker when people meet, on made-up crossings",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--runs", type=positive, default=100, metavar="N", help="crossings (default 100)")
    parser.add_argument(
        "--seed", type=positive, default=FIRST_SEED, metavar="N", help=f"seed of the first (default {FIRST_SEED})"
    )
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures to this file")
    parser.add_argument("--plot", type=Path, metavar="PNG", help="write a reliability diagram to this file")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from walkout.evaluation.console import progress_bar
    from walkout.evaluation.crossings import by_grade, figures, score_crossing
    from walkout.evaluation.results import wide_console

    check_output(options.json, "--json")
    check_output(options.plot, "--plot")
    seeds = range(options.seed, options.seed + options.runs)
    scores = []
    with progress_bar() as progress:
        task = progress.add_task("crossings", total=options.runs)
        for seed in seeds:
            scores.append(score_crossing(seed))
            progress.update(task, advance=1)
    total, grades = figures(scores), by_grade(scores)
    console = wide_console()
    title = f"{options.runs} crossings, seeds {seeds[0]} to {seeds[-1]}"
    for table in (_outcome(title, total, grades), _claims(total), _bins(total)):
        console.print(table)
    if options.json:
        document = {"seeds": [seeds[0], seeds[-1]], "total": total, "by_grade": grades}
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    if options.plot:
        from walkout.evaluation.plots import identity_plot

        options.plot.write_bytes(identity_plot(total["during"]["bins"], total["after"]["bins"]))
    return 0


def _outcome(title: str, total: dict[str, Any], grades: Any) -> Table:
    """Return who ends under which identity, by how long it was dark."""
    from walkout.evaluation.made_crossings import DARK_S

    names = ("exchanged", "corrected", "lost", "top_right", "top_promised")
    table = _table(title, "dark, s", "crossings", "people", *(n.replace("_", " ") + " %" for n in names), "error after")
    for grade, row in [*grades.items(), (None, total)]:
        low, high = DARK_S[grade] if grade is not None else (0.0, 0.0)
        name = "all" if grade is None else f"{low:g} to {high:g}" if high else "none"
        shares = (_percent(row[n]) for n in names)
        table.add_row(
            name, str(row["crossings"]), str(row["people"]), *shares, _number(row["after"]["calibration_error"])
        )
    return table


def _claims(total: dict[str, Any]) -> Table:
    """Return how right the claims are."""
    table = _table("claims", "", "number", "calibration error", "Brier", "log score", "5 to 95 %", "promised", "right")
    for phase in ("during", "after", "all"):
        row = total[phase]
        scores = (_number(row[name]) for name in ("calibration_error", "brier", "log_score"))
        doubts = (_percent(row[name]) for name in ("doubtful_promised", "doubtful_right"))
        table.add_row(phase, f"{row['claims']:,}", *scores, f"{row['doubtful']:,}", *doubts)
    return table


def _bins(total: dict[str, Any]) -> Table:
    """Return what claims promised and what came true."""
    table = _table("reliability of all claims", "from", "claims", "promised %", "right %")
    for row in total["all"]["bins"]:
        shares = _percent(row["mean_probability"]), _percent(row["share_right"])
        table.add_row(f"{row['low']:.1f}", f"{row['count']:,}", *shares)
    return table


def _table(title: str, *columns: str) -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if number else "left")
    return table


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
