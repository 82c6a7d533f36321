"""Tracks drawn into a camera's picture: only while somebody looks, and at the picture's own time."""

import time

import numpy as np
import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import CompressedImage

from walkout.ros import qos
from walkout.ros.images import compressed_to_image, image_to_compressed
from walkout.ros.stamps import to_ns
from walkout.ros.track_pictures import TrackPictures
from walkout.store.loader import load_store
from walkout.tracking.types import Shoppers, ShopperState, TrackState

TOPIC = "camera/c1/image_raw/compressed"


@pytest.fixture
def graph():
    """Return a node and a function that spins it until something is so."""
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("drawer", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)

    def until(condition, seconds=20.0):
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline:
            executor.spin_once(timeout_sec=0.05)
        return condition()

    yield node, until
    executor.shutdown()
    node.destroy_node()
    rclpy.try_shutdown(context=context)


def shopper():
    mean = np.array([1.5, 1.7, 0.0, 0.0, 1.7])
    return ShopperState(
        1, TrackState.CONFIRMED, 1.0, mean, 0.01 * np.eye(5), np.full((12, 3), np.nan), np.ones(12), 0.0
    )


def test_pictures_are_drawn_only_while_somebody_looks(graph):
    node, until = graph
    pictures = TrackPictures(node, load_store("kiosk").cameras)
    camera = node.create_publisher(CompressedImage, TOPIC, qos.IMAGES)
    assert not until(lambda: camera.get_subscription_count() > 0, 1.5)  # nobody looks, nothing is asked of the driver
    seen = []
    looking = node.create_subscription(CompressedImage, "camera/c1/tracks/compressed", seen.append, qos.IMAGES)
    assert until(lambda: camera.get_subscription_count() > 0)
    grey = np.full((480, 640, 3), 90, np.uint8)
    for stamp_ns in (1_000_000_000, 3_000_000_000):
        camera.publish(image_to_compressed(grey, stamp_ns, "camera_c1_optical", 90))
    assert until(lambda: len(pictures._waiting) == 2)
    pictures.add_shoppers(Shoppers(2_000_000_000, (shopper(),)))
    assert until(lambda: len(seen) == 1)
    assert to_ns(seen[0].header.stamp) == 1_000_000_000
    assert seen[0].header.frame_id == "camera_c1_optical"
    assert (compressed_to_image(seen[0]) != 90).any()
    assert len(pictures._waiting) == 1  # the later picture waits for its tracks
    node.destroy_subscription(looking)
    assert until(lambda: camera.get_subscription_count() == 0)
