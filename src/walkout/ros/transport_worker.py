"""One end of the transport benchmark, in a process of its own: publishes pictures, or receives and times them.

``python -m walkout.ros.transport_worker`` prints one JSON document; ``walkout benchmark transport`` runs it.
"""

from __future__ import annotations

import argparse
import array
import json
import sys
import threading
import time
from collections.abc import Sequence

import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import Image

from walkout.drivers.node import CameraDriverNode
from walkout.drivers.pattern import PatternCamera
from walkout.drivers.types import Frame
from walkout.ros import qos
from walkout.ros.images import msg_to_image
from walkout.ros.stamps import header, to_ns
from walkout.store.model import Camera

BARE, NODES, COMPOSED = "bare", "walkout", "composed"
NAMESPACE = "/transport_benchmark"
DRAIN_NS = 1_000_000_000
PATIENCE_NS = 20_000_000_000
"""The end that receives is ready after this time even when nothing comes: then that is the result."""


def cameras(count: int, width: int, height: int, rate_hz: float) -> list[Camera]:
    """Return cameras without a place in any store, with a test pattern as source."""
    eye = np.eye(3)
    return [
        Camera(f"b{number}", width, height, eye, np.zeros(5), np.zeros(3), eye, "pattern:", rate_hz)
        for number in range(count)
    ]


class Window:
    """Counts what is sent and times what comes, both by capture stamps within the window once it is set."""

    def __init__(self) -> None:
        """Begin with no window: everything is awaited and nothing counts."""
        self.begin_ns = self.end_ns = 2**63 - 1
        self.sent = 0
        self.latencies_ms: list[float] = []
        self.seen: set[str] = set()
        """Frames of the cameras of which a picture has come, at whatever time."""

    def send(self, frame: Frame) -> None:
        """Count a frame that is sent."""
        self.sent += self._has(frame.stamp_ns)

    def take(self, frame_id: str, stamp_ns: int) -> None:
        """Time a picture that has come."""
        self.seen.add(frame_id)
        if self._has(stamp_ns):
            self.latencies_ms.append((time.time_ns() - stamp_ns) / 1e6)

    def hand_over(self, frame: Frame) -> None:
        """Count and time a frame that is handed on in this process."""
        self.send(frame)
        self.take(frame.camera_id, frame.stamp_ns)

    def wait(self) -> None:
        """Read the window, two system times in ns, from the standard input."""
        begin_ns, end_ns = map(int, sys.stdin.readline().split())
        self.begin_ns, self.end_ns = begin_ns, end_ns

    def _has(self, stamp_ns: int) -> bool:
        return self.begin_ns <= stamp_ns < self.end_ns


def _publish_bare(node: Node, camera: Camera, window: Window) -> None:
    """Publish the pattern as a plain rclpy node does that knows of ``array.array`` and of nothing else."""
    publisher = node.create_publisher(Image, f"camera/{camera.camera_id}/image_raw", qos.IMAGES)
    source = PatternCamera(camera)

    def publish() -> None:
        frame = source.take()
        window.send(frame)
        message = Image(header=header(frame.stamp_ns, camera.frame_id), encoding="bgr8", step=camera.width * 3)
        message.height, message.width = camera.height, camera.width
        message.data = array.array("B", frame.image.tobytes())
        publisher.publish(message)

    node.create_timer(1.0 / camera.rate_hz, publish)


def publish(mode: str, devices: Sequence[Camera], window: Window) -> list[Node]:
    """Return the nodes that publish; composed, they hand the frames over and nothing is published."""
    if mode != BARE:
        taker = window.hand_over if mode == COMPOSED else window.send
        return [CameraDriverNode(camera, taker) for camera in devices]
    node = Node("bare_publisher")
    for camera in devices:
        _publish_bare(node, camera, window)
    return [node]


def subscribe(mode: str, devices: Sequence[Camera], window: Window) -> list[Node]:
    """Return the node that receives all cameras."""
    node = Node("receiver")

    def on_image(message: Image) -> None:
        if mode != BARE:
            msg_to_image(message)
        window.take(message.header.frame_id, to_ns(message.header.stamp))

    for camera in devices:
        node.create_subscription(Image, f"camera/{camera.camera_id}/image_raw", on_image, qos.IMAGES)
    return [node]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one end: say "ready" when pictures flow, read the window of time, and print what was seen in it.

    The end that publishes is ready at once; the one that receives is when every camera's pictures have reached it.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=["publish", "subscribe"])
    parser.add_argument("mode", choices=[BARE, NODES, COMPOSED])
    parser.add_argument("--cameras", type=int, required=True)
    parser.add_argument("--size", required=True, help="WIDTHxHEIGHT")
    parser.add_argument("--rate", type=float, required=True)
    options = parser.parse_args(arguments)
    width, height = (int(part) for part in options.size.split("x"))
    devices = cameras(options.cameras, width, height, options.rate)
    window = Window()
    rclpy.init(args=["--ros-args", "-r", f"__ns:={NAMESPACE}"])
    sys.argv = sys.argv[:1]  # the nodes look there for parameter files
    nodes = (publish if options.role == "publish" else subscribe)(options.mode, devices, window)
    executor = SingleThreadedExecutor()
    for node in nodes:
        executor.add_node(node)
    patience_ns = time.time_ns() + PATIENCE_NS
    takes = options.mode == COMPOSED or options.role == "subscribe"
    while takes and len(window.seen) < len(devices) and time.time_ns() < patience_ns:
        executor.spin_once(timeout_sec=0.1)
    print("ready", flush=True)
    waiting = threading.Thread(target=window.wait, daemon=True)
    waiting.start()
    while waiting.is_alive():
        executor.spin_once(timeout_sec=0.02)
    _spin_until(executor, window.begin_ns)
    cpu_s = time.process_time()
    _spin_until(executor, window.end_ns)
    cpu_s = time.process_time() - cpu_s
    _spin_until(executor, window.end_ns + DRAIN_NS)
    cpu = cpu_s / (window.end_ns - window.begin_ns) * 1e9
    print(json.dumps({"sent": window.sent, "latencies_ms": window.latencies_ms, "cpu": cpu}))
    for node in nodes:
        close = getattr(node, "close", None)
        if close is not None:
            close()
        node.destroy_node()
    rclpy.shutdown()
    return 0


def _spin_until(executor: SingleThreadedExecutor, system_time_ns: int) -> None:
    while (left_s := (system_time_ns - time.time_ns()) / 1e9) > 0:
        executor.spin_once(timeout_sec=min(left_s, 0.1))


if __name__ == "__main__":
    raise SystemExit(main())
