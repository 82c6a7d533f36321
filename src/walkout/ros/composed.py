"""Several nodes in one process: camera drivers with the detector, or all shelf drivers."""

from __future__ import annotations

from rclpy.node import Node

from walkout.drivers.node import CameraDriverNode, ShelfDriverNode
from walkout.perception.node import DetectorNode
from walkout.ros.parameters import NodeParameters, StoreParameters
from walkout.ros.runtime import run
from walkout.store.loader import load_store


def perception_main() -> None:
    """Run the camera drivers and the detector; a frame goes from one to the other as the same array."""
    run(_perception)


def shelf_main() -> None:
    """Run the shelf drivers of all fixtures."""
    run(_shelves)


def _perception() -> list[Node]:
    detector = DetectorNode(subscribe=False)
    cameras = [CameraDriverNode(camera, detector.submit) for camera in detector.cameras]
    return [detector, *cameras]


def _shelves() -> list[Node]:
    first = Node("shelf_container")
    store = load_store(NodeParameters(first, StoreParameters).value.store)
    return [first, *(ShelfDriverNode(fixture) for fixture in store.fixtures if fixture.shelves)]
