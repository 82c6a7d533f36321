"""``walkout benchmark``: how fast is the store on this machine?"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

from walkout.errors import UserError
from walkout.evaluation import transport_benchmark
from walkout.evaluation.comparison import add_options, finish, older_figures
from walkout.evaluation.results import commit, machine, wide_console
from walkout.store.loader import load_store

_EPILOG = """\
examples:
  walkout benchmark stages                                ms of every stage, in one process, no ROS
  walkout benchmark stages --scenario kiosk_one --seconds 15
  walkout benchmark tracker                               ms of the tracker per camera update, 3 to 50 people
  walkout benchmark tracker --load 20x8 --load 20x16      for numbers of people and cameras of your own
  walkout benchmark graph --seconds 60                    the running store (start it first in another shell)
  walkout benchmark graph --launch three_shoppers         start the store, measure, stop it again
  walkout benchmark graph --json new.json --compare old.json
  walkout benchmark transport                             camera pictures between processes, against bare rclpy

Figures depend on what else the machine does: its load is printed with them. CPU times depend on it less than others.
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``walkout benchmark``."""
    parser = subparsers.add_parser(
        "benchmark",
        help="measure the stages and the running graph",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kinds = parser.add_subparsers(dest="kind", metavar="KIND", required=True)
    graph = kinds.add_parser("graph", help="rates, latencies, drops, CPU and memory of the running graph")
    graph.add_argument("--store", default="corner", help="store that runs (default corner)")
    graph.add_argument("--seconds", type=_seconds, default=60.0, help="how long to listen (default 60)")
    graph.add_argument(
        "--launch", metavar="SCENARIO", help="start the store with this scenario, time its start-up, and stop it again"
    )
    graph.set_defaults(run=_run_graph)
    stages = kinds.add_parser("stages", help="time of every stage for one scenario, in one process")
    stages.add_argument("--scenario", default="three_shoppers", help="scenario to run (default three_shoppers)")
    stages.add_argument("--seconds", type=_seconds, default=40.0, help="simulated seconds (default 40)")
    stages.set_defaults(run=_run_stages)
    tracker = kinds.add_parser(
        "tracker",
        help="time of the tracker per camera update for a made-up crowd",
        description="Times the tracker alone, on made-up detections of so many people before so many cameras at 10 Hz.",
    )
    tracker.add_argument(
        "--load",
        type=_load,
        action="append",
        metavar="PEOPLExCAMERAS",
        help="such as 15x8, may be repeated (default 3x6 15x8 30x12 50x24, and 5 to 40 people before 8 cameras)",
    )
    tracker.add_argument("--seconds", type=_seconds, default=10.0, help="simulated seconds of each (default 10)")
    tracker.set_defaults(run=_run_tracker)
    transport_benchmark.add_parser(kinds)
    for kind in (graph, stages, tracker):
        add_options(kind)


def _seconds(text: str) -> float:
    value = float(text)
    if not 1 <= value <= 86400:
        raise argparse.ArgumentTypeError(f"must be 1 to 86400 seconds, got {text}")
    return value


def _load(text: str) -> tuple[int, int]:
    """Return the people and cameras of a load such as 15x8."""
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isdecimal() for part in parts):
        raise argparse.ArgumentTypeError(f"must be people x cameras, such as 15x8, got {text}")
    people, cameras = int(parts[0]), int(parts[1])
    if not (1 <= people <= 500 and 2 <= cameras <= 200):
        raise argparse.ArgumentTypeError(f"must be 1 to 500 people and 2 to 200 cameras, got {text}")
    return people, cameras


def _about() -> dict[str, Any]:
    return {**machine(), "commit": commit()}


def _print_machine(console: Console, about: Mapping[str, Any]) -> None:
    console.print(
        f"{about['processor']}, {about['cores']} cores, {about['host']}; load {about['load_1min']} before the run; "
        f"Python {about['python']}; commit {about['commit'] or 'unknown'}",
        highlight=False,
    )


# ---- stages


def _run_stages(options: argparse.Namespace) -> int:
    from walkout.evaluation import stage_benchmark as stages
    from walkout.evaluation.scenario_run import load_with_store

    old = older_figures(options)
    scenario, store = load_with_store(options.scenario)
    console, about = wide_console(), _about()
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task(f"{options.scenario}, {options.seconds:g} s", total=options.seconds)
        watch, frame, detections = stages.time_stages(
            store, scenario, options.seconds, lambda now_s: progress.update(task, completed=now_s)
        )
    cameras = stages.cameras_per_core(watch)
    figures: dict[str, Any] = {
        "kind": "stages",
        "machine": about,
        "stages": watch.to_json(),
        "cameras_per_core_at_10_hz": None if cameras is None else round(cameras, 2),
        "tracker": stages.time_trackers(store, detections),
        "ledger": stages.time_ledger(),
    }
    _print_machine(console, about)
    _print_stages(console, figures)
    if frame is not None:
        figures["copies"] = _print_copies(console, stages.count_copies(frame))
        figures["transport"] = _transport()
    _print_references(console, figures)
    return finish(options, console, figures, old)


def _print_stages(console: Console, figures: Mapping[str, Any]) -> None:
    table = _table("Time per call, ms", "stage", "calls", "CPU p50", "CPU p95", "wall p50", "wall p95")
    for name, row in figures["stages"].items():
        values = (row[key] for key in ("cpu_ms_p50", "cpu_ms_p95", "wall_ms_p50", "wall_ms_p95"))
        table.add_row(name, str(row["calls"]), *(f"{value:.2f}" for value in values))
    console.print(table)
    cameras = figures["cameras_per_core_at_10_hz"]
    if cameras is not None:
        console.print(f"{cameras:.1f} cameras per core at 10 Hz (detector and tracker)", highlight=False)


def _print_copies(console: Console, hops: list[Any]) -> list[dict[str, Any]]:
    table = _table("A frame on its way", "step", "bytes copied", "copies of the frame")
    for hop in hops:
        table.add_row(hop.name, f"{hop.copied_bytes:,}", f"{hop.copies:g}")
    console.print(table)
    return [{"step": hop.name, "bytes": hop.copied_bytes, "copies": hop.copies} for hop in hops]


def _transport(seconds: float = 5.0) -> dict[str, Any] | None:
    """Return how one camera's pictures travel between processes, None where ROS is not there."""
    if find_spec("rclpy") is None:
        return None
    load = transport_benchmark.Load(1, 640, 480, 30.0)
    ours, bare = (transport_benchmark.measure(load, mode, mode, True, seconds) for mode in ("walkout", "bare"))
    ratio = None if not ours.p50_ms or not bare.p50_ms else round(ours.p50_ms / bare.p50_ms, 2)
    return {"ours": asdict(ours), "reference": asdict(bare), "ratio": ratio}


def _print_references(console: Console, figures: Mapping[str, Any]) -> None:
    table = _table("Against reference implementations, ms p50", "what", "ours", "reference", "ratio")
    tracker, ledger, transport = figures["tracker"], figures["ledger"], figures.get("transport")
    for name in [key for key in tracker or () if key != "ours_ms"]:
        what = f"all cameras' boxes of 0.1 s tracked (ours; {name.removesuffix('_ms')}), CPU"
        ratio = tracker["ours_ms"] / tracker[name]
        table.add_row(what, f"{tracker['ours_ms']:.2f}", f"{tracker[name]:.2f}", f"{ratio:.2f}")
    table.add_row(
        "entry written to disk (ledger; bare SQLite insert)",
        f"{ledger['ours_ms']:.2f}",
        f"{ledger['reference_ms']:.2f}",
        f"{ledger['ratio']:.2f}",
    )
    if transport:
        ours, bare = (transport[way]["p50_ms"] for way in ("ours", "reference"))
        table.add_row(
            "picture to another process (our publisher; bare rclpy)",
            *("-" if value is None else f"{value:.2f}" for value in (ours, bare, transport["ratio"])),
        )
    console.print(table)


# ---- tracker


def _run_tracker(options: argparse.Namespace) -> int:
    from walkout.evaluation import tracker_benchmark as benchmark

    old = older_figures(options)
    console, about = wide_console(), _about()
    loads = [benchmark.Load(*load) for load in options.load or ()] or list(benchmark.LOADS)
    scaling = [] if options.load else list(benchmark.GROWTH)
    times = []
    with Progress(console=Console(stderr=True)) as progress:
        for load in [*loads, *scaling]:
            task = progress.add_task(f"{load.people} people x {load.cameras} cameras", total=1.0)
            times.append(benchmark.time_tracker(load, options.seconds, partial(_advance, progress, task)))
            progress.update(task, completed=1.0)
    figures: dict[str, Any] = {
        "kind": "tracker",
        "machine": about,
        "seconds": options.seconds,
        "loads": {str(load): row.to_json() for load, row in zip(loads, times, strict=False)},
    }
    if scaling:
        rows = times[len(loads) :]
        figures["growth"] = {str(load): row.to_json() for load, row in zip(scaling, rows, strict=True)}
        figures["growth_power"] = round(benchmark.growth(rows), 3)
    _print_machine(console, about)
    _print_tracker(console, figures)
    return finish(options, console, figures, old)


def _advance(progress: Progress, task: TaskID, share: float) -> None:
    progress.update(task, completed=share)


def _print_tracker(console: Console, figures: Mapping[str, Any]) -> None:
    columns = ("people x cameras", "boxes a frame", "p50", "p95", "mean", "real-time factor at 10 Hz", "followed")
    for key, title in (("loads", "CPU ms per camera update"), ("growth", "The same cameras, ever more people")):
        table = _table(title, *columns)
        for row in figures.get(key, {}).values():
            table.add_row(
                f"{row['people']} x {row['cameras']}",
                f"{row['boxes']:.1f}",
                *(f"{row[name]:.2f}" for name in ("cpu_ms_p50", "cpu_ms_p95", "cpu_ms_mean")),
                f"{row['real_time_factor']:.2f}",
                f"{row['followed']:.1%}",
            )
        if table.row_count:
            console.print(table)
    if "growth_power" in figures:
        power = figures["growth_power"]
        console.print(f"the mean grows with people to the power of {power:.2f} (1: in proportion)", highlight=False)


# ---- graph


def _run_graph(options: argparse.Namespace) -> int:
    from walkout.ros.probe import measure  # the rest of this command works without ROS
    from walkout.ros.started_store import launched

    old = older_figures(options)
    store, console, about = load_store(options.store), wide_console(), _about()
    try:
        if options.launch:
            with launched(store, options.launch) as start_up_s:
                figures = measure(store, options.seconds)
        else:
            start_up_s, figures = None, measure(store, options.seconds)
    except RuntimeError as error:
        raise UserError(str(error)) from error
    document = {
        "kind": "graph",
        "machine": about,
        "seconds": figures.seconds,
        "start_up_s": start_up_s,
        "latencies_ms": {
            stage: {
                "messages": len(values),
                "rate_hz": round(len(values) / figures.seconds, 2),
                **dict(zip(("p50", "p95", "max"), np.percentile(values, [50, 95, 100]).round(1).tolist(), strict=True)),
            }
            for stage, values in figures.latencies_ms.items()
        },
        "frames_by_camera": dict(sorted(figures.frames_by_camera.items())),
        "dropped": figures.dropped,
        "receipts": figures.receipts,
        "processes": {name: {"cpu": cpu, "memory_mb": memory} for name, (cpu, memory) in figures.processes.items()},
    }
    _print_machine(console, about)
    _print_graph(console, document)
    return finish(options, console, document, old)


def _print_graph(console: Console, document: Mapping[str, Any]) -> None:
    title = f"Latency from capture, ms ({document['seconds']:.0f} s)"
    latency = _table(title, "stage", "messages", "rate Hz", "p50", "p95", "max")
    for stage, row in document["latencies_ms"].items():
        times = (f"{row[name]:.0f}" for name in ("p50", "p95", "max"))
        latency.add_row(stage, str(row["messages"]), f"{row['rate_hz']:.1f}", *times)
    usage = _table("Processes", "node", "CPU %", "memory MB", "dropped")
    dropped, processes = document["dropped"], document["processes"]
    for name, row in sorted(processes.items()):
        lost = dropped.get("detector" if name == "perception_container" else name)
        usage.add_row(name, f"{100 * row['cpu']:.1f}", f"{row['memory_mb']:.0f}", "-" if lost is None else str(lost))
    cpu, memory = (sum(row[key] for row in processes.values()) for key in ("cpu", "memory_mb"))
    usage.add_row("total", f"{100 * cpu:.1f}", f"{memory:.0f}", str(sum(dropped.values())))
    console.print(latency, usage)
    console.print(f"frames per camera: {document['frames_by_camera']}; receipts: {document['receipts']}")
    if document["start_up_s"] is not None:
        console.print(f"start-up, until detections of every camera and shoppers flow: {document['start_up_s']:.1f} s")


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for number, name in enumerate(columns):
        table.add_column(name, justify="left" if number == 0 else "right")
    return table
