"""Times of every stage in one process, the copies of a frame on its way, and reference implementations beside ours."""

from __future__ import annotations

import json
import sqlite3
import tempfile
import time
import tracemalloc
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from walkout.carts.entries import Entry, LedgerKind
from walkout.carts.ledger import Ledger
from walkout.drivers.types import Frame
from walkout.errors import UserError
from walkout.evaluation.gate_commands import carry_out
from walkout.evaluation.pipeline import StageClock, StorePipeline
from walkout.perception.types import Detections
from walkout.simulation.scenario import Scenario
from walkout.simulation.store_simulator import StoreSimulator
from walkout.store.model import Store

CAMERA_HZ = 10.0
FRAME_STAGES = ("detector", "tracker")
"""What every frame of every camera costs."""
SIMULATOR = "simulator and renderer"
_SEED = 1000


@dataclass
class Stopwatch(StageClock):
    """Keeps milliseconds by stage: of the processor (all threads of this process) and of the clock on the wall."""

    cpu_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    wall_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def start(self) -> tuple[float, float]:
        """Return both clocks."""
        return time.process_time(), time.perf_counter()

    def stop(self, stage: str, mark: tuple[float, float]) -> None:
        """Note what has passed since the mark."""
        self.cpu_ms[stage].append((time.process_time() - mark[0]) * 1e3)
        self.wall_ms[stage].append((time.perf_counter() - mark[1]) * 1e3)

    def to_json(self) -> dict[str, dict[str, float | int]]:
        """Return calls and percentiles by stage."""
        return {
            stage: {
                "calls": len(values),
                "cpu_ms_p50": _percentile(values, 50),
                "cpu_ms_p95": _percentile(values, 95),
                "cpu_ms_mean": round(float(np.mean(values)), 4),
                "wall_ms_p50": _percentile(self.wall_ms[stage], 50),
                "wall_ms_p95": _percentile(self.wall_ms[stage], 95),
            }
            for stage, values in sorted(self.cpu_ms.items())
        }


@dataclass(frozen=True)
class Hop:
    """One step of a frame: ``copied_bytes`` newly allocated for it, ``copies`` the same in frames."""

    name: str
    copied_bytes: int
    copies: float


def time_stages(
    store: Store, scenario: Scenario, seconds: float, progress: Callable[[float], None] = lambda simulated_s: None
) -> tuple[Stopwatch, Frame | None, list[Detections]]:
    """Run a scenario for so many simulated seconds; return the times, the last frame and all detections."""
    watch = Stopwatch()
    found: list[Detections] = []
    with tempfile.TemporaryDirectory(prefix="walkout-") as folder:
        pipeline = StorePipeline(store, ledger_url=f"sqlite:///{folder}/ledger.db", clock=watch)
        simulator = StoreSimulator(store, scenario, _SEED)
        measurements, frame = iter(simulator), None
        while True:
            mark = watch.start()
            measurement = next(measurements, None)
            if measurement is None or measurement.stamp_ns > seconds * 1e9:
                break
            watch.stop(SIMULATOR, mark)
            if isinstance(measurement, Frame):
                frame = measurement
            output = pipeline.feed(measurement)
            if output.detections is not None:
                found.append(output.detections)
            for command in output.commands:
                carry_out(simulator.world, command)
            progress(measurement.stamp_ns * 1e-9)
        pipeline.close()
    return watch, frame, found


def cameras_per_core(watch: Stopwatch, rate_hz: float = CAMERA_HZ) -> float | None:
    """Return how many cameras at ``rate_hz`` keep one core busy with what every frame costs; None without frames."""
    if not all(watch.cpu_ms.get(stage) for stage in FRAME_STAGES):
        return None
    ms = sum(float(np.mean(watch.cpu_ms[stage])) for stage in FRAME_STAGES)
    return 1000.0 / (rate_hz * ms)


def count_copies(frame: Frame) -> list[Hop]:
    """Return what is copied of a frame from the driver to the network: measured, not assumed."""
    from walkout.perception.detector import fit_to_network

    image = frame.image
    hops = [_hop("driver to detector in one process", image.nbytes, lambda: image)]
    try:
        from walkout.ros.images import image_to_msg, msg_to_image
    except ImportError:
        pass
    else:
        message = image_to_msg(image, frame.stamp_ns, "camera")
        hops.append(_hop("picture to ROS message", image.nbytes, lambda: image_to_msg(image, 0, "camera")))
        hops.append(_hop("ROS message to picture", image.nbytes, lambda: msg_to_image(message)))
    hops.append(_hop("picture to the network's input", image.nbytes, lambda: fit_to_network(image, 320, 240)))
    return hops


def _hop(name: str, frame_bytes: int, call: Callable[[], Any]) -> Hop:
    call()  # what is allocated once for ever does not count
    tracemalloc.start()
    kept = call()
    copied = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del kept
    # Objects around the pixels are some hundred bytes; only pixels count.
    copied = 0 if copied < 10_000 else copied
    return Hop(name, copied, round(copied / frame_bytes, 2))


def time_trackers(store: Store, detections: Sequence[Detections]) -> dict[str, float] | None:
    """Return CPU ms that our tracker and others need for all cameras' boxes of a tenth of a second.

    All get the same boxes without joints and looks, in frames as if the cameras were synchronised; the time in which
    the others' boxes are brought to the floor and grouped does not count. None where norfair or filterpy is missing.
    """
    from walkout.evaluation.tracking_baselines import run_baselines
    from walkout.evaluation.tracking_run import run_tracker
    from walkout.evaluation.tracking_sequence import Sequence as Recorded

    boxes = {
        (round(found.stamp_ns * 1e-9 * CAMERA_HZ), found.camera_id): np.column_stack(
            [found.boxes.astype(float), found.scores.astype(float)]
        )
        for found in detections
    }
    if not boxes:
        return None
    last = max(frame for frame, _ in boxes)
    recorded = Recorded("benchmark", CAMERA_HZ, store.cameras, None, boxes, None, range(last + 1))
    try:
        others = run_baselines(recorded)
    except UserError:
        return None
    times = {"ours_ms": run_tracker(recorded).ms_per_frame}
    times |= {f"{name.lower()}_ms": run.ms_per_frame for name, run in others.items()}
    return {name: round(value, 4) for name, value in times.items()}


def time_ledger(entries: int = 200) -> dict[str, float]:
    """Return wall ms per entry written to disk for good: our ledger, and a bare SQLite insert of the same text."""
    payload = {"event_id": "g1-000001", "lane_ids": ["g1/0/0"], "delta_g": -103.5, "sd_g": 1.5, "onset_ns": 10**18}
    with tempfile.TemporaryDirectory(prefix="walkout-") as folder:
        ledger = Ledger(f"sqlite:///{folder}/ledger.db")

        def append(number: int) -> None:
            ledger.append(Entry(LedgerKind.WEIGHT_EVENT, number, "", payload, f"weight:{number}"))

        ours = _per_call(append, entries)
        ledger.close()
        plain = sqlite3.connect(Path(folder) / "plain.db", isolation_level=None)
        plain.execute("PRAGMA journal_mode=WAL")
        plain.execute("PRAGMA synchronous=FULL")
        plain.execute("CREATE TABLE entries (number INTEGER PRIMARY KEY, key TEXT UNIQUE, payload TEXT)")

        def insert(number: int) -> None:
            plain.execute("INSERT INTO entries VALUES (?, ?, ?)", (number, f"weight:{number}", json.dumps(payload)))

        theirs = _per_call(insert, entries)
        plain.close()
    return {"ours_ms": ours, "reference_ms": theirs, "ratio": round(ours / theirs, 2)}


def _per_call(call: Callable[[int], None], times: int) -> float:
    values = []
    for number in range(times):
        started = time.perf_counter()
        call(number)
        values.append((time.perf_counter() - started) * 1e3)
    return _percentile(values, 50)


def _percentile(values: list[float], percent: float) -> float:
    return round(float(np.percentile(values, percent)), 4)
