"""Managed nodes go up and down as told; ends that cannot talk are an error that names both."""

from __future__ import annotations

import os
import time

import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.qos import QoSProfile, QoSReliabilityPolicy
from std_msgs.msg import String

from walkout.ros import qos
from walkout.ros.diagnostics import Diagnostics
from walkout.ros.lifecycle import ManagedNode
from walkout.ros.reporting import ReportingNode

WAIT_S = 20.0


class Echo(ManagedNode):
    """Repeats what it hears."""

    def __init__(self, broken=False):
        super().__init__("echo")
        self.broken = broken
        self.calls = []

    def configure(self):
        if self.broken:
            raise ValueError("model.onnx: no such file")
        self.out = self.create_publisher(String, "echoed", qos.EVENTS)
        self.listen(String, "said", self.out.publish, qos.EVENTS)
        self.calls.append("configure")

    def activate(self):
        self.calls.append("activate")

    def deactivate(self):
        self.calls.append("deactivate")

    def cleanup(self):
        self.calls.append("cleanup")


@pytest.fixture
def spinning(monkeypatch):
    """The default context, and a function that spins nodes until something is true."""
    monkeypatch.setenv("ROS_DOMAIN_ID", str(100 + os.getpid() % 100))
    rclpy.init()
    executor = SingleThreadedExecutor()
    nodes = []

    def add(node):
        nodes.append(node)
        executor.add_node(node)
        return node

    def until(condition):
        deadline = time.monotonic() + WAIT_S
        while not condition() and time.monotonic() < deadline:
            executor.spin_once(timeout_sec=0.05)
        assert condition()

    yield add, until
    executor.shutdown()
    for node in nodes:
        node.destroy_node()
    rclpy.try_shutdown()


def test_a_managed_node_works_only_while_it_is_active(spinning):
    add, until = spinning
    echo, other = add(Echo()), add(rclpy.create_node("other"))
    heard = []
    say = other.create_publisher(String, "said", qos.EVENTS)
    other.create_subscription(String, "echoed", lambda m: heard.append(m.data), qos.EVENTS)
    assert echo.trigger_configure() == TransitionCallbackReturn.SUCCESS
    assert (echo.state, echo.is_active) == ("inactive", False)
    until(lambda: say.get_subscription_count() and echo.out.get_subscription_count())
    witnessed = []
    witness = echo.create_subscription(String, "said", witnessed.append, qos.EVENTS)
    until(lambda: say.get_subscription_count() == 2)
    say.publish(String(data="too early"))
    until(lambda: witnessed)
    echo.destroy_subscription(witness)
    until(lambda: say.get_subscription_count() == 1)
    echo.trigger_activate()
    assert (echo.state, echo.is_active) == ("active", True)
    until(lambda: say.publish(String(data="now")) or heard)
    assert set(heard) == {"now"}
    echo.trigger_deactivate()
    assert not echo.is_active
    count = len(list(echo.subscriptions))
    echo.trigger_cleanup()
    assert (echo.state, len(list(echo.subscriptions))) == ("unconfigured", count - 1)
    assert echo.calls == ["configure", "activate", "deactivate", "cleanup"]
    assert echo.trigger_configure() == TransitionCallbackReturn.SUCCESS


def test_a_transition_that_does_not_fit_is_refused_and_harms_nobody(spinning):
    add, until = spinning
    echo, other = add(Echo()), add(rclpy.create_node("other"))
    client = other.create_client(ChangeState, "echo/change_state")
    request = ChangeState.Request()
    request.transition.id = Transition.TRANSITION_ACTIVATE
    until(client.service_is_ready)
    answer = client.call_async(request)
    until(answer.done)
    assert not answer.result().success
    request.transition.id = Transition.TRANSITION_CONFIGURE
    answer = client.call_async(request)
    until(answer.done)
    assert answer.result().success
    assert echo.state == "inactive"


def test_what_cannot_be_configured_ends_the_process_with_its_reason(spinning):
    add, until = spinning
    echo = add(Echo(broken=True))
    assert echo.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert echo.state == "unconfigured"
    with pytest.raises(ValueError, match=r"model.onnx: no such file"):
        until(lambda: False)
    assert "model.onnx" in str(echo.failure)


def test_ends_that_cannot_talk_are_an_error_that_names_both(spinning):
    add, until = spinning
    careless, listener, watcher = add(ReportingNode("careless")), add(ReportingNode("listener")), add(Echo())
    best_effort = QoSProfile(depth=5, reliability=QoSReliabilityPolicy.BEST_EFFORT)
    careless.create_publisher(String, "talk", best_effort)
    wanting = listener.create_subscription(String, "talk", print, qos.EVENTS)
    Diagnostics(listener)
    told = {}
    watcher.create_subscription(
        DiagnosticArray, "/diagnostics", lambda m: told.update({s.name: s for s in m.status}), qos.EVENTS
    )
    until(lambda: listener.qos_mismatches() and careless.qos_mismatches())
    expected = "/talk: listener cannot hear careless"
    assert listener.qos_mismatches()[0].startswith(expected)
    assert careless.qos_mismatches()[0].startswith(expected)
    until(lambda: "/listener" in told)
    assert told["/listener"].level == DiagnosticStatus.ERROR
    assert told["/listener"].message.startswith(expected)
    listener.destroy_subscription(wanting)
    until(lambda: not listener.qos_mismatches())
