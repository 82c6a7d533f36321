"""Running graphs: each in a process group and a ROS domain of its own, ended by Ctrl-C and checked for leftovers."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
import rclpy
from domain_coordinator import domain_id as reserved_domain

#: Each test process begins elsewhere and each test takes the next, so that what lingers of one is not heard by another.
_domains = itertools.count(os.getpid())

#: Waits are this much longer: for machines that are busy with something else.
PATIENCE = float(os.environ.get("WALKOUT_TEST_PATIENCE", "1"))


class RunningLaunch:
    """A ``ros2 launch`` in the background whose output is collected."""

    def __init__(self, arguments: list[str], environment: dict[str, str], cwd: Path) -> None:
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            ["ros2", "launch", *arguments],
            env=environment,
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def children(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def wait_for(self, condition, timeout_s: float, what: str):
        deadline = time.monotonic() + timeout_s * PATIENCE
        while time.monotonic() < deadline:
            got = condition()
            if got:
                return got
            if self.process.poll() is not None:
                pytest.fail(f"the launch ended (code {self.process.returncode}) before {what}:\n{self.output}")
            time.sleep(0.05)
        pytest.fail(f"no {what} within {timeout_s} s:\n{self.output}")

    def interrupt(self, timeout_s: float = 20.0) -> float:
        """Send Ctrl-C to the whole group as a terminal does; return the seconds it took."""
        started = time.monotonic()
        os.killpg(self.process.pid, signal.SIGINT)
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            pytest.fail(f"still running {timeout_s} s after Ctrl-C:\n{self.output}")
        self._reader.join(2.0)
        return time.monotonic() - started

    def kill(self) -> None:
        for child in self.children():
            child.kill()
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(5.0)


def _reserve():
    """Reserve a domain on this machine: no other test process gets it meanwhile."""
    return reserved_domain(lambda: next(_domains) % 100 + 1)


@pytest.fixture
def domain_id(monkeypatch) -> int:
    """A ROS domain of the test's own."""
    with _reserve() as domain:
        monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
        monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
        yield domain


@pytest.fixture(scope="session")
def process_domain() -> int:
    """A ROS domain of this test process's own, for tests that share one."""
    patch = pytest.MonkeyPatch()
    with _reserve() as domain:
        patch.setenv("ROS_DOMAIN_ID", str(domain))
        patch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
        yield domain
    patch.undo()


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def launch(domain_id, tmp_path, monkeypatch):
    monkeypatch.setenv("ROS_LOG_DIR", str(tmp_path / "log"))
    running = []

    def start(*arguments: str, cwd: Path = tmp_path) -> RunningLaunch:
        running.append(RunningLaunch(list(arguments), dict(os.environ), cwd))
        return running[-1]

    yield start
    for one in running:
        one.kill()
        if sys.exc_info()[0]:
            print(one.output)


@pytest.fixture
def observer(domain_id):
    """A node of the test's own in the graph's domain."""
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=domain_id)
    node = rclpy.create_node("observer", context=context)
    executor = rclpy.executors.SingleThreadedExecutor(context=context)
    executor.add_node(node)
    thread = threading.Thread(target=executor.spin, daemon=True)
    thread.start()
    yield node
    executor.shutdown()
    thread.join(2.0)
    node.destroy_node()
    rclpy.shutdown(context=context)
