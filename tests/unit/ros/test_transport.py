"""Pictures take the fast way: one helper fills messages, and composed nodes hand the same array on."""

from __future__ import annotations

import ast
import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import rclpy

import walkout.drivers.node as drivers
from walkout.drivers.pattern import PatternCamera
from walkout.drivers.sources import open_camera
from walkout.drivers.types import Frame
from walkout.perception.node import DetectorNode
from walkout.perception.types import KEYPOINT_COUNT, Detections
from walkout.ros.transport_worker import cameras

SOURCES = Path(__file__).resolve().parents[3] / "src" / "walkout"
HELPER = SOURCES / "ros" / "images.py"
BENCHMARK_OF_THE_BARE_WAY = SOURCES / "ros" / "transport_worker.py"
PICTURES = {"Image", "CompressedImage"}
WAIT_S = 20.0


def slow_ways(path: Path, text: str) -> list[str]:
    """Return where a file that knows pictures fills the data of a message: ``x.data = …`` and ``Image(data=…)``."""
    found: list[str] = []
    if "sensor_msgs" not in text:
        return found
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            parts = [part for target in targets for part in ast.walk(target)]
            if any(isinstance(part, ast.Attribute) and part.attr in ("data", "_data") for part in parts):
                found.append(f"{path}:{node.lineno}")
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in PICTURES and any(keyword.arg == "data" for keyword in node.keywords):
                found.append(f"{path}:{node.lineno}")
    return found


def test_only_the_helper_fills_pictures():
    allowed = {HELPER, BENCHMARK_OF_THE_BARE_WAY}
    found = [
        place
        for path in sorted(SOURCES.rglob("*.py"))
        if path not in allowed
        for place in slow_ways(path, path.read_text(encoding="utf-8"))
    ]
    assert found == [], "fill pictures with walkout.ros.images: other ways go through every pixel in Python"


@pytest.mark.parametrize("line", ["m.data = a", "m.data[:] = a", "x = Image(data=a)", "s.msg.Image(height=1, data=a)"])
def test_the_search_finds_what_it_looks_for(line):
    assert slow_ways(Path("x.py"), f"from sensor_msgs import msg\n{line}") == ["x.py:2"]


@pytest.fixture
def context(monkeypatch):
    monkeypatch.setenv("ROS_DOMAIN_ID", str(100 + os.getpid() % 100))
    rclpy.init(args=["--ros-args", "-p", "store:=kiosk"])
    yield
    rclpy.try_shutdown()


class Source:
    """A camera that gives one picture."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame

    def read(self, timeout_s):
        frame, self.frame = self.frame, None
        if frame is None:
            time.sleep(timeout_s)
        return frame

    def close(self):
        pass


def test_composed_the_detector_gets_the_very_array_of_the_driver(context, monkeypatch):
    detector = DetectorNode(subscribe=False)
    assert detector.trigger_configure() == detector.trigger_activate()
    seen = []
    nothing = np.zeros((0, 4), np.float32)
    keypoints = np.zeros((0, KEYPOINT_COUNT, 3), np.float32)

    def detect(frame, second_look):
        seen.append(frame.image)
        return Detections(frame.camera_id, frame.stamp_ns, nothing, nothing[:, 0], keypoints, nothing[:, :1])

    detector._detector.detect = detect
    camera = detector.cameras[0]
    image = np.zeros((camera.height, camera.width, 3), np.uint8)
    monkeypatch.setattr(drivers, "open_camera", lambda uri, camera: Source(Frame(camera.camera_id, 1, image)))
    driver = drivers.CameraDriverNode(camera, detector.submit)
    deadline = time.monotonic() + WAIT_S
    while not seen and time.monotonic() < deadline:
        time.sleep(0.01)
    driver.close()
    detector.close()
    for node in (driver, detector):
        node.destroy_node()
    assert len(seen) == 1
    assert seen[0] is image


def test_while_frames_pile_up_shoppers_get_no_second_look(context):
    detector = DetectorNode(subscribe=False)
    assert detector.trigger_configure() == detector.trigger_activate()
    nothing = np.zeros((0, 4), np.float32)
    keypoints = np.zeros((0, KEYPOINT_COUNT, 3), np.float32)
    looks, go_on, begun = [], threading.Event(), threading.Event()

    def detect(frame, second_look):
        begun.set()
        go_on.wait(WAIT_S)
        looks.append(second_look)
        return Detections(frame.camera_id, frame.stamp_ns, nothing, nothing[:, 0], keypoints, nothing[:, :1])

    detector._detector.detect = detect
    names = [camera.camera_id for camera in detector.cameras]
    image = np.zeros((8, 8, 3), np.uint8)
    detector.submit(Frame(names[0], 1, image))
    assert begun.wait(WAIT_S)
    for number in range(len(names) + 2):
        detector.submit(Frame(names[number % len(names)], 2 + number, image))
    go_on.set()
    deadline = time.monotonic() + WAIT_S
    while len(looks) < len(names) + 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    detector.close()
    detector.destroy_node()
    assert looks == [True, False, False] + [True] * len(names)


def test_the_pattern_comes_at_its_rate_and_size_and_moves():
    camera = cameras(1, 64, 48, 200.0)[0]
    source = open_camera("pattern:", camera)
    assert isinstance(source, PatternCamera)
    frames = [frame for frame in (source.read(1.0) for _ in range(4)) if frame is not None]
    assert len(frames) == 4
    assert frames[0].image.shape == (48, 64, 3)
    assert (frames[0].image != frames[1].image).any()
    stamps = [frame.stamp_ns for frame in frames]
    assert stamps == sorted(set(stamps))


def test_a_pattern_that_is_not_due_is_waited_for_no_longer_than_asked():
    source = PatternCamera(cameras(1, 8, 8, 0.01)[0])
    assert source.read(0.0) is not None
    assert source.read(0.01) is None
