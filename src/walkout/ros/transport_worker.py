"""One end of the transport benchmark, in a process of its own: publishes pictures, or receives and times them.

``python -m walkout.ros.transport_worker`` prints one JSON document; ``walkout benchmark transport`` runs it.
"""

from __future__ import annotations

import argparse
import json
import sys
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
DRAIN_S = 1.0


def cameras(count: int, width: int, height: int, rate_hz: float) -> list[Camera]:
    """Return cameras without a place in any store, with a test pattern as source."""
    eye = np.eye(3)
    return [
        Camera(f"b{number}", width, height, eye, np.zeros(5), np.zeros(3), eye, "pattern:", rate_hz)
        for number in range(count)
    ]


class _Window:
    """Counts what is sent and times what comes, both by capture stamps between ``begin_ns`` and ``end_ns``."""

    def __init__(self, begin_ns: int, end_ns: int) -> None:
        self._begin_ns, self._end_ns = begin_ns, end_ns
        self.sent = 0
        self.latencies_ms: list[float] = []

    def send(self, frame: Frame) -> None:
        self.sent += self._has(frame.stamp_ns)

    def take(self, stamp_ns: int) -> None:
        if self._has(stamp_ns):
            self.latencies_ms.append((time.time_ns() - stamp_ns) / 1e6)

    def hand_over(self, frame: Frame) -> None:
        self.send(frame)
        self.take(frame.stamp_ns)

    def _has(self, stamp_ns: int) -> bool:
        return self._begin_ns <= stamp_ns < self._end_ns


def _publish_bare(node: Node, camera: Camera, window: _Window) -> None:
    """Publish the pattern as a plain rclpy node does that fills its messages with bytes."""
    publisher = node.create_publisher(Image, f"camera/{camera.camera_id}/image_raw", qos.IMAGES)
    source = PatternCamera(camera)

    def publish() -> None:
        frame = source.take()
        window.send(frame)
        message = Image(header=header(frame.stamp_ns, camera.frame_id), encoding="bgr8", step=camera.width * 3)
        message.height, message.width = camera.height, camera.width
        message.data = frame.image.tobytes()
        publisher.publish(message)

    node.create_timer(1.0 / camera.rate_hz, publish)


def publish(mode: str, devices: Sequence[Camera], window: _Window) -> list[Node]:
    """Return the nodes that publish; composed, they hand the frames over and nothing is published."""
    if mode != BARE:
        taker = window.hand_over if mode == COMPOSED else window.send
        return [CameraDriverNode(camera, taker) for camera in devices]
    node = Node("bare_publisher")
    for camera in devices:
        _publish_bare(node, camera, window)
    return [node]


def subscribe(mode: str, devices: Sequence[Camera], window: _Window) -> list[Node]:
    """Return the node that receives all cameras."""
    node = Node("receiver")

    def on_image(message: Image) -> None:
        if mode != BARE:
            msg_to_image(message)
        window.take(to_ns(message.header.stamp))

    for camera in devices:
        node.create_subscription(Image, f"camera/{camera.camera_id}/image_raw", on_image, qos.IMAGES)
    return [node]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one end for the window of time given and print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=["publish", "subscribe"])
    parser.add_argument("mode", choices=[BARE, NODES, COMPOSED])
    parser.add_argument("--cameras", type=int, required=True)
    parser.add_argument("--size", required=True, help="WIDTHxHEIGHT")
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--begin", type=float, required=True, help="system time at which measuring begins, s")
    parser.add_argument("--seconds", type=float, required=True)
    options = parser.parse_args(arguments)
    width, height = (int(part) for part in options.size.split("x"))
    devices = cameras(options.cameras, width, height, options.rate)
    window = _Window(int(options.begin * 1e9), int((options.begin + options.seconds) * 1e9))
    rclpy.init(args=["--ros-args", "-r", f"__ns:={NAMESPACE}"])
    sys.argv = sys.argv[:1]  # the nodes look there for parameter files
    nodes = (publish if options.role == "publish" else subscribe)(options.mode, devices, window)
    executor = SingleThreadedExecutor()
    for node in nodes:
        executor.add_node(node)
    _spin_until(executor, options.begin)
    cpu_s = time.process_time()
    _spin_until(executor, options.begin + options.seconds)
    cpu_s = time.process_time() - cpu_s
    _spin_until(executor, options.begin + options.seconds + DRAIN_S)
    print(json.dumps({"sent": window.sent, "latencies_ms": window.latencies_ms, "cpu": cpu_s / options.seconds}))
    for node in nodes:
        close = getattr(node, "close", None)
        if close is not None:
            close()
        node.destroy_node()
    rclpy.shutdown()
    return 0


def _spin_until(executor: SingleThreadedExecutor, system_time_s: float) -> None:
    while (left_s := system_time_s - time.time()) > 0:
        executor.spin_once(timeout_sec=min(left_s, 0.1))


if __name__ == "__main__":
    raise SystemExit(main())
