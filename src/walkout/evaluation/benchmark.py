"""``walkout benchmark``: how fast is the store on this machine?"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from walkout.errors import UserError
from walkout.evaluation.pipeline import StorePipeline
from walkout.evaluation.results import machine
from walkout.evaluation.scenario_run import load_with_store
from walkout.simulation.store_simulator import StoreSimulator
from walkout.store.loader import load_store

_EPILOG = """\
examples:
  walkout benchmark stages                     ms of every stage, in one process, no ROS
  walkout benchmark graph --seconds 60         the running store (start it first in another shell)
  walkout benchmark graph --json graph.json
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
    graph.add_argument("--seconds", type=float, default=60.0, help="how long to listen (default 60)")
    graph.set_defaults(run=_run_graph)
    stages = kinds.add_parser("stages", help="time of every stage for one scenario, in one process")
    stages.add_argument("--scenario", default="three_shoppers", help="scenario to run (default three_shoppers)")
    stages.add_argument("--seconds", type=float, default=40.0, help="simulated seconds (default 40)")
    stages.set_defaults(run=_run_stages)
    for kind in (graph, stages):
        kind.add_argument("--json", type=Path, metavar="OUT", help="write the figures to this file")


def _run_graph(options: argparse.Namespace) -> int:
    from walkout.ros.probe import measure  # the rest of this command works without ROS

    about = machine()
    try:
        figures = measure(load_store(options.store), options.seconds)
    except RuntimeError as error:
        raise UserError(str(error)) from error
    latency = Table(title=f"Latency from capture, ms ({figures.seconds:.0f} s)", title_justify="left")
    for column in ("stage", "messages", "rate Hz", "p50", "p95", "max"):
        latency.add_column(column, justify="left" if column == "stage" else "right")
    for stage, values in figures.latencies_ms.items():
        p50, p95 = np.percentile(values, [50, 95])
        rate = len(values) / figures.seconds
        latency.add_row(stage, str(len(values)), f"{rate:.1f}", f"{p50:.0f}", f"{p95:.0f}", f"{max(values):.0f}")
    usage = Table(title="Processes", title_justify="left")
    for column in ("node", "CPU %", "memory MB", "dropped"):
        usage.add_column(column, justify="left" if column == "node" else "right")
    for name, (cpu, memory) in sorted(figures.processes.items()):
        dropped = figures.dropped.get(name) if name != "perception_container" else figures.dropped.get("detector")
        usage.add_row(name, f"{100 * cpu:.1f}", f"{memory:.0f}", "-" if dropped is None else str(dropped))
    total_cpu = sum(cpu for cpu, _ in figures.processes.values())
    total_memory = sum(memory for _, memory in figures.processes.values())
    usage.add_row("total", f"{100 * total_cpu:.1f}", f"{total_memory:.0f}", str(sum(figures.dropped.values())))
    console = Console()
    console.print(about, latency, usage)
    console.print(f"frames per camera: {dict(sorted(figures.frames_by_camera.items()))}; receipts: {figures.receipts}")
    document = {
        "machine": about,
        "seconds": figures.seconds,
        "latencies_ms": {
            stage: dict(zip(("p50", "p95", "max"), np.percentile(values, [50, 95, 100]).round(1).tolist(), strict=True))
            for stage, values in figures.latencies_ms.items()
        },
        "frames_by_camera": dict(figures.frames_by_camera),
        "dropped": figures.dropped,
        "receipts": figures.receipts,
        "processes": {name: {"cpu": cpu, "memory_mb": memory} for name, (cpu, memory) in figures.processes.items()},
    }
    _write(options.json, document)
    return 0


def _run_stages(options: argparse.Namespace) -> int:
    about = machine()
    scenario, store = load_with_store(options.scenario)
    pipeline = StorePipeline(store)
    simulator = StoreSimulator(store, scenario, 1000)
    spent_ms: dict[str, list[float]] = {}
    measurements = iter(simulator)
    while True:
        measurement = _timed(spent_ms, "simulator and renderer", lambda: next(measurements, None))
        if measurement is None or measurement.stamp_ns > options.seconds * 1e9:
            break
        name = f"all stages, per {type(measurement).__name__}"
        output = _timed(spent_ms, name, partial(pipeline.feed, measurement))
        for command in output.commands:
            simulator.world.open_gate(command.gate_id)
    pipeline.close()
    table = Table(title="Time per call, ms", title_justify="left")
    for column in ("stage", "calls", "p50", "p95", "total s"):
        table.add_column(column, justify="left" if column == "stage" else "right")
    for name, values in spent_ms.items():
        p50, p95 = np.percentile(values, [50, 95])
        table.add_row(name, str(len(values)), f"{p50:.2f}", f"{p95:.2f}", f"{sum(values) / 1e3:.1f}")
    Console().print(about, table)
    _write(options.json, {"machine": about, "ms": {name: float(np.median(v)) for name, v in spent_ms.items()}})
    return 0


def _timed(spent_ms: dict[str, list[float]], name: str, call: Callable[[], Any]) -> Any:
    started = time.perf_counter()
    result = call()
    spent_ms.setdefault(name, []).append((time.perf_counter() - started) * 1e3)
    return result


def _write(path: Path | None, document: dict[str, Any]) -> None:
    if path is not None:
        path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
