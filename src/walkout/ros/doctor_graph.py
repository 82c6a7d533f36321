"""The part of ``walkout doctor`` that listens to a running store."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.executors import SingleThreadedExecutor
from rosgraph_msgs.msg import Clock

from walkout import msg
from walkout.ros import qos
from walkout.ros.diagnostics import lasting_warnings
from walkout.ros.doctor_checks import Finding
from walkout.ros.health import HEALTH_TOPIC, admission
from walkout.ros.manager_node import CORE_NODES
from walkout.ros.reporting import mismatches
from walkout.ros.stamps import to_ns
from walkout.ros.supervision import Level
from walkout.store.model import Store

OTHERS = ("store", "lifecycle_manager")
SLOW_SHARE, TOO_SLOW_SHARE = 0.8, 0.5
AHEAD_MS, BEHIND_MS = -100.0, 3000.0
SKEW_LEAST_S = 1.0
_QUIET_TOPICS = ("/rosout", "/parameter_events")


@dataclass(frozen=True)
class Report:
    """The newest diagnostics of a node. ``lead_s`` is how far its clock was ahead of ours when they arrived."""

    level: Level
    message: str
    values: dict[str, str]
    lead_s: float


@dataclass
class GraphView:
    """What was heard of the running graph."""

    nodes: set[str] = field(default_factory=set)
    reports: dict[str, Report] = field(default_factory=dict)
    health: DiagnosticStatus | None = None
    store_directory: str = ""
    mismatches: list[str] = field(default_factory=list)
    clock_publishers: list[str] = field(default_factory=list)


def look(seconds: float) -> GraphView:
    """Listen to the graph of this ROS domain for a while."""
    context = rclpy.Context()
    rclpy.init(args=[], context=context)
    node = rclpy.create_node("doctor", context=context, start_parameter_services=False)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    view = GraphView()
    store_time: list[tuple[int, int]] = []

    def on_diagnostics(message: DiagnosticArray) -> None:
        now_ns = time.time_ns()
        if store_time:
            clock_ns, heard_ns = store_time[-1]
            now_ns += clock_ns - heard_ns
        lead_s = (to_ns(message.header.stamp) - now_ns) / 1e9
        for status in message.status:
            values = {item.key: item.value for item in status.values}
            name = status.name.rsplit("/", 1)[-1]
            view.reports[name] = Report(Level(status.level[0]), status.message, values, lead_s)

    def on_health(message: DiagnosticStatus) -> None:
        view.health = message

    def on_layout(message: msg.StoreLayout) -> None:
        view.store_directory = message.directory

    def on_clock(message: Clock) -> None:
        store_time.append((to_ns(message.clock), time.time_ns()))

    node.create_subscription(DiagnosticArray, "/diagnostics", on_diagnostics, qos.EVENTS)
    node.create_subscription(DiagnosticStatus, HEALTH_TOPIC, on_health, qos.LATCHED)
    node.create_subscription(msg.StoreLayout, "store/layout", on_layout, qos.LATCHED)
    node.create_subscription(Clock, "/clock", on_clock, 1)
    try:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            executor.spin_once(timeout_sec=0.05)
        view.nodes = set(node.get_node_names()) - {"doctor"}
        for topic, _ in node.get_topic_names_and_types():
            if topic not in _QUIET_TOPICS:
                view.mismatches += mismatches(node, topic)
        view.clock_publishers = [end.node_name for end in node.get_publishers_info_by_topic("/clock")]
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.shutdown(context=context)
    return view


def graph(view: GraphView, store: Store | None) -> Iterator[Finding]:
    """Judge what was heard; ``store`` tells which drivers there must be."""
    if not view.nodes & {*CORE_NODES, *OTHERS}:
        remedy = "start one: ros2 launch walkout store.launch.py; or set ROS_DOMAIN_ID to that of the one you mean"
        yield Finding("nodes", Level.WARN, "no store is running in this ROS domain", remedy)
        return
    yield from _nodes(view, store)
    yield from _health(view)
    yield from _errors(view)
    yield from _rates(view, store)
    yield from _clocks(view)
    for text in view.mismatches:
        yield Finding("quality of service", Level.ERROR, text, "give both ends the profile of walkout.ros.qos")
    if not view.mismatches:
        yield Finding("quality of service", Level.OK, "all ends of all topics can talk to each other")


def _nodes(view: GraphView, store: Store | None) -> Iterator[Finding]:
    wanted = [*OTHERS, *CORE_NODES]
    if store is not None:
        wanted += [f"shelf_driver_{fixture.fixture_id}" for fixture in store.fixtures if fixture.shelves]
        wanted += [f"camera_driver_{camera.camera_id}" for camera in store.cameras]
    if "topic" in view.nodes or "rosbag2_player" in view.nodes:
        wanted = [name for name in wanted if "_driver_" not in name]  # a bag plays the sensors
    missing = [name for name in wanted if name not in view.nodes]
    core = [name for name in missing if "camera_driver" not in name]
    if missing:
        remedy = "see the launch's output for why; it starts again by itself what dies"
        yield Finding("nodes", Level.ERROR if core else Level.WARN, f"missing: {', '.join(missing)}", remedy)
    else:
        yield Finding("nodes", Level.OK, f"all {len(wanted)} are there")


def _health(view: GraphView) -> Iterator[Finding]:
    allowed, reason = admission(view.health)
    if allowed and view.health is not None:
        yield Finding("health", Level.OK, f"shoppers are admitted ({view.health.message})")
    else:
        remedy = "mend what it names; a store that was paused or shut down: ros2 service call /manage_store"
        yield Finding("health", Level.ERROR, f"nobody is admitted: {reason}", remedy)


def _errors(view: GraphView) -> Iterator[Finding]:
    for name, report in sorted(view.reports.items()):
        if report.level >= Level.ERROR:
            yield Finding("nodes", Level.ERROR, f"{name}: {report.message}", "mend what it says")
        warning = lasting_warnings(report.values)
        if warning:
            yield Finding("nodes", Level.WARN, f"{name}: {warning}", "do what it says; the store goes on meanwhile")
        dropped = int(report.values.get("dropped", "0"))
        if dropped:
            handled = int(report.values.get("handled", "0"))
            if dropped > 0.01 * (dropped + handled):
                text = f"{name} has dropped {dropped} of {dropped + handled}"
                yield Finding("nodes", Level.WARN, text, "the machine is too slow: fewer cameras, or another machine")


def _rates(view: GraphView, store: Store | None) -> Iterator[Finding]:
    if store is None:
        yield Finding("cameras", Level.WARN, "the store node has not said which store this is", "start the store node")
        return
    slow = list(_slow_cameras(view, store))
    yield from slow
    heard = [camera for camera in store.cameras if f"camera_driver_{camera.camera_id}" in view.reports]
    if heard and not slow:
        yield Finding("cameras", Level.OK, f"{len(heard)} at their rates")


def _slow_cameras(view: GraphView, store: Store) -> Iterator[Finding]:
    for camera in store.cameras:
        report = view.reports.get(f"camera_driver_{camera.camera_id}")
        if report is None:
            continue
        rate = float(report.values.get("rate_hz", "0"))
        if rate < SLOW_SHARE * camera.rate_hz:
            level = Level.ERROR if rate < TOO_SLOW_SHARE * camera.rate_hz else Level.WARN
            text = f"{camera.camera_id} gives {rate:.1f} Hz instead of {camera.rate_hz:g}"
            yield Finding("cameras", level, text, "check its cable and source; on a busy machine, use fewer cameras")


def _clocks(view: GraphView) -> Iterator[Finding]:
    if len(view.clock_publishers) > 1:
        text = f"/clock has {len(view.clock_publishers)} publishers: {', '.join(view.clock_publishers)}"
        yield Finding("clock", Level.ERROR, text, "end the simulator or the bag that does not belong here")
    found = list(_skews(view.reports.items()))
    yield from found
    if not found and view.reports:
        yield Finding("clock", Level.OK, "nodes and devices agree on the time")


def _skews(reports: Iterable[tuple[str, Report]]) -> Iterator[Finding]:
    sync = "synchronise the clocks of machines and devices (chrony, PTP)"
    for name, report in sorted(reports):
        if abs(report.lead_s) > SKEW_LEAST_S:
            yield Finding("clock", Level.ERROR, f"the clock of {name} is {report.lead_s:+.1f} s off ours", sync)
        latency = float(report.values.get("latency_p50_ms", "0"))
        if latency < AHEAD_MS:
            text = f"{name} gets stamps that lie {-latency:.0f} ms ahead: the device's clock is wrong"
            yield Finding("clock", Level.ERROR, text, sync)
        elif latency > BEHIND_MS:
            text = f"{name} works on data that is {latency / 1000:.1f} s old"
            yield Finding("clock", Level.WARN, text, f"lighten the machine's load, or {sync}")
