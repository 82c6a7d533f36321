"""``walkout evaluate receipts``: what shoppers were charged against what they carried out."""

from __future__ import annotations

import argparse
import json
import multiprocessing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from walkout.errors import UserError
from walkout.evaluation.receipt_metrics import ReceiptScore
from walkout.evaluation.receipts import ScenarioResult, load_with_store, run_scenario

_EPILOG = """\
examples:
  walkout evaluate receipts one_shopper three_shoppers     scenarios of config/scenarios
  walkout evaluate receipts my.yaml --seeds 10 --jobs 2    ten seeds, two processes
  walkout evaluate receipts one_shopper --json result.json

The pixels are rendered, the load cells simulated, and the stages are those of the running store, without ROS and as
fast as the machine allows. Seeds start at 1000 (--first-seed), away from those that models were trained with.
"""


def add_parser(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``walkout evaluate receipts``."""
    receipts = kinds.add_parser(
        "receipts",
        help="receipts of simulated shoppers against what they carried out",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    receipts.add_argument("scenarios", nargs="+", metavar="SCENARIO", help="name in config/scenarios or YAML file")
    receipts.add_argument("--seeds", type=_positive, default=1, metavar="N", help="seeds per scenario (default 1)")
    receipts.add_argument("--first-seed", type=int, default=1000, metavar="N", help="first seed (default 1000)")
    receipts.add_argument("--jobs", type=_positive, default=1, metavar="N", help="processes (default 1)")
    receipts.add_argument("--json", type=Path, metavar="OUT", help="write the figures to this file")
    receipts.set_defaults(run=_run_receipts)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {value}")
    return value


@dataclass(frozen=True)
class _Job:
    scenario: str
    seed: int


def _run_receipts(options: argparse.Namespace) -> int:
    for scenario in options.scenarios:
        load_with_store(scenario)
    if options.json and not options.json.resolve().parent.is_dir():
        raise UserError(f"--json {options.json}: the folder does not exist; create it first")
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    jobs = [_Job(scenario, seed) for scenario in options.scenarios for seed in seeds]
    results = _run_all(jobs, options.jobs)
    totals = {
        Path(name).stem: _sum(r.score for r in results if r.scenario == Path(name).stem) for name in options.scenarios
    }
    _print(totals, results)
    if options.json:
        options.json.write_text(json.dumps(_document(totals, results), indent=1) + "\n", encoding="utf-8")
    return 0


def _run_all(jobs: list[_Job], processes: int) -> list[ScenarioResult]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        task = progress.add_task("runs", total=len(jobs))
        results = []
        for result in _results(jobs, processes):
            results.append(result)
            progress.update(task, advance=1, description=f"{result.scenario} seed {result.seed}")
            for mistake in result.mistakes:
                progress.console.print(f"{result.scenario} seed {result.seed}: {mistake}", highlight=False)
    return results


def _results(jobs: list[_Job], processes: int) -> Iterator[ScenarioResult]:
    if processes == 1:
        yield from map(_run_job, jobs)
        return
    # Spawned: a forked process would share the OpenGL and onnxruntime state of its parent.
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from pool.imap(_run_job, jobs)


def _run_job(job: _Job) -> ScenarioResult:
    return run_scenario(job.scenario, job.seed)


def _sum(scores: Iterable[ReceiptScore]) -> ReceiptScore:
    return sum(scores, ReceiptScore())


def _print(totals: dict[str, ReceiptScore], results: list[ScenarioResult]) -> None:
    table = Table(title="Receipts against the truth", title_justify="left")
    for name in (
        "scenario",
        "trips",
        "exact",
        "precision",
        "recall",
        "F1",
        "shopper",
        "product",
        "over",
        "under",
        "RTF",
    ):
        table.add_column(name, justify="left" if name == "scenario" else "right")
    rows = dict(totals) if len(totals) == 1 else totals | {"total": _sum(r.score for r in results)}
    for name, score in rows.items():
        table.add_row(
            name,
            str(score.trips),
            f"{score.exact_receipts} ({_percent(score.exact_receipts, score.trips)})",
            f"{score.item_precision:.1%}",
            f"{score.item_recall:.1%}",
            f"{score.item_f1:.1%}",
            f"{score.shopper_accuracy:.1%}",
            f"{score.product_accuracy:.1%}",
            _percent(score.overcharge_minor, score.value_minor),
            _percent(score.undercharge_minor, score.value_minor),
            f"{score.real_time_factor:.2f}",
        )
    Console().print(table)


def _percent(part: float, whole: float) -> str:
    return f"{part / whole:.1%}" if whole else "-"


def _document(totals: dict[str, ReceiptScore], results: list[ScenarioResult]) -> dict[str, object]:
    scenarios = [
        {
            "scenario": name,
            **score.to_json(),
            "runs": [
                {"seed": result.seed, "mistakes": list(result.mistakes), **result.score.to_json()}
                for result in results
                if result.scenario == name
            ],
        }
        for name, score in totals.items()
    ]
    return {"total": _sum(result.score for result in results).to_json(), "scenarios": scenarios}
