"""``walkout evaluate receipts``: what shoppers were charged against what they carried out."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from walkout.errors import UserError

if TYPE_CHECKING:
    from walkout.evaluation.receipts import ScenarioResult
    from walkout.evaluation.scenario_jobs import Job

_EPILOG = """\
examples:
  walkout evaluate receipts one_shopper three_shoppers     scenarios of config/scenarios
  walkout evaluate receipts my.yaml --seeds 10 --jobs 2    ten seeds, two processes
  walkout evaluate receipts my_scenarios/                  all scenarios of a folder
  walkout evaluate receipts one_shopper --json result.json --report result/
  walkout evaluate receipts one_shopper --perception keypoints
                                                           true joints instead of the detector's: what
                                                           the stages after it could do, never a result

The pixels are rendered, the load cells simulated, and the stages are those of the running store, without ROS and as
fast as the machine allows. Seeds start at 1000 (--first-seed), away from those that models were trained with. The same
seed gives the same figures, those of speed excepted.
"""


def add_parser(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``walkout evaluate receipts``."""
    receipts = kinds.add_parser(
        "receipts",
        help="receipts of simulated shoppers against what they carried out",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    receipts.add_argument(
        "scenarios", nargs="+", metavar="SCENARIO", help="name in config/scenarios, YAML file or folder of them"
    )
    receipts.add_argument("--seeds", type=positive, default=1, metavar="N", help="seeds per scenario (default 1)")
    receipts.add_argument("--first-seed", type=_seed, default=1000, metavar="N", help="first seed (default 1000)")
    add_run_options(receipts)
    receipts.set_defaults(run=_run_receipts)


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Add what all evaluations of receipts share."""
    parser.add_argument("--jobs", type=positive, default=1, metavar="N", help="processes (default 1)")
    parser.add_argument(
        "--perception",
        choices=("pixels", "keypoints", "truth-boxes"),
        default="pixels",
        help="pixels (default): the detector; keypoints, truth-boxes: the truth instead, to isolate later stages",
    )
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures to this file")
    parser.add_argument(
        "--resume",
        type=Path,
        metavar="FILE",
        help="keep every finished run in FILE; given again after a kill, only what is missing there is run",
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="DIR",
        help="write one HTML page with plots and, for wrong receipts, pictures of what happened",
    )


def positive(text: str) -> int:
    """Return a count of at least 1; for argparse."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {value}")
    return value


def _seed(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"must not be negative, got {value}")
    return value


def check_output(path: Path | None, option: str) -> None:
    """Raise UserError now rather than after hours when a file could not be written."""
    if path is None:
        return
    if not path.resolve().parent.is_dir():
        raise UserError(f"{option} {path}: the folder does not exist; create it first")
    if path.is_dir():
        raise UserError(f"{option} {path}: is a folder; name a file")


def command_line() -> str:
    """Return the command as it was given, to be written down with its figures."""
    return " ".join(["walkout", *sys.argv[1:]])


def run_and_write(jobs: Sequence[Job], options: argparse.Namespace) -> tuple[list[ScenarioResult], dict[str, Any]]:
    """Run the jobs, print the table, write --json and --report; return the results and what they rest on."""
    from walkout.evaluation.finished_runs import FinishedRuns
    from walkout.evaluation.report import prepare_folder, write_report
    from walkout.evaluation.results import about_run, document, print_results
    from walkout.evaluation.scenario_jobs import run_jobs

    if options.report:
        prepare_folder(options.report)
    about = about_run(command_line(), options.perception)
    finished = FinishedRuns(options.resume, about["commit"] or about["version"]) if options.resume else None
    results = run_jobs(jobs, options.jobs, finished)
    about |= {"runs": len(results), "runs_planned": len(jobs)}
    check_trips(results)
    print_results(results)
    if options.json:
        options.json.write_text(json.dumps(document(results, about), indent=1) + "\n", encoding="utf-8")
    if options.report:
        print(f"report: {write_report(options.report, results, about)}")
    return results, about


def check_trips(results: Sequence[ScenarioResult]) -> None:
    """Say which scenarios have nothing to judge. Raises UserError when none has."""
    trips: dict[str, int] = {}
    for result in results:
        trips[result.scenario] = trips.get(result.scenario, 0) + result.score.trips
    empty = [name for name, count in trips.items() if count == 0]
    remedy = "nobody who shops has come in and left; give more arrivals or a longer duration_s"
    if len(empty) == len(trips):
        raise UserError(f"{', '.join(empty)}: {remedy}")
    for name in empty:
        print(f"warning: {name}: {remedy}", file=sys.stderr)


def _run_receipts(options: argparse.Namespace) -> int:
    from walkout.evaluation.scenario_jobs import make_jobs, scenario_files
    from walkout.evaluation.true_perception import Perception

    check_output(options.json, "--json")
    check_output(options.resume, "--resume")
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    files = scenario_files(options.scenarios)
    run_and_write(make_jobs(files, seeds, Perception(options.perception), bool(options.report)), options)
    return 0
