"""``walkout evaluate drift``: is a bumped camera found, and does a store as calibrated keep quiet?"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from rich.table import Table

from walkout.evaluation.console import progress_bar
from walkout.evaluation.receipts_command import check_output, positive
from walkout.evaluation.results import wide_console

_EPILOG = """\
examples:
  walkout evaluate drift three_shoppers                                    any false alarm?
  walkout evaluate drift three_shoppers --bump c4:2:yaw --bump c1:3:pitch  is a turned camera named, and after how long?
  walkout evaluate drift suite/busy_6 --seed 5901 --seconds 90 --json drift.json

Every line has a tracker and an alarm of its own; all get the same detections, those of the store's detector in rendered
pictures. A bumped camera is turned in the store file that they are given. Residuals are in percent of the width.
"""


def add_parser(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``walkout evaluate drift``."""
    parser = kinds.add_parser(
        "drift",
        help="the alarm for bumped cameras, on simulated shoppers",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scenario", metavar="SCENARIO", help="scenario to run, such as three_shoppers")
    parser.add_argument("--seed", type=positive, default=1, help="seed of the run (default 1)")
    parser.add_argument("--seconds", type=positive, metavar="S", help="stop after so many simulated seconds")
    parser.add_argument(
        "--bump",
        type=_bump,
        action="append",
        default=[],
        metavar="CAMERA:DEGREES[:AXIS]",
        help="turn a camera about its axis yaw (default), pitch or roll; may be repeated, each is a run of its own",
    )
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures to this file")
    parser.set_defaults(run=_run)


def _bump(text: str) -> tuple[str, float, str]:
    camera_id, _, rest = text.partition(":")
    degrees, _, axis = rest.partition(":")
    try:
        turn = float(degrees)
    except ValueError:
        turn = 0.0
    if not camera_id or not 0 < abs(turn) <= 90 or axis not in ("", "yaw", "pitch", "roll"):
        raise argparse.ArgumentTypeError(f"must be camera:degrees[:yaw|pitch|roll], such as c3:2:yaw, got {text}")
    return camera_id, turn, axis or "yaw"


def _run(options: argparse.Namespace) -> int:
    from walkout.evaluation.drift_trial import Bump, run_trials
    from walkout.evaluation.scenario_run import load_with_store

    check_output(options.json, "--json")
    scenario, store = load_with_store(options.scenario)
    bumps = [Bump(*bump) for bump in options.bump]
    for bump in bumps:
        bump.cameras(store)
    with progress_bar() as progress:
        task = progress.add_task(f"{options.scenario} seed {options.seed}", total=options.seconds)
        rows = run_trials(
            store,
            scenario,
            options.seed,
            bumps,
            options.seconds,
            lambda simulated_s: progress.update(task, completed=simulated_s),
        )
    wide_console().print(_table(f"{options.scenario}, seed {options.seed}", rows))
    if options.json:
        document = {"scenario": options.scenario, "seed": options.seed, "trials": rows}
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0


def _table(title: str, rows: list[dict[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left")
    for name in ("camera turned", "its residual %", "largest median of others %", "their peak %", "alarms after s"):
        table.add_column(name, justify="left" if name == "camera turned" else "right")
    for row in rows:
        own = "-" if row["residual_percent"] is None else f"{row['residual_percent']:.2f}"
        alarms = ", ".join(f"{camera_id} {at:.0f}" for camera_id, at in row["alarms_s"].items()) or "none"
        others = (f"{row[key]:.2f}" for key in ("others_percent", "others_percent_max"))
        table.add_row(row["bump"], own, *others, alarms)
    return table
