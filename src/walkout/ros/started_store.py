"""A whole store started for a measurement, and stopped again."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import rclpy
from rclpy.executors import SingleThreadedExecutor

from walkout import msg
from walkout.ros import qos
from walkout.store.model import Store

START_S = 120.0
END_S = 15.0


@contextmanager
def launched(store: Store, scenario: str) -> Iterator[float]:
    """Start a store with a scenario and give the seconds until it sees; end it afterwards.

    A store sees when detections of every camera and shoppers have come. Its ledger is thrown away at the end.

    Raises:
        RuntimeError: it ends, or does not see in START_S; the text holds the last of what it said.
    """
    with tempfile.TemporaryDirectory(prefix="walkout-") as folder:
        log = Path(folder) / "launch.log"
        command = ["ros2", "launch", "walkout", "store.launch.py", f"store:={store.directory or store.store_id}"]
        command += [f"scenario:={scenario}", "web:=false", f"ledger:={folder}/ledger.db"]
        started = time.monotonic()
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            _wait_until_it_sees(store, process, log)
            yield time.monotonic() - started
        finally:
            _end(process)


def _wait_until_it_sees(store: Store, process: subprocess.Popen[bytes], log: Path) -> None:
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("benchmark_start", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    missing = {camera.camera_id for camera in store.cameras} | {"shoppers"}
    for camera in store.cameras:
        topic = f"camera/{camera.camera_id}/detections"
        node.create_subscription(msg.Detections, topic, lambda m: missing.discard(m.camera_id), qos.STREAMS)
    node.create_subscription(msg.Shoppers, "shoppers", lambda m: missing.discard("shoppers"), qos.STREAMS)
    deadline = time.monotonic() + START_S
    try:
        while missing:
            executor.spin_once(timeout_sec=0.1)
            if process.poll() is not None:
                raise RuntimeError(f"the store ended while it started: {_complaint(log)}")
            if time.monotonic() > deadline:
                names = ", ".join(sorted(missing))
                raise RuntimeError(f"after {START_S:.0f} s nothing has come of {names}: {_complaint(log)}")
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.shutdown(context=context)


def _complaint(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors[0] if errors else lines[-1] if lines else "it said nothing").strip()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the whole process group as Ctrl-C does, and what does not care by force."""
    try:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    except ProcessLookupError:
        process.wait()
