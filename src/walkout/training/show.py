"""Draws labelled pictures and what the detector finds in them, as a sheet to look at.

``python -m walkout.training.show FOLDER --out sheet.png`` takes the shards of a data set.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from walkout.drivers.types import Frame
from walkout.perception.detector import Detector, DetectorParameters
from walkout.perception.types import Detections, Keypoint
from walkout.training.labels import Labels, Visibility
from walkout.training.shards import SampleSet

LIMBS = (
    (Keypoint.HEAD, Keypoint.NECK),
    (Keypoint.NECK, Keypoint.LEFT_SHOULDER),
    (Keypoint.NECK, Keypoint.RIGHT_SHOULDER),
    (Keypoint.LEFT_SHOULDER, Keypoint.LEFT_ELBOW),
    (Keypoint.LEFT_ELBOW, Keypoint.LEFT_WRIST),
    (Keypoint.RIGHT_SHOULDER, Keypoint.RIGHT_ELBOW),
    (Keypoint.RIGHT_ELBOW, Keypoint.RIGHT_WRIST),
    (Keypoint.LEFT_SHOULDER, Keypoint.LEFT_HIP),
    (Keypoint.RIGHT_SHOULDER, Keypoint.RIGHT_HIP),
    (Keypoint.LEFT_HIP, Keypoint.LEFT_FOOT),
    (Keypoint.RIGHT_HIP, Keypoint.RIGHT_FOOT),
)
LEFT_COLOUR, RIGHT_COLOUR, MIDDLE_COLOUR = (80, 220, 255), (255, 160, 60), (255, 255, 255)
TRUTH_COLOUR, IGNORED_COLOUR, FOUND_COLOUR = (90, 200, 90), (130, 130, 130), (80, 80, 255)

Image = NDArray[np.uint8]


def draw_labels(image: Image, labels: Labels, zoom: int = 2) -> Image:
    """Return the picture enlarged, with the true boxes and joints; hidden joints are rings."""
    canvas = _enlarge(image, zoom)
    for box, joints, counted in zip(labels.boxes, labels.joints, labels.counted(), strict=True):
        _rectangle(canvas, box, TRUTH_COLOUR if counted else IGNORED_COLOUR, zoom)
        _skeleton(canvas, joints, joints[:, 2] == Visibility.SEEN, joints[:, 2] != Visibility.OUTSIDE, zoom)
    return canvas


def draw_detections(image: Image, found: Detections, zoom: int = 2, sure: float = 0.4) -> Image:
    """Return the picture enlarged, with found boxes, scores and joints; joints of low confidence are rings."""
    canvas = _enlarge(image, zoom)
    for box, score, joints in zip(found.boxes, found.scores, found.keypoints, strict=True):
        _rectangle(canvas, box, FOUND_COLOUR, zoom)
        corner = (int(box[0] * zoom) + 2, int(box[1] * zoom) + 12)
        cv2.putText(canvas, f"{score:.2f}", corner, cv2.FONT_HERSHEY_SIMPLEX, 0.4, FOUND_COLOUR, 1, cv2.LINE_AA)
        _skeleton(canvas, joints, joints[:, 2] >= sure, np.ones(len(joints), np.bool_), zoom)
    return canvas


def sheet(pictures: list[Image], columns: int) -> Image:
    """Return pictures of one size in rows."""
    blank = np.zeros_like(pictures[0])
    padded = pictures + [blank] * (-len(pictures) % columns)
    rows = [np.hstack(padded[start : start + columns]) for start in range(0, len(padded), columns)]
    return np.vstack(rows)


def _enlarge(image: Image, zoom: int) -> Image:
    return np.asarray(cv2.resize(image, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def _rectangle(canvas: Image, box: NDArray[np.floating], colour: tuple[int, int, int], zoom: int) -> None:
    x1, y1, x2, y2 = (round(float(v + 0.5) * zoom) for v in box)
    cv2.rectangle(canvas, (x1, y1), (x2, y2), colour, 1)


def _skeleton(
    canvas: Image, joints: NDArray[np.floating], sure: NDArray[np.bool_], known: NDArray[np.bool_], zoom: int
) -> None:
    points = [(round(float(x + 0.5) * zoom), round(float(y + 0.5) * zoom)) for x, y in joints[:, :2]]
    for a, b in LIMBS:
        if known[a] and known[b]:
            cv2.line(canvas, points[a], points[b], _colour(b), 1, cv2.LINE_AA)
    for joint in Keypoint:
        if known[joint]:
            radius = 4 if "WRIST" in joint.name else 3
            cv2.circle(canvas, points[joint], radius, _colour(joint), -1 if sure[joint] else 1, cv2.LINE_AA)


def _colour(joint: Keypoint) -> tuple[int, int, int]:
    if joint.name.startswith("LEFT"):
        return LEFT_COLOUR
    return RIGHT_COLOUR if joint.name.startswith("RIGHT") else MIDDLE_COLOUR


def main() -> None:
    """Draw a sheet: truth left, detections right."""
    parser = argparse.ArgumentParser(description="Draw labelled pictures and what the detector finds in them.")
    parser.add_argument("folder", type=Path, help="folder with the shards of a data set")
    parser.add_argument("--out", type=Path, default=Path("sheet.png"), help="picture to write")
    parser.add_argument("--model", default="", help="ONNX model (the project's own)")
    parser.add_argument("--count", type=int, default=6, help="how many pictures")
    parser.add_argument("--seed", type=int, default=0, help="which pictures")
    parser.add_argument("--labels-only", action="store_true", help="draw no detections")
    options = parser.parse_args()
    data = SampleSet(options.folder)
    pictures = []
    detector = None if options.labels_only else Detector(DetectorParameters(model_path=options.model))
    for index in np.random.default_rng(options.seed).choice(len(data), options.count, replace=False):
        sample = data[int(index)]
        pictures.append(draw_labels(sample.image, sample.labels))
        if detector is not None:
            pictures.append(draw_detections(sample.image, detector.detect(Frame("", 0, sample.image))))
    cv2.imwrite(str(options.out), sheet(pictures, 2))


if __name__ == "__main__":
    main()
