"""``walkout evaluate suite``: all classes of hard cases, beside what others have published."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from walkout.errors import UserError
from walkout.evaluation.receipts_command import add_run_options, check_output, positive, run_and_write

if TYPE_CHECKING:
    from walkout.evaluation.public_figures import Comparison

_EPILOG = """\
examples:
  walkout evaluate suite --jobs 2                      everything: hours; writes docs/evaluation/suite-DATE-COMMIT.md
  walkout evaluate suite --only swap --only "busy"     the classes whose name holds one of the words
  walkout evaluate suite --seeds-per-class 1 --jobs 2  every class once: about a quarter of the time
  walkout evaluate suite --quick                       three kiosk scenarios, minutes; writes no page
  walkout evaluate suite --jobs 2 --report result/     with pictures of all wrong receipts
  walkout evaluate suite --jobs 2 --resume runs.bin    after a power cut the same command goes on where it was

Ctrl-C ends it early: every class has had its first seed before any gets its second, and what is done counts.
Scenarios and seeds are those of config/scenarios/suite; neither models nor parameters are made with them.
"""

QUICK = ("kiosk_one", "kiosk_put_back", "kiosk_two")
QUICK_SEEDS = (1000,)


def add_parser(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``walkout evaluate suite``."""
    suite = kinds.add_parser(
        "suite",
        help="all classes of scenarios, beside public figures",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    suite.add_argument("--quick", action="store_true", help="three small scenarios instead, for a change in the making")
    suite.add_argument("--only", action="append", metavar="WORD", help="classes whose name holds the word (repeatable)")
    suite.add_argument(
        "--seeds-per-class", type=positive, metavar="N", help="only the first N seeds of every class (default: all)"
    )
    suite.add_argument(
        "--pages",
        type=Path,
        metavar="DIR",
        help="where the result page goes (default docs/evaluation of the source tree)",
    )
    add_run_options(suite)
    suite.set_defaults(run=_run_suite)


def _run_suite(options: argparse.Namespace) -> int:
    from walkout.evaluation.public_figures import compare_with_public
    from walkout.evaluation.scenario_jobs import in_rounds, make_jobs, scenario_files, suite_files
    from walkout.evaluation.suite_page import write_page
    from walkout.evaluation.true_perception import Perception

    check_output(options.json, "--json")
    check_output(options.resume, "--resume")
    if options.quick and options.only:
        raise UserError("--quick and --only exclude each other; leave one out")
    pages = None if options.quick else _pages_folder(options)
    perception, evidence = Perception(options.perception), bool(options.report)
    if options.quick:
        jobs = make_jobs(scenario_files(QUICK), QUICK_SEEDS, perception, evidence)
    else:
        jobs = in_rounds(make_jobs(suite_files(options.only), None, perception, evidence, options.seeds_per_class))
    results, about = run_and_write(jobs, options)
    comparisons = compare_with_public(results)
    _print_comparisons(comparisons)
    if pages is not None:
        print(f"page: {write_page(pages, results, comparisons, about)}")
    return 0


def _pages_folder(options: argparse.Namespace) -> Path:
    """Return where the page goes. Raises UserError when there is no such place."""
    if options.pages is not None:
        if not options.pages.is_dir():
            raise UserError(f"--pages {options.pages}: the folder does not exist; create it first")
        return Path(options.pages)
    docs = Path(__file__).resolve().parents[3] / "docs"
    if not docs.is_dir():
        raise UserError("this installation has no docs folder; name one with --pages")
    folder = docs / "evaluation"
    folder.mkdir(exist_ok=True)
    return folder


def _print_comparisons(comparisons: list[Comparison]) -> None:
    from rich.table import Table

    from walkout.evaluation.results import wide_console

    table = Table(title="Beside public figures (other data, other stores)", title_justify="left")
    for name in ("what", "ours", "best public figure", "by"):
        table.add_column(name)
    for row in comparisons:
        table.add_row(row.what, row.ours, row.public, row.source)
    wide_console().print(table)
