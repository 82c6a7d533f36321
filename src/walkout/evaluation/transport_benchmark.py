"""``walkout benchmark transport``: what comes through of camera pictures, how late, and what it costs."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from walkout.errors import UserError
from walkout.evaluation.comparison import add_options, finish, older_figures
from walkout.evaluation.results import machine, wide_console
from walkout.ros.process_environment import KEEP_MEMORY, PROFILES

START_S = 60.0
"""Time that both processes get at most to start and to find each other."""
WARM_UP_NS = 1_000_000_000

_EPILOG = """\
rows:
  bare        a plain rclpy publisher and subscriber, each in a process of its own
  walkout     Walkout's camera drivers and a subscriber, each in a process of its own, as the launch files start them
  composed    Walkout's camera drivers and the taker of the frames in one process: nothing is published
  default DDS as bare, without the shared-memory profile of config/fastdds.xml

Run it on an idle machine; latency is from capture to the callback that has the picture.
"""


@dataclass(frozen=True)
class Load:
    """So many cameras of one size and rate."""

    cameras: int
    width: int
    height: int
    rate_hz: float

    def __str__(self) -> str:
        """Name it as people do."""
        return f"{self.cameras} x {self.height}p at {self.rate_hz:g} Hz"


LOADS = (Load(6, 640, 480, 10.0), Load(6, 640, 480, 15.0), Load(2, 1920, 1080, 15.0))
ROWS = (
    ("bare", "bare", True),
    ("walkout", "walkout", True),
    ("composed", "composed", True),
    ("default DDS", "bare", False),
)
"""Name, mode of the worker, and whether with the shared-memory profile."""


@dataclass(frozen=True)
class Result:
    """What was measured of one row; CPU is a share of one core, latencies in ms (None when nothing came)."""

    load: str
    row: str
    sent: int
    delivered: int
    p50_ms: float | None
    p95_ms: float | None
    publisher_cpu: float
    subscriber_cpu: float


class _Worker:
    """One end of the benchmark in a process of its own."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True, bufsize=1
        )

    def read(self) -> str:
        """Return the next line that the process prints. Raises UserError when it has ended instead."""
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            complaints = self._process.stderr.read() if self._process.stderr else ""
            said = complaints.strip().splitlines() or ["it did not answer in time"]
            raise UserError(f"transport benchmark: a process failed: {said[-1]}")
        return line

    def tell(self, line: str) -> None:
        """Write a line to the process."""
        if self._process.stdin:
            self._process.stdin.write(line + "\n")

    def kill(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()


def add_parser(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``walkout benchmark transport``."""
    parser = kinds.add_parser(
        "transport",
        help="delivery, latency and CPU of camera pictures, against bare rclpy",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="how long to measure each row (default 10)")
    add_options(parser)
    parser.set_defaults(run=_run)


def measure(load: Load, row: str, mode: str, with_profile: bool, seconds: float) -> Result:
    """Run one row: two processes (one when composed) that agree on a window of time.

    Raises:
        UserError: a process failed; its last line says why.
    """
    environment = dict(os.environ)
    if not with_profile:
        environment.pop(PROFILES, None)
    if mode != "bare":
        environment = KEEP_MEMORY | environment
    size = f"{load.width}x{load.height}"
    arguments = ("--cameras", str(load.cameras), "--size", size, "--rate", str(load.rate_hz))
    roles = ("publish",) if mode == "composed" else ("subscribe", "publish")
    command = [sys.executable, "-m", "walkout.ros.transport_worker"]
    workers = {role: _Worker([*command, role, mode, *arguments], environment) for role in roles}
    watchdog = threading.Timer(START_S + seconds, _kill, [list(workers.values())])
    watchdog.start()
    try:
        for worker in workers.values():
            worker.read()
        begin_ns = time.time_ns() + WARM_UP_NS
        for worker in workers.values():
            worker.tell(f"{begin_ns} {begin_ns + round(seconds * 1e9)}")
        told = {role: json.loads(worker.read()) for role, worker in workers.items()}
    finally:
        watchdog.cancel()
        _kill(list(workers.values()))
    taker = told.get("subscribe", told["publish"])
    latencies = taker["latencies_ms"]
    p50, p95 = np.percentile(latencies, [50, 95]).round(2).tolist() if latencies else (None, None)
    subscriber_cpu = told["subscribe"]["cpu"] if "subscribe" in told else 0.0
    return Result(
        str(load), row, told["publish"]["sent"], len(latencies), p50, p95, told["publish"]["cpu"], subscriber_cpu
    )


def _kill(workers: list[_Worker]) -> None:
    for worker in workers:
        worker.kill()


def _run(options: argparse.Namespace) -> int:
    if options.seconds <= 0:
        raise UserError(f"--seconds {options.seconds}: must be more than 0")
    old, about = older_figures(options), machine()
    plan = [(load, *row) for load in LOADS for row in ROWS]
    results = [measure(*one, options.seconds) for one in track(plan, "measuring", console=Console(stderr=True))]
    console = wide_console()
    host = f"{about['processor']}, {about['cores']} cores; load {about['load_1min']} before the run"
    console.print(host, highlight=False)
    console.print(_table(results))
    by_load: dict[str, dict[str, Any]] = {}
    for result in results:
        by_load.setdefault(result.load, {})[result.row] = asdict(result)
    figures = {"kind": "transport", "machine": about, "seconds": options.seconds, "results": by_load}
    return finish(options, console, figures, old)


def _table(results: list[Result]) -> Table:
    table = Table(title="Transport of camera pictures", title_justify="left")
    for column in ("load", "by", "delivered", "p50 ms", "p95 ms", "CPU % out", "CPU % in"):
        table.add_column(column, justify="left" if column in ("load", "by") else "right")
    for result in results:
        p50, p95 = ("-" if value is None else f"{value:.1f}" for value in (result.p50_ms, result.p95_ms))
        cpu = [f"{100 * value:.0f}" for value in (result.publisher_cpu, result.subscriber_cpu)]
        table.add_row(result.load, result.row, f"{result.delivered}/{result.sent}", p50, p95, *cpu)
    return table
