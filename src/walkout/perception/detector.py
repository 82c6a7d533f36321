"""The shopper detector: one small network per frame, on one thread of the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from walkout.drivers.types import Frame
from walkout.perception.appearance import clothing_descriptors
from walkout.perception.arm_frames import ARM_JOINTS
from walkout.perception.arms import ArmFinder
from walkout.perception.decode import COARSE_STRIDE, FINE_STRIDE, DecodeParameters, NetworkOutput, Shoppers2D, decode
from walkout.perception.models import ARM_FINDER, SHOPPER_DETECTOR, ModelError, find_model, open_session
from walkout.perception.types import KEYPOINT_COUNT, Detections, Keypoint

REMEDY = "walkout train detector"
FORMAT_KEY, FORMAT = "walkout.format", "shopper-detector-1"
"""Metadata entry of the ONNX file: says that outputs mean what ``NetworkOutput`` says."""

OUTPUT_NAMES = ("centre", "box", "joints", "visible", "heat")
_PADDING = 114
_ARMS = [Keypoint.LEFT_ELBOW, Keypoint.RIGHT_ELBOW, Keypoint.LEFT_WRIST, Keypoint.RIGHT_WRIST]
_FIRST_LOOK_WORTH = 0.75
"""What a confidence of the first look in elbows and wrists is worth as one of the second: how often each is right."""


@dataclass(frozen=True)
class DetectorParameters(DecodeParameters):
    """Which model runs how, and how its maps become shoppers."""

    model_path: str = field(default="", metadata={"description": "ONNX file of the detector; empty: the project's own"})
    threads: int = field(default=1, metadata={"description": "threads of inference"})
    arm_model_path: str = field(
        default="", metadata={"description": "ONNX file of the arm finder; empty: the project's own"}
    )
    arm_looks: int = field(
        default=4,
        metadata={"description": "most shoppers of a picture whose arms get a second look; 0: none, less CPU time"},
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.threads <= 64:
            raise ValueError(f"detector threads is {self.threads}, must be 1..64")
        if not 0 <= self.arm_looks <= 100:
            raise ValueError(f"detector arm_looks is {self.arm_looks}, must be 0..100")

    @property
    def path(self) -> Path:
        """The model file."""
        return Path(self.model_path).expanduser() if self.model_path else find_model(SHOPPER_DETECTOR)

    @property
    def arm_path(self) -> Path:
        """The model file of the arm finder."""
        return Path(self.arm_model_path).expanduser() if self.arm_model_path else find_model(ARM_FINDER)

    RANGES: ClassVar[Mapping[str, tuple[float, float]]] = {
        **DecodeParameters.RANGES,
        "threads": (1, 64),
        "arm_looks": (0, 100),
    }


class Detector:
    """Finds shoppers in single frames. Keeps nothing between frames, so one serves all cameras, a thread at a time."""

    def __init__(self, parameters: DetectorParameters | None = None) -> None:
        """Open and check the model. Raises ModelError with the file and the remedy."""
        self.parameters = parameters or DetectorParameters()
        path = self.parameters.path
        self._session = open_session(path, REMEDY, self.parameters.threads)
        self.input_height, self.input_width = _checked_input(self._session, path)
        self._input_name = self._session.get_inputs()[0].name
        looks = self.parameters.arm_looks
        self._arms = ArmFinder(self.parameters.arm_path, self.parameters.threads) if looks else None

    def detect(self, frame: Frame, second_look: bool = True) -> Detections:
        """Return the shoppers of a frame, best first, in pixels of the given (distorted) image.

        Without ``second_look`` it takes half the time, and hands are less exact.
        """
        image = _checked_image(frame)
        boxes, scores, keypoints = self._find(image)
        if self._arms is not None and len(boxes):
            keypoints[:, _ARMS, 2] *= _FIRST_LOOK_WORTH
            if second_look:
                self._look_at_arms(self._arms, image, boxes, keypoints)
        return Detections(
            camera_id=frame.camera_id,
            stamp_ns=frame.stamp_ns,
            boxes=boxes,
            scores=scores,
            keypoints=keypoints,
            appearance=clothing_descriptors(image, keypoints),
        )

    def _find(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Return boxes, scores and keypoints of the shoppers in a picture, in its own pixels."""
        small, scale = fit_to_network(image, self.input_width, self.input_height)
        found = decode(self._infer(small), self.parameters)
        boxes, keypoints = _to_image(found, scale, image.shape[1], image.shape[0])
        return boxes, found.scores.astype(np.float32), keypoints

    def _look_at_arms(
        self, finder: ArmFinder, image: NDArray[np.uint8], boxes: NDArray[np.float32], keypoints: NDArray[np.float32]
    ) -> None:
        """Replace, in ``keypoints``, those of the arms of the surest shoppers by what a second look tells."""
        looked = slice(self.parameters.arm_looks)
        arms = finder.find(image, boxes[looked], keypoints[looked]).astype(np.float32)
        told = arms[:, :, 2] > 0.0
        keypoints[looked, : len(ARM_JOINTS)][told] = arms[told]

    def _infer(self, image: NDArray[np.uint8]) -> NetworkOutput:
        centre, box, joints, visible, heat = self._session.run(OUTPUT_NAMES, {self._input_name: image[None]})
        joints = joints[0].reshape(KEYPOINT_COUNT, 2, *joints.shape[2:])
        return NetworkOutput(centre[0, 0], box[0], joints, visible[0], heat[0])


def _checked_image(frame: Frame) -> NDArray[np.uint8]:
    image = frame.image
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or min(image.shape[:2]) < 8:
        raise ValueError(
            f"camera {frame.camera_id}: image is {image.dtype} {image.shape}, the detector needs uint8 (h, w, 3) BGR"
        )
    return image


def _checked_input(session: onnxruntime.InferenceSession, path: Path) -> tuple[int, int]:
    """Return height and width of the network's input; raises ModelError when the model is another one."""

    def wrong(what: str) -> ModelError:
        return ModelError(f"{path}: {what}; it is not a shopper detector of this version, run `{REMEDY}` to make one")

    metadata = session.get_modelmeta().custom_metadata_map
    if metadata.get(FORMAT_KEY) != FORMAT:
        raise wrong(f"metadata {FORMAT_KEY} is {metadata.get(FORMAT_KEY)!r}, expected {FORMAT!r}")
    entry = session.get_inputs()[0]
    shape = entry.shape
    if entry.type != "tensor(uint8)" or len(shape) != 4 or shape[0] != 1 or shape[3] != 3:
        raise wrong(f"input is {entry.type} {shape}, expected uint8 [1, height, width, 3]")
    height, width = int(shape[1]), int(shape[2])
    coarse, fine = ([height // stride, width // stride] for stride in (COARSE_STRIDE, FINE_STRIDE))
    expected = {
        "centre": [1, 1, *coarse],
        "box": [1, 4, *coarse],
        "joints": [1, 2 * KEYPOINT_COUNT, *coarse],
        "visible": [1, KEYPOINT_COUNT, *coarse],
        "heat": [1, KEYPOINT_COUNT, *fine],
    }
    actual = {output.name: list(output.shape) for output in session.get_outputs()}
    for name, size in expected.items():
        if actual.get(name) != size:
            raise wrong(f"output {name} is {actual.get(name)}, expected {size}")
    return height, width


def fit_to_network(image: NDArray[np.uint8], width: int, height: int) -> tuple[NDArray[np.uint8], float]:
    """Return the image scaled to fit (height, width), padded right and below, and its scale."""
    scale = min(width / image.shape[1], height / image.shape[0])
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    if size == (image.shape[1], image.shape[0]):
        small = image
    else:
        mode = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        small = np.asarray(cv2.resize(image, size, interpolation=mode), dtype=np.uint8)
    if size == (width, height):
        return np.ascontiguousarray(small), scale
    canvas = np.full((height, width, 3), _PADDING, np.uint8)
    canvas[: size[1], : size[0]] = small
    return canvas, scale


def _to_image(
    found: Shoppers2D, scale: float, width: int, height: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return boxes (clipped to the image) and keypoints in pixels of the full image."""
    limits = np.array([width - 1, height - 1, width - 1, height - 1], np.float32)
    boxes = np.clip((found.boxes + 0.5) / scale - 0.5, 0, limits).astype(np.float32)
    keypoints = found.keypoints.astype(np.float32).copy()
    keypoints[:, :, :2] = (keypoints[:, :, :2] + 0.5) / scale - 0.5
    return boxes, keypoints
