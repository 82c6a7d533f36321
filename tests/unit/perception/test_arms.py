"""The second look: squares, grids of probabilities, and models that do not fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from walkout.drivers.types import Frame
from walkout.perception.arm_frames import ARM_JOINTS, arm_squares, cut, into_squares, out_of_squares
from walkout.perception.arms import CELL_PIXELS, CELLS, INPUT_PIXELS, ArmFinder, _whose, decode_cells
from walkout.perception.detector import Detector, DetectorParameters
from walkout.perception.models import SHOPPER_DETECTOR, ModelError, find_model
from walkout.perception.types import KEYPOINT_COUNT

BLOB_MODEL = Path(__file__).resolve().parents[2] / "data" / "blob_detector.onnx"
sides = st.floats(60.0, 700.0)
places = st.tuples(st.floats(-50.0, 700.0), st.floats(-50.0, 500.0))


@settings(deadline=None)
@given(centre=places, side=sides, joint=places)
def test_the_way_into_a_square_leads_out_again(
    centre: tuple[float, float], side: float, joint: tuple[float, float]
) -> None:
    squares = np.array([[*centre, side]])
    inside = into_squares(np.array([[joint]]), squares, INPUT_PIXELS)
    np.testing.assert_allclose(out_of_squares(inside, squares, INPUT_PIXELS), [[joint]], atol=1e-6)


@pytest.mark.parametrize("side", [80.0, 144.0, 250.0, 430.0])
def test_a_cut_shows_things_where_the_square_says(side: float) -> None:
    image = np.full((480, 640, 3), 20, np.uint8)
    image[196:205, 306:315] = 255
    squares = np.array([[290.0, 215.0, side]])
    picture = cut(image, squares[0], INPUT_PIXELS)
    assert picture.shape == (INPUT_PIXELS, INPUT_PIXELS, 3)
    light = picture[..., 0].astype(float) - 20
    rows, columns = np.indices(light.shape)
    found = np.array([(columns * light).sum(), (rows * light).sum()]) / light.sum()
    np.testing.assert_allclose(found, into_squares(np.array([[[310.0, 200.0]]]), squares, INPUT_PIXELS)[0, 0], atol=0.3)


def test_what_lies_beyond_the_picture_is_grey() -> None:
    picture = cut(np.zeros((480, 640, 3), np.uint8), np.array([0.0, 0.0, 200.0]), INPUT_PIXELS)
    assert (picture[0, 0] == 114).all()
    assert (picture[-1, -1] == 0).all()


def test_a_square_grows_with_the_shopper_and_moves_with_him() -> None:
    keypoints = np.zeros((1, KEYPOINT_COUNT, 3))
    keypoints[0, :, :2] = [
        [50, 10],
        [50, 20],
        [60, 22],
        [40, 22],
        [65, 40],
        [35, 40],
        *[[66, 58], [34, 58]],
        *[[55, 60], [45, 60]],
        *[[55, 110], [45, 110]],
    ]
    box = np.array([[30.0, 0.0, 70.0, 115.0]])
    first = arm_squares(box, keypoints)[0]
    second = arm_squares(3 * box + 7, np.concatenate([3 * keypoints[..., :2] + 7, keypoints[..., 2:]], axis=2))[0]
    np.testing.assert_allclose(second, [3 * first[0] + 7, 3 * first[1] + 7, 3 * first[2]])
    inside = into_squares(keypoints[:, :, :2], first[None], INPUT_PIXELS)[0, :8]
    assert ((inside > 0) & (inside < INPUT_PIXELS)).all()


def blob(x: float, y: float, height: float = 8.0) -> np.ndarray:
    """Return logits (CELLS, CELLS) of a Gaussian of one cell around a pixel."""
    cell = np.arange(CELLS)
    column, row = ((value + 0.5) / CELL_PIXELS - 0.5 for value in (x, y))
    return np.asarray(height - ((cell[:, None] - row) ** 2 + (cell - column) ** 2) / 2)


@settings(deadline=None)
@given(x=st.floats(12.0, 130.0), y=st.floats(12.0, 130.0))
def test_a_joint_is_found_to_a_fraction_of_a_cell(x: float, y: float) -> None:
    logits = np.stack([blob(x, y)] * 8)[None].astype(np.float32)
    found, confidence = decode_cells(logits)
    np.testing.assert_allclose(found[0], [[x, y]] * 8, atol=0.15 * CELL_PIXELS)
    assert (confidence > 0.9).all()


def test_of_two_places_as_likely_neither_is_sure_and_the_border_is_nowhere() -> None:
    both = np.logaddexp(blob(40.0, 40.0), blob(100.0, 90.0))
    logits = np.stack([both, blob(-30.0, 60.0), *[blob(70.0, 70.0)] * 6])[None].astype(np.float32)
    found, confidence = decode_cells(logits)
    assert confidence[0, 0] == pytest.approx(0.5, abs=0.05)
    assert min(np.abs(found[0, 0] - place).max() for place in ([40, 40], [100, 90])) < 1
    assert confidence[0, 1] == 0


def test_of_two_who_claim_one_wrist_the_better_founded_claim_counts() -> None:
    places = np.zeros((2, 8, 2))
    places[0] = [[100, 50], [100, 60], [110, 65], [90, 65], [112, 85], [88, 85], [112, 105], [88, 105]]
    places[1] = places[0] + [60, 0]
    places[1, 7] = places[0, 6] + [2, 0]  # the second one's right wrist is said to be the first one's left
    confidence = np.full((2, 8), 0.9)
    squares = np.array([[100.0, 80.0, 140.0], [160.0, 80.0, 140.0]])
    worth = _whose(places, confidence, squares)
    assert 0.5 < worth[0, 6] < 0.7
    assert worth[0, 6] + worth[1, 7] == pytest.approx(1.0)
    confidence[0, 6] = 0.5
    worth = _whose(places, confidence, squares)
    assert worth[0, 6] == pytest.approx(0.3)
    assert worth[1, 7] > 0.95
    worth[0, 6] = worth[1, 7] = 1.0
    assert (worth == 1).all()
    assert (_whose(places[:1], confidence[:1], squares[:1]) == 1).all()


def test_the_surest_shoppers_get_the_second_look_and_only_their_arms_change(monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    image[160:176, 320:336] = (0, 0, 255)
    image[240:256, 480:496] = (0, 0, 200)
    first = Detector(DetectorParameters(model_path=str(BLOB_MODEL), arm_looks=0)).detect(Frame("c1", 1, image))
    detector = Detector(DetectorParameters(model_path=str(BLOB_MODEL), arm_looks=1))
    told = np.full((1, len(ARM_JOINTS), 3), 0.5)
    told[0, 3, 2] = 0.0  # nowhere in the square
    monkeypatch.setattr(detector._arms, "find", lambda image, boxes, keypoints: told[: len(boxes)])
    second = detector.detect(Frame("c1", 1, image))
    assert len(first) == 2
    np.testing.assert_array_equal(first.boxes, second.boxes)
    np.testing.assert_array_equal(first.keypoints[1], second.keypoints[1])
    others = slice(len(ARM_JOINTS), None)
    np.testing.assert_array_equal(first.keypoints[0, others], second.keypoints[0, others])
    np.testing.assert_array_equal(second.keypoints[0, [0, 1, 2, 4, 5, 6, 7]], 0.5)
    np.testing.assert_array_equal(second.keypoints[0, 3], first.keypoints[0, 3])


def test_a_missing_and_another_model_name_file_and_remedy(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nothing\.onnx: model file not found; run `walkout train arms`"):
        Detector(DetectorParameters(arm_model_path=str(tmp_path / "nothing.onnx")))
    with pytest.raises(ModelError, match=r"shopper_detector\.onnx: it is not an arm finder.*`walkout train arms`"):
        ArmFinder(find_model(SHOPPER_DETECTOR))


def test_looks_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match=r"arm_looks is -1, must be 0\.\.100"):
        DetectorParameters(arm_looks=-1)
