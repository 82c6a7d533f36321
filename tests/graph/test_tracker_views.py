"""What the tracker node shows besides shoppers: tracks drawn into pictures, the alarm for a bumped camera."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.executors import SingleThreadedExecutor
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import CompressedImage

from walkout import msg
from walkout.ros import qos
from walkout.ros.conversions import detections_to_msg
from walkout.ros.images import compressed_to_image, image_to_compressed
from walkout.ros.stamps import to_ns
from walkout.store.loader import load_store
from walkout.tracking.node import TrackerNode

sys.path.append(str(Path(__file__).parents[1] / "unit" / "tracking"))
from tracked_scenes import Walker, record

SETTINGS = ("drift.window_s:=5.0", "drift.hold_s:=2.0")
"""Shorter than usual, so that a test of seconds can see an alarm."""
GREY = np.full((480, 640, 3), 90, np.uint8)
PICTURE, DRAWN = "camera/c1/image_raw/compressed", "camera/c1/tracks/compressed"


class Graph:
    """The tracker node of the corner store, and beside it a node that plays cameras and onlooker."""

    def __init__(self) -> None:
        self.store = load_store("corner")
        self.tracker = TrackerNode()
        self.tracker.start_unmanaged()
        self.other = rclpy.create_node("onlooker")
        self.executor = SingleThreadedExecutor()
        for node in (self.tracker, self.other):
            self.executor.add_node(node)
        self.health: list[DiagnosticStatus] = []
        self.heard: list[msg.Shoppers] = []
        self.other.create_subscription(DiagnosticArray, "/diagnostics", self._on_health, 10)
        self.other.create_subscription(msg.Shoppers, "shoppers", self.heard.append, qos.STREAMS)
        self.picture = self.other.create_publisher(CompressedImage, PICTURE, qos.IMAGES)
        self.senders = {
            camera.camera_id: self.other.create_publisher(
                msg.Detections, f"camera/{camera.camera_id}/detections", qos.STREAMS
            )
            for camera in self.store.cameras
        }

    def _on_health(self, message: DiagnosticArray) -> None:
        self.health += [status for status in message.status if status.name.endswith("tracker")]

    def until(self, condition: Callable[[], object], seconds: float = 30.0) -> object:
        """Spin until something is so; return whether it is."""
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline:
            self.executor.spin_once(timeout_sec=0.05)
        return condition()

    def connected(self) -> bool:
        """Return whether the tracker hears every camera, and the onlooker the tracker."""
        return all(sender.get_subscription_count() for sender in self.senders.values()) and bool(self.health)

    def stroll(self, seconds: float, bumped_degrees: float = 0.0) -> None:
        """Let two people stroll while camera c3 looks elsewhere than the store says."""
        low, high = np.array(self.store.floor[:2]), np.array(self.store.floor[2:])
        middle, reach = (low + high) / 2, (high - low) / 5
        turn = Rotation.from_euler("y", bumped_degrees, degrees=True).as_matrix()
        cameras = [
            dataclasses.replace(c, rotation=c.rotation @ turn) if c.camera_id == "c3" else c for c in self.store.cameras
        ]
        people = [
            Walker(lambda t, p=p: tuple(middle + reach * (np.sin(0.4 * t + p), np.cos(0.55 * t + p))), look=n)
            for n, p in enumerate((0.0, 2.5))
        ]
        for frame in record(people, seconds, seed=9, cameras=cameras):
            self.senders[frame.camera_id].publish(detections_to_msg(frame, self.store.camera_by_id[frame.camera_id]))
            self.executor.spin_once(timeout_sec=0.0)
            self.executor.spin_once(timeout_sec=0.0)
        self.until(lambda: self.heard and to_ns(self.heard[-1].header.stamp) > (seconds - 1.0) * 1e9)


@pytest.fixture
def graph(domain_id: int) -> Iterator[Graph]:
    rclpy.init(args=["--ros-args", *(part for setting in SETTINGS for part in ("-p", setting))])
    made = Graph()
    yield made
    made.executor.shutdown()
    for node in (made.tracker, made.other):
        node.destroy_node()
    rclpy.shutdown()


def values(status: DiagnosticStatus) -> dict[str, str]:
    return {item.key: item.value for item in status.values}


def test_a_bumped_camera_is_a_warning_that_names_it_and_never_an_error(graph: Graph) -> None:
    assert graph.until(graph.connected)
    assert "warning_calibration" not in values(graph.health[-1])
    graph.stroll(25.0, bumped_degrees=3.0)
    graph.health.clear()
    assert graph.until(lambda: graph.health)
    status = graph.health[-1]
    assert status.level == DiagnosticStatus.WARN
    assert "camera c3 has moved: " in values(status)["warning_calibration"]
    assert "walkout calibrate extrinsics" in status.message
    residuals = {c.camera_id: float(values(status)[f"residual_{c.camera_id}_px"]) for c in graph.store.cameras}
    assert max(residuals, key=residuals.__getitem__) == "c3"


def test_pictures_with_tracks_are_made_while_somebody_looks_and_gone_after_cleanup(graph: Graph) -> None:
    assert graph.until(graph.connected)
    assert graph.picture.get_subscription_count() == 0  # nobody looks: the driver need not encode
    seen: list[CompressedImage] = []
    graph.other.create_subscription(CompressedImage, DRAWN, seen.append, qos.IMAGES)
    assert graph.until(lambda: graph.picture.get_subscription_count() == 1)
    graph.picture.publish(image_to_compressed(GREY, 3_000_000_000, "camera_c1_optical", 90))
    graph.stroll(4.0)
    assert graph.until(lambda: seen)
    assert to_ns(seen[0].header.stamp) == 3_000_000_000
    assert np.abs(compressed_to_image(seen[0]).astype(int) - 90).max() > 100  # something is drawn in

    graph.tracker.trigger_deactivate()
    graph.tracker.trigger_cleanup()
    assert graph.until(lambda: graph.picture.get_subscription_count() == 0)
    assert graph.other.count_publishers(DRAWN) == 0
    graph.tracker.trigger_configure()
    graph.tracker.trigger_activate()
    assert graph.until(lambda: graph.picture.get_subscription_count() == 1)
