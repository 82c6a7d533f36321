from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from walkout.drivers.types import Frame
from walkout.perception.detector import FORMAT, FORMAT_KEY, Detector, DetectorParameters
from walkout.perception.models import ModelError

BLOB_MODEL = Path(__file__).resolve().parents[2] / "data" / "blob_detector.onnx"
"""Made by make_blob_detector.py: answers to bright red 8x8 cells with a fixed box."""


@pytest.fixture(scope="module")
def blob_model() -> Path:
    return BLOB_MODEL


def frame(image: np.ndarray) -> Frame:
    return Frame("c1", 123, image)


def with_blob(width: int, height: int, x: int, y: int, size: int) -> np.ndarray:
    image = np.zeros((height, width, 3), np.uint8)
    image[y : y + size, x : x + size] = (0, 0, 255)
    return image


def test_boxes_are_in_pixels_of_the_given_image(blob_model: Path) -> None:
    """The model answers to bright 8x8 cells with a fixed box; at 640x480 the cell is a 16x16 blob."""
    detector = Detector(DetectorParameters(arm_looks=0, model_path=str(blob_model)))
    small = detector.detect(frame(with_blob(320, 240, 160, 80, 8)))
    large = detector.detect(frame(with_blob(640, 480, 320, 160, 16)))
    assert (small.camera_id, small.stamp_ns, len(small)) == ("c1", 123, 1)
    np.testing.assert_allclose(small.boxes[0], [163.5 - 10, 83.5 - 20, 163.5 + 30, 83.5 + 40], atol=1e-3)
    np.testing.assert_allclose(large.boxes[0], (small.boxes[0] + 0.5) * 2 - 0.5, atol=1e-3)
    np.testing.assert_allclose(small.keypoints[0, :, :2], [[163.5, 83.5]] * 12, atol=1e-3)
    assert small.appearance.shape == (1, 24)


def test_pictures_of_another_shape_are_letterboxed(blob_model: Path) -> None:
    detector = Detector(DetectorParameters(arm_looks=0, model_path=str(blob_model), score_threshold=0.6))
    wide = detector.detect(frame(with_blob(1280, 480, 640, 160, 32)))
    assert len(wide) == 1
    np.testing.assert_allclose(wide.keypoints[0, 0, :2], [655.5, 175.5], atol=0.1)


def test_boxes_end_at_the_image_and_an_empty_image_has_none(blob_model: Path) -> None:
    detector = Detector(DetectorParameters(arm_looks=0, model_path=str(blob_model)))
    corner = detector.detect(frame(with_blob(640, 480, 624, 464, 16)))
    assert corner.boxes[0, 2] == 639
    assert corner.boxes[0, 3] == 479
    assert len(detector.detect(frame(np.zeros((480, 640, 3), np.uint8)))) == 0


def test_a_missing_model_names_file_and_remedy(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nothing\.onnx: model file not found; run `walkout train detector`"):
        Detector(DetectorParameters(model_path=str(tmp_path / "nothing.onnx")))


def test_a_corrupt_model_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"not a model" * 20)
    with pytest.raises(ModelError, match="walkout train detector") as error:
        Detector(DetectorParameters(model_path=str(path)))
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("written", "instead", "complaint"),
    [(FORMAT.encode(), b"shopper-detector-0", FORMAT_KEY), (b"visible", b"vizible", "output visible is None")],
)
def test_a_model_of_another_kind_is_refused(tmp_path: Path, written: bytes, instead: bytes, complaint: str) -> None:
    path = tmp_path / "other.onnx"
    path.write_bytes(BLOB_MODEL.read_bytes().replace(written, instead))
    with pytest.raises(ModelError, match=complaint) as error:
        Detector(DetectorParameters(model_path=str(path)))
    assert "walkout train detector" in str(error.value)


@pytest.mark.parametrize("image", [np.zeros((480, 640), np.uint8), np.zeros((480, 640, 3), np.float32)])
def test_an_image_of_another_format_is_refused(blob_model: Path, image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="camera c1"):
        Detector(DetectorParameters(arm_looks=0, model_path=str(blob_model))).detect(frame(image))


def test_threads_are_checked() -> None:
    with pytest.raises(ValueError, match="threads"):
        DetectorParameters(threads=0)
