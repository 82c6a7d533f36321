"""Stand-ins for the detector that know the truth, to see what the stages after it could do: ablations, no results."""

from __future__ import annotations

from enum import Enum

import numpy as np

from walkout.drivers.types import Frame
from walkout.perception.appearance import clothing_descriptors
from walkout.perception.types import KEYPOINT_COUNT, Detections
from walkout.simulation.bodies import BodyLibrary
from walkout.simulation.load_cells import stream
from walkout.simulation.renderer import Rendered, Renderer
from walkout.simulation.scene import Scene
from walkout.store.model import Camera, Store
from walkout.training.dataset import INPUT_SIZE, make_labels
from walkout.training.labels import Visibility

KEYPOINT_SD_PX = 2.0
"""Noise of true joints in pixels of a 640 pixels wide picture: about what the detector reaches on joints it sees."""
BOX_SD_PX = 2.0
CONFIDENCE = 0.9


class Perception(Enum):
    """Where detections come from: PIXELS is the store's own detector; the others isolate the later stages."""

    PIXELS = "pixels"
    KEYPOINTS = "keypoints"
    TRUTH_BOXES = "truth-boxes"


class TruePerception:
    """Takes the simulator's pictures with ids and depth, and tells what a perfect detector would say of them.

    Shoppers of whom less than a fifth can be seen are not told, joints behind something are unknown. KEYPOINTS adds
    pixel noise to boxes and joints; TRUTH_BOXES gives exact boxes around the whole body and neither joints nor looks.
    """

    def __init__(self, store: Store, perception: Perception, seed: int) -> None:
        """Raises RendererError when this machine cannot render."""
        self._perception = perception
        self._renderer = Renderer(store)
        self._rng = stream(seed, "perception", perception.value)
        self._seen: tuple[Camera, Scene, Rendered] | None = None

    def render(self, camera: Camera, scene: Scene) -> Rendered:
        """Return the picture and remember what it shows."""
        rendered = self._renderer.render(camera, scene, ids=True, depth=True)
        self._seen = camera, scene, rendered
        return rendered

    def detect(self, frame: Frame) -> Detections:
        """Return the shoppers of the last picture, which must be ``frame``'s."""
        if self._seen is None or self._seen[0].camera_id != frame.camera_id:
            raise ValueError(f"the last picture is not that of camera {frame.camera_id}")
        camera, scene, rendered = self._seen
        bodies = BodyLibrary.load()
        labels = make_labels(camera, rendered, scene, [bodies.pose(person) for person in scene.people])
        told = labels.counted()
        scale = camera.width / INPUT_SIZE[0]
        boxes = (labels.boxes[told] + 0.5) * scale - 0.5
        joints = labels.joints[told].astype(np.float32)
        joints[..., :2] = (joints[..., :2] + 0.5) * scale - 0.5
        if self._perception is Perception.TRUTH_BOXES:
            nothing = np.zeros((len(boxes), KEYPOINT_COUNT, 3), np.float32)
            return _detections(frame, boxes, nothing, np.zeros((len(boxes), 0), np.float32))
        unit = camera.width / 640
        joints[..., :2] += self._rng.normal(0, KEYPOINT_SD_PX * unit, joints[..., :2].shape).astype(np.float32)
        joints[..., 2] = np.where(joints[..., 2] == Visibility.SEEN, CONFIDENCE, 0.0)
        boxes = boxes + self._rng.normal(0, BOX_SD_PX * unit, boxes.shape)
        return _detections(frame, boxes.astype(np.float32), joints, clothing_descriptors(frame.image, joints))


def _detections(
    frame: Frame,
    boxes: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
    joints: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
    appearance: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
) -> Detections:
    scores = np.ones(len(boxes), np.float32)
    return Detections(frame.camera_id, frame.stamp_ns, boxes.astype(np.float32), scores, joints, appearance)
