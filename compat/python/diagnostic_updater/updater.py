"""The updater: runs its tasks now and then and publishes what they say."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.node import Node

from diagnostic_updater.status import DiagnosticStatusWrapper
from diagnostic_updater.tasks import DiagnosticTask, FunctionDiagnosticTask

_PERIOD, _FULL_NAMES = "diagnostic_updater.period", "diagnostic_updater.use_fqn"


class DiagnosticTaskVector:
    """A list of tasks."""

    def __init__(self) -> None:
        self.tasks: list[DiagnosticTask] = []
        self.lock = threading.RLock()

    def addedTaskCallback(self, task: DiagnosticTask) -> None:
        """Do what is to be done when a task has been added."""

    def add(self, *args: Any) -> None:
        """Add a task, or a name and a function."""
        task = args[0] if len(args) == 1 else FunctionDiagnosticTask(*args)
        with self.lock:
            self.tasks.append(task)
            self.addedTaskCallback(task)

    def removeByName(self, name: str) -> bool:
        """Remove the task of a name; return whether there was one."""
        with self.lock:
            found = [task for task in self.tasks if task.getName() == name]
            self.tasks = [task for task in self.tasks if task not in found]
        return bool(found)


class Updater(DiagnosticTaskVector):
    """Publishes the status of each task on /diagnostics.

    Parameters of the node: ``diagnostic_updater.period`` in seconds, and ``diagnostic_updater.use_fqn`` to name
    statuses by the node's full name.
    """

    def __init__(self, node: Node, period: float = 1.0) -> None:
        super().__init__()
        self.node = node
        self.verbose = False
        self.hwid = ""
        self._period = float(_parameter(node, _PERIOD, float(period)))
        self._name = node.get_fully_qualified_name() if _parameter(node, _FULL_NAMES, False) else node.get_name()
        self.publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 1)
        self._timer = node.create_timer(self._period, self.update)

    @property
    def period(self) -> float:
        """Seconds between two updates."""
        return self._period

    @period.setter
    def period(self, period: float) -> None:
        self._period = period
        self._timer.timer_period_ns = round(period * 1e9)

    def update(self) -> None:
        """Run all tasks and publish."""
        with self.lock:
            statuses = [self._status_of(task) for task in self.tasks]
        self.publish(statuses)

    def force_update(self) -> None:
        """Run all tasks and publish, at once."""
        self.update()

    def broadcast(self, lvl: bytes, msg: str) -> None:
        """Publish one level and message for all tasks."""
        with self.lock:
            statuses = [DiagnosticStatusWrapper(name=task.getName(), level=lvl, message=msg) for task in self.tasks]
        self.publish(statuses)

    def setHardwareID(self, hwid: str) -> None:
        """Set the identity of the hardware."""
        self.hwid = hwid

    def publish(self, statuses: DiagnosticStatus | Iterable[DiagnosticStatus]) -> None:
        """Publish one or more statuses under this node's name."""
        statuses = [statuses] if isinstance(statuses, DiagnosticStatus) else list(statuses)
        message = DiagnosticArray()
        message.header.stamp = self.node.get_clock().now().to_msg()
        for status in statuses:
            # The message's generated code does not know the wrapper's class.
            message.status.append(DiagnosticStatus(
                level=status.level, name=f"{self._name}: {status.name}", message=status.message,
                hardware_id=self.hwid, values=status.values))
        self.publisher.publish(message)

    def addedTaskCallback(self, task: DiagnosticTask) -> None:
        """Say that the task is about to start."""
        self.publish(DiagnosticStatusWrapper(
            name=task.getName(), level=DiagnosticStatus.OK, message="Node starting up"))

    def _status_of(self, task: DiagnosticTask) -> DiagnosticStatusWrapper:
        status = DiagnosticStatusWrapper(
            name=task.getName(), level=DiagnosticStatus.ERROR, message="No message was set", hardware_id=self.hwid)
        status = task.run(status)
        if self.verbose and status.level != DiagnosticStatus.OK:
            self.node.get_logger().warning(
                f"Non-zero diagnostic status. Name: '{status.name}', status {status.level[0]}: '{status.message}'")
        return status


def _parameter(node: Node, name: str, default: Any) -> Any:
    if not node.has_parameter(name):
        node.declare_parameter(name, default)
    return node.get_parameter(name).value
