"""The core nodes and their manager in one process: they come up, die and come back, and the gate heeds the health."""

from __future__ import annotations

import itertools
import os
import queue
import time

import numpy as np
import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.executors import SingleThreadedExecutor

import walkout.carts.gate_node as gates
from walkout import msg, srv
from walkout.carts.node import CartManagerNode
from walkout.drivers.types import GateSignal, GateSignalKind, ReadingBatch
from walkout.interactions.node import ShelfMonitorNode
from walkout.perception.node import DetectorNode
from walkout.ros import qos
from walkout.ros.conversions import readings_to_msg
from walkout.ros.health import HEALTH_TOPIC, admission, health_to_msg
from walkout.ros.manager_node import CORE_NODES, LifecycleManagerNode
from walkout.ros.supervision import Health, Level
from walkout.store.loader import load_store
from walkout.tracking.node import TrackerNode

WAIT_S = 60.0


class Process:
    """Nodes in the default context, spun until something is true."""

    def __init__(self) -> None:
        self.executor = SingleThreadedExecutor()
        self.nodes = []
        self.observer = self.add(rclpy.create_node("observer"))
        self.health = []
        self.observer.create_subscription(DiagnosticStatus, HEALTH_TOPIC, self.health.append, qos.LATCHED)

    def add(self, node):
        self.nodes.append(node)
        self.executor.add_node(node)
        return node

    def kill(self, node) -> None:
        self.nodes.remove(node)
        self.executor.remove_node(node)
        if hasattr(node, "close"):
            node.close()
        node.destroy_node()

    def until(self, condition, what: str) -> None:
        deadline = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < deadline, f"no {what}; health: {self.health[-1:]}"
            self.executor.spin_once(timeout_sec=0.05)

    def admits(self) -> bool:
        return bool(self.health) and admission(self.health[-1])[0]

    def states(self) -> dict[str, str]:
        return {item.key: item.value for item in self.health[-1].values}


@pytest.fixture
def process(monkeypatch):
    monkeypatch.setenv("ROS_DOMAIN_ID", str(100 + os.getpid() % 100))
    stores = [part for name in CORE_NODES for part in ("-p", f"{name}:store:=kiosk")]
    rclpy.init(args=["--ros-args", *stores])
    running = Process()
    yield running
    for node in list(running.nodes):
        running.kill(node)
    running.executor.shutdown()
    rclpy.try_shutdown()


def core():
    """Return the makers of the core nodes."""
    makers = {
        "cart_manager": CartManagerNode,
        "tracker": TrackerNode,
        "shelf_monitor": ShelfMonitorNode,
        "detector": lambda: DetectorNode(subscribe=False),
        "gate": gates.GateNode,
    }
    assert set(makers) == set(CORE_NODES)
    return makers


def test_up_death_and_return_pause_and_down(process, monkeypatch):
    monkeypatch.setattr(gates, "open_gate", lambda uri, gate_id: Gate(gate_id))
    nodes = {name: process.add(make()) for name, make in core().items()}
    process.add(LifecycleManagerNode())
    process.until(process.admits, "admission")
    assert all(nodes[name].is_active for name in CORE_NODES)
    assert {name: process.states()[name] for name in CORE_NODES} == dict.fromkeys(CORE_NODES, "active")

    process.kill(nodes.pop("tracker"))
    nodes["tracker"] = process.add(TrackerNode())
    process.until(lambda: not process.admits(), "refusal while the new tracker is not active")
    assert "tracker" in process.health[-1].message
    process.until(process.admits, "admission with the new tracker")
    assert nodes["tracker"].is_active

    client = process.observer.create_client(srv.ManageStore, "manage_store")
    process.until(client.service_is_ready, "service")

    def command(number):
        future = client.call_async(srv.ManageStore.Request(command=number))
        process.until(future.done, "answer")
        return future.result()

    assert command(srv.ManageStore.Request.PAUSE).success
    process.until(lambda: "paused" in process.health[-1].message, "pause")
    assert not process.admits()
    assert all(node.is_active for node in nodes.values())
    assert command(srv.ManageStore.Request.RESUME).success
    process.until(process.admits, "admission")
    assert command(srv.ManageStore.Request.SHUTDOWN).success
    process.until(lambda: {node.state for node in nodes.values()} == {"unconfigured"}, "everything down")
    assert not command(srv.ManageStore.Request.RESUME).success
    assert not command(99).success
    assert command(srv.ManageStore.Request.STARTUP).success
    process.until(process.admits, "admission after the start")


def test_a_dead_load_cell_is_known_to_the_carts_until_another_monitor_finds_it_well(process, monkeypatch):
    monkeypatch.setattr(gates, "open_gate", lambda uri, gate_id: Gate(gate_id))
    nodes = {name: process.add(make()) for name, make in core().items()}
    process.add(LifecycleManagerNode())
    process.until(process.admits, "admission")
    lanes = [lane.lane_id for shelf in load_store("kiosk").fixture_by_id["g1"].shelves for lane in shelf.lanes]
    readings = process.observer.create_publisher(msg.ShelfReadings, "shelf/g1/readings", qos.STREAMS)
    process.until(lambda: readings.get_subscription_count() > 0, "the monitor's subscription")
    rng, sent = np.random.default_rng(1), itertools.count()

    def weigh(silent):
        grams = 500 + rng.normal(0, 0.5, (12, len(lanes)))
        grams[:, silent] = np.nan
        stamp_ns = 10**18 + next(sent) * 200_000_000
        readings.publish(readings_to_msg(ReadingBatch("g1", stamp_ns, 200_000_000 // 12, grams)))

    def told(silent, wanted):
        weigh(silent)
        return nodes["cart_manager"]._dead_lanes.get("g1", set()) == wanted

    process.until(lambda: told([3], {lanes[3]}), "the carts to know of the dead cell")
    process.kill(nodes.pop("shelf_monitor"))
    process.add(ShelfMonitorNode())
    process.until(lambda: told([], set()), "the carts to know that it is well")


class Gate:
    """A gate's controller; what it is told and what it shall report."""

    told = queue.Queue()
    reports = queue.Queue()

    def __init__(self, gate_id) -> None:
        self.gate_id = gate_id

    def read(self, timeout_s):
        if self.gate_id == "gate_in":
            try:
                return Gate.reports.get(timeout=timeout_s)
            except queue.Empty:
                return None
        time.sleep(timeout_s)
        return None

    def open_gate(self):
        Gate.told.put("open")

    def deny(self, reason):
        Gate.told.put(reason)

    def close(self):
        pass


def test_the_gate_refuses_while_the_store_could_not_charge(process, monkeypatch):
    monkeypatch.setattr(gates, "open_gate", lambda uri, gate_id: Gate(gate_id))
    gate = process.add(gates.GateNode())
    say = process.observer.create_publisher(DiagnosticStatus, HEALTH_TOPIC, qos.LATCHED)
    gate.trigger_configure()
    gate.trigger_activate()

    def tap(stamp_ns):
        Gate.reports.put(GateSignal("gate_in", stamp_ns, GateSignalKind.TAP, "card-ok-1"))
        process.until(lambda: not Gate.told.empty(), "answer of the gate")
        return Gate.told.get()

    assert tap(1_000_000_000) == "the store is not ready: nothing is known of its health"
    told = Health(Level.ERROR, False, ("tracker is not there",), {"tracker": "unknown"})
    say.publish(health_to_msg(told))
    process.until(lambda: len(process.health) == 1, "health")
    process.executor.spin_once(timeout_sec=0.5)
    assert tap(2_000_000_000) == "the store is not ready: tracker is not there"
    say.publish(health_to_msg(Health(Level.OK, True, (), {})))
    process.until(lambda: len(process.health) == 2, "health")
    process.executor.spin_once(timeout_sec=0.5)
    assert tap(3_000_000_000) == "open"
    assert msg.GateMode.CLOSED in gate._modes.values()
