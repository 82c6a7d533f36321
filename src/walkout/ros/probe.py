"""Measures a running store from outside: rates, latencies from capture, lost frames, CPU and memory of every node."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import psutil
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import SingleThreadedExecutor
from rosgraph_msgs.msg import Clock

from walkout import msg
from walkout.ros import qos
from walkout.ros.stamps import to_ns
from walkout.store.model import Store

SETTLE_S = 2.0
_DOMAIN = "ROS_DOMAIN_ID"


@dataclass
class GraphFigures:
    """What was measured in ``seconds``: latencies in ms by stage, CPU share (1 = a core) and memory by process."""

    seconds: float = 0.0
    latencies_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    frames_by_camera: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    dropped: dict[str, int] = field(default_factory=dict)
    receipts: int = 0
    processes: dict[str, tuple[float, float]] = field(default_factory=dict)


def measure(store: Store, seconds: float) -> GraphFigures:
    """Listen to the running graph for a while.

    Latencies compare the store's time on arrival here with the capture stamp. The store's time is that of /clock, gone
    on since its last tick as the system's clock has; without /clock it is the system's. Event latencies run from the
    moment a simulated hand let go.

    Raises:
        RuntimeError: no store is running in this ROS domain.
    """
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("benchmark_probe", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    figures, recording = GraphFigures(), [False]
    true_events: dict[str, list[int]] = defaultdict(list)

    clock_lead_ns = [0]

    def on_clock(message: Clock) -> None:
        clock_lead_ns[0] = to_ns(message.clock) - time.time_ns()

    def latency(stage: str, stamp_ns: int) -> None:
        if recording[0]:
            figures.latencies_ms[stage].append((time.time_ns() + clock_lead_ns[0] - stamp_ns) / 1e6)

    def on_detections(message: msg.Detections) -> None:
        latency("detections", to_ns(message.header.stamp))
        figures.frames_by_camera[message.camera_id] += recording[0]

    def on_interaction(message: msg.Interaction) -> None:
        latency("interaction (from settled weight)", to_ns(message.event.end))
        for lane in message.event.lane_ids:
            if true_events[lane]:
                latency("interaction (from the hand's release)", true_events[lane].pop(0))

    def on_truth(message: msg.TruthInteraction) -> None:
        if message.kind != msg.TruthInteraction.TOUCH:
            true_events[message.lane_id].append(to_ns(message.header.stamp))

    def on_receipt(message: msg.Receipt) -> None:
        latency("receipt (from the exit)", to_ns(message.exited))
        figures.receipts += recording[0]

    def on_diagnostics(message: DiagnosticArray) -> None:
        for status in message.status:
            values = {item.key: item.value for item in status.values}
            figures.dropped[status.name.rsplit("/", 1)[-1]] = int(values.get("dropped", 0))

    node.create_subscription(Clock, "/clock", on_clock, 1)
    for camera in store.cameras:
        node.create_subscription(msg.Detections, f"camera/{camera.camera_id}/detections", on_detections, qos.STREAMS)
    node.create_subscription(
        msg.Shoppers, "shoppers", lambda m: latency("shoppers", to_ns(m.header.stamp)), qos.STREAMS
    )
    node.create_subscription(msg.Interaction, "interactions", on_interaction, qos.EVENTS)
    node.create_subscription(msg.Carts, "carts", lambda m: latency("carts", to_ns(m.header.stamp)), qos.EVENTS)
    node.create_subscription(msg.TruthInteraction, "truth/interactions", on_truth, qos.EVENTS)
    node.create_subscription(msg.Receipt, "receipts", on_receipt, qos.EVENTS)
    node.create_subscription(DiagnosticArray, "/diagnostics", on_diagnostics, 50)
    try:
        _spin(executor, SETTLE_S)
        before = _node_processes()
        started, recording[0] = time.monotonic(), True
        _spin(executor, seconds)
        figures.seconds = time.monotonic() - started
        figures.processes = _usage(before, figures.seconds)
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.shutdown(context=context)
    if not figures.latencies_ms and not figures.processes:
        raise RuntimeError(
            "no store is running in this ROS domain; start one with: ros2 launch walkout store.launch.py"
        )
    return figures


def _spin(executor: SingleThreadedExecutor, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        executor.spin_once(timeout_sec=0.05)


def _node_processes() -> dict[int, tuple[str, float]]:
    """Return name and CPU seconds of every process of this ROS domain that runs an executable of this package."""
    found = {}
    for process in psutil.process_iter(["cmdline", "cpu_times", "environ"]):
        if not same_domain(process.info["environ"], os.environ):
            continue
        arguments = process.info["cmdline"] or []
        script = next((argument for argument in arguments[:4] if "/lib/walkout/" in argument), None)
        if script:
            named = [argument.split(":=")[1] for argument in arguments if argument.startswith("__node:=")]
            times = process.info["cpu_times"]
            found[process.pid] = (named[0] if named else script.rsplit("/", 1)[1], times.user + times.system)
    return found


def same_domain(theirs: Mapping[str, str] | None, ours: Mapping[str, str]) -> bool:
    """Return whether two environments name the same ROS domain; None is one that may not be looked at."""
    return theirs is not None and (theirs.get(_DOMAIN) or "0") == (ours.get(_DOMAIN) or "0")


def _usage(before: dict[int, tuple[str, float]], seconds: float) -> dict[str, tuple[float, float]]:
    usage = {}
    for pid, (name, cpu_s) in _node_processes().items():
        if pid in before:
            usage[name] = ((cpu_s - before[pid][1]) / seconds, psutil.Process(pid).memory_info().rss / 2**20)
    return usage
