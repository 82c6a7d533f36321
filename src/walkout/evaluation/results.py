"""The figures of many runs as a document and as tables on the terminal."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from walkout import __version__
from walkout.evaluation.figures import RunFigures
from walkout.evaluation.receipts import ScenarioResult
from walkout.evaluation.statistics import wilson_interval

COLUMNS = (
    "scenario",
    "trips",
    "exact",
    "95 %",
    "precision",
    "recall",
    "F1",
    "shopper",
    "product",
    "over",
    "under",
    "RTF",
)


def figures_by_scenario(results: Sequence[ScenarioResult]) -> dict[str, RunFigures]:
    """Return the sum of each scenario's runs, in the order of the first."""
    totals: dict[str, RunFigures] = {}
    for result in results:
        totals[result.scenario] = totals.get(result.scenario, RunFigures()) + result.figures
    return totals


def figures_by_class(results: Sequence[ScenarioResult]) -> dict[str, RunFigures]:
    """Return the sum of the runs of each class of scenario."""
    totals: dict[str, RunFigures] = {}
    for result in results:
        totals[result.scenario_class] = totals.get(result.scenario_class, RunFigures()) + result.figures
    return totals


def total_of(results: Sequence[ScenarioResult]) -> RunFigures:
    """Return the sum of all runs."""
    return sum((result.figures for result in results), RunFigures())


def document(results: Sequence[ScenarioResult], about: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything for --json: ``total``, ``scenarios`` with their ``runs``, and ``about``."""
    scenarios = [
        {
            "scenario": name,
            "class": next(result.scenario_class for result in results if result.scenario == name),
            **figures.to_json(),
            "runs": [
                {"seed": result.seed, "mistakes": list(result.mistakes), **result.figures.to_json()}
                for result in results
                if result.scenario == name
            ],
        }
        for name, figures in figures_by_scenario(results).items()
    ]
    return {"total": total_of(results).to_json(), "scenarios": scenarios, "about": dict(about)}


def about_run(command: str, perception: str) -> dict[str, Any]:
    """Return what the figures rest on: version, commit, date, machine."""
    return {
        "command": command,
        "perception": perception,
        "version": __version__,
        "commit": commit(),
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": machine(),
    }


def machine() -> dict[str, Any]:
    """Return what speed depends on: host, processor, cores, Python and the load before the run."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return {
        "host": platform.node(),
        "processor": model,
        "cores": psutil.cpu_count(),
        "python": platform.python_version(),
        "load_1min": round(psutil.getloadavg()[0], 2),
    }


def commit() -> str:
    """Return the commit of the source tree, with "+" when it was changed since; "" outside one."""
    here = Path(__file__).resolve().parent

    def git(*arguments: str) -> str:
        environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
        done = subprocess.run(
            ["git", "-C", str(here), *arguments], capture_output=True, text=True, check=False, env=environment
        )
        return done.stdout.strip() if done.returncode == 0 else ""

    try:
        name = git("rev-parse", "--short=12", "HEAD")
        return name + "+" if name and git("status", "--porcelain", "--untracked-files=no") else name
    except OSError:
        return ""


def print_results(results: Sequence[ScenarioResult]) -> None:
    """Print one row per scenario, a total, and the figures that need no table."""
    console = wide_console()
    table = Table(title="Receipts against the truth", title_justify="left")
    for name in COLUMNS:
        table.add_column(name, justify="left" if name == "scenario" else "right")
    totals = figures_by_scenario(results)
    rows = dict(totals) if len(totals) == 1 else totals | {"total": total_of(results)}
    for name, figures in rows.items():
        table.add_row(name, *_cells(figures))
    console.print(table)
    for line in summary_lines(total_of(results)):
        console.print(line, highlight=False, soft_wrap=True)


def wide_console() -> Console:
    """Return a console that does not squeeze tables when the output goes to a file or a pipe."""
    console = Console()
    return console if console.is_terminal else Console(width=160)


def _cells(figures: RunFigures) -> list[str]:
    score = figures.score
    low, high = wilson_interval(score.exact_receipts, score.trips)
    return [
        str(score.trips),
        f"{score.exact_receipts} ({percent(score.exact_receipts, score.trips)})",
        f"{low:.0%}-{high:.0%}" if score.trips else "-",
        f"{score.item_precision:.1%}",
        f"{score.item_recall:.1%}",
        f"{score.item_f1:.1%}",
        f"{score.shopper_accuracy:.1%}",
        f"{score.product_accuracy:.1%}",
        percent(score.overcharge_minor, score.value_minor),
        percent(score.undercharge_minor, score.value_minor),
        f"{score.real_time_factor:.2f}",
    ]


def summary_lines(figures: RunFigures) -> list[str]:
    """Return the figures beside the table, a line each."""
    score, values = figures.score, figures.to_json()
    latency = values["latency"]
    error = values["calibration_error"]
    return [
        f"events: precision {score.event_precision:.1%}, recall {score.event_recall:.1%} of {score.events}; "
        f"quantity {score.quantity_accuracy:.1%}",
        f"money: over-charged {score.overcharge_minor / 100:.2f}, under-charged {score.undercharge_minor / 100:.2f} "
        f"of {score.value_minor / 100:.2f}",
        f"reviews: {score.reviews_per_1000:.0f} per 1,000 trips; "
        f"calibration error of {len(figures.claims)} lines: {'-' if error is None else f'{error:.3f}'}",
        f"event to cart: {_latency(latency['event_to_cart_s'], 1, 's')} in store time, "
        f"{_latency(latency['event_to_cart_cpu_s'], 1000, 'ms')} of CPU",
        f"exit to receipt: {_latency(latency['exit_to_receipt_s'], 1, 's')} in store time, "
        f"{_latency(latency['exit_to_receipt_cpu_s'], 1000, 'ms')} of CPU",
        _tracking(values["tracking"]),
        _beliefs(values["tracking"]),
        f"stages: {score.cpu_s_per_store_minute:.1f} CPU seconds per store minute",
    ]


def _tracking(found: Mapping[str, Any]) -> str:
    if found["error_cm"] is None:
        return "tracking: nobody was followed"
    wrists = f"wrists {found['wrist_error_cm']:.1f} cm" if found["wrist_error_cm"] is not None else "no wrists"
    reaching = found["reaching_wrist_error_cm"]
    reaching = "" if reaching is None else f", {reaching:.1f} cm while reaching"
    return (
        f"tracking at {found['threshold_m']:g} m: MOTA {found['mota']:.1%}, IDF1 {found['idf1']:.1%}, "
        f"HOTA {found['hota']:.1%}; place {found['error_cm']:.1f} cm; "
        f"{wrists} (median, {found['wrist_known']:.0%} known){reaching}"
    )


def _beliefs(found: Mapping[str, Any]) -> str:
    """Return how honest the tracker's covariances and identity probabilities are."""
    place, error = found["place_nees"], found["identity_calibration_error"]
    if place["within_95"] is None or error is None:
        return "tracking, how sure: nothing was compared"
    wrists = (
        f"{row['error_cm_p50']:.1f} cm / {row['within_95']:.0%} with {views}"
        for views, row in found["wrists_by_views"].items()
        if row["count"]
    )
    return (
        f"tracking, how sure: place {found['place_error_cm_p50']:.1f} cm (median), NEES {place['nees_per_dof']:.2f}, "
        f"{place['within_95']:.0%} within the 95 % ellipse; wrists by cameras that show them (median / within 95 %): "
        f"{', '.join(wrists) or '-'}; identities: calibration error {error:.3f} of {found['identity_claims']}"
        f"{_groups(found['groups'])}"
    )


def _groups(found: Mapping[str, Any]) -> str:
    if found["auc"] is None:
        return ""
    precision = "-" if found["precision"] is None else f"{found['precision']:.0%}"
    return (
        f"; who came together: AUC {found['auc']:.2f}, precision {precision}, recall {found['recall']:.0%} "
        f"of {found['together']} in {found['pairs']} pairs"
    )


def _latency(found: Mapping[str, Any], scale: float, unit: str) -> str:
    if not found["count"]:
        return "-"
    p50, p95, p99 = (f"{scale * found[name]:.2f}" for name in ("p50", "p95", "p99"))
    return f"p50 {p50}, p95 {p95}, p99 {p99} {unit}"


def percent(part: float, whole: float) -> str:
    """Return a share as text, "-" of nothing."""
    return f"{part / whole:.1%}" if whole else "-"
