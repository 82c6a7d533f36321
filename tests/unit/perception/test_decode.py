from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from walkout.perception.decode import (
    COARSE_STRIDE,
    FINE_STRIDE,
    DecodeParameters,
    NetworkOutput,
    box_iou,
    decode,
    suppress,
)
from walkout.perception.types import KEYPOINT_COUNT

ROWS, COLUMNS = 30, 40


def blank() -> NetworkOutput:
    coarse = (ROWS, COLUMNS)
    fine = (ROWS * COARSE_STRIDE // FINE_STRIDE, COLUMNS * COARSE_STRIDE // FINE_STRIDE)
    return NetworkOutput(
        centre=np.zeros(coarse, np.float32),
        box=np.zeros((4, *coarse), np.float32),
        joints=np.zeros((KEYPOINT_COUNT, 2, *coarse), np.float32),
        visible=np.zeros((KEYPOINT_COUNT, *coarse), np.float32),
        heat=np.zeros((KEYPOINT_COUNT, *fine), np.float32),
    )


def put_shopper(output: NetworkOutput, row: int, column: int, score: float, sides: tuple[float, ...]) -> None:
    output.centre[row, column] = score
    output.box[:, row, column] = sides
    output.visible[:, row, column] = 0.8


def put_peak(output: NetworkOutput, joint: int, x: float, y: float, height: float = 1.0, sigma: float = 4.0) -> None:
    rows, columns = output.heat.shape[1:]
    along_y = (np.arange(rows) + 0.5) * FINE_STRIDE - 0.5
    along_x = (np.arange(columns) + 0.5) * FINE_STRIDE - 0.5
    squared = (along_y[:, None] - y) ** 2 + (along_x[None, :] - x) ** 2
    peak = height * np.exp(-squared / (2 * sigma * sigma))
    output.heat[joint] = np.maximum(output.heat[joint], peak)


def test_hand_made_maps_give_exact_boxes_and_joints() -> None:
    output = blank()
    put_shopper(output, 10, 20, 0.9, (12.0, 30.0, 14.0, 25.0))
    put_shopper(output, 5, 3, 0.6, (8.0, 9.0, 10.0, 11.0))
    output.joints[4, :, 10, 20] = (-7.0, 5.0)
    found = decode(output, DecodeParameters())
    x, y = 20.5 * 8 - 0.5, 10.5 * 8 - 0.5
    np.testing.assert_allclose(found.boxes[0], [x - 12, y - 30, x + 14, y + 25], atol=1e-4)
    np.testing.assert_allclose(found.scores, [0.9, 0.6], atol=1e-6)
    np.testing.assert_allclose(found.keypoints[0, 4], [x - 7, y + 5, 0.4], atol=1e-4)


def test_no_shopper_gives_empty_arrays() -> None:
    found = decode(blank(), DecodeParameters())
    assert found.boxes.shape == (0, 4)
    assert found.keypoints.shape == (0, KEYPOINT_COUNT, 3)


def test_neighbouring_cells_of_one_shopper_give_one_detection() -> None:
    output = blank()
    put_shopper(output, 10, 20, 0.9, (20, 20, 20, 20))
    put_shopper(output, 10, 21, 0.8, (28, 20, 12, 20))
    put_shopper(output, 12, 20, 0.7, (20, 36, 20, 4))
    assert len(decode(output, DecodeParameters()).scores) == 1


def test_weak_centres_and_surplus_shoppers_are_left_out() -> None:
    output = blank()
    for index in range(6):
        put_shopper(output, 15, 3 + 6 * index, 0.2 + 0.1 * index, (8, 8, 8, 8))
    found = decode(output, DecodeParameters(score_threshold=0.35, max_detections=2))
    np.testing.assert_allclose(found.scores, [0.7, 0.6], atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(x=st.floats(40, 280), y=st.floats(40, 200), sigma=st.floats(3.6, 6.4))
def test_a_peak_near_the_regressed_joint_is_found_to_a_fraction_of_a_pixel(x: float, y: float, sigma: float) -> None:
    output = blank()
    row, column = int((y + 0.5) // 8), int((x + 0.5) // 8)
    put_shopper(output, row, column, 0.9, (20, 40, 20, 40))
    put_peak(output, 6, x, y, 0.8, sigma)
    joint = decode(output, DecodeParameters()).keypoints[0, 6]
    np.testing.assert_allclose(joint[:2], [x, y], atol=0.15)
    assert 0.4 < joint[2] <= 0.8 + 1e-6


def test_of_two_peaks_each_shopper_takes_the_nearer_one() -> None:
    output = blank()
    put_shopper(output, 15, 15, 0.9, (16, 40, 16, 40))
    put_shopper(output, 15, 19, 0.8, (16, 40, 16, 40))
    put_peak(output, 7, 118.0, 120.0)
    put_peak(output, 7, 160.0, 124.0, 0.6)
    found = decode(output, DecodeParameters()).keypoints[:, 7, 0]
    np.testing.assert_allclose(found, [118.0, 160.0], atol=0.5)


def test_two_wrists_of_unknown_side_are_both_used_once() -> None:
    """A network that sees two wrists but not which is which shows both in both maps at half height."""
    output = blank()
    put_shopper(output, 15, 15, 0.9, (16, 40, 16, 40))
    for joint in (6, 7):
        put_peak(output, joint, 112.0, 118.0, 0.45)
        put_peak(output, joint, 135.0, 130.0, 0.42)
    wrists = decode(output, DecodeParameters()).keypoints[0, 6:8]
    np.testing.assert_allclose(np.sort(wrists[:, 0]), [112.0, 135.0], atol=0.5)
    assert wrists[:, 2].min() > 0.7


def test_the_taller_map_decides_the_side() -> None:
    output = blank()
    put_shopper(output, 15, 15, 0.9, (16, 40, 16, 40))
    put_peak(output, 6, 112.0, 118.0, 0.4)
    put_peak(output, 7, 112.0, 118.0, 0.5)
    put_peak(output, 6, 135.0, 118.0, 0.5)
    put_peak(output, 7, 135.0, 118.0, 0.4)
    np.testing.assert_allclose(decode(output, DecodeParameters()).keypoints[0, 6:8, 0], [135.0, 112.0], atol=0.5)


def test_one_visible_wrist_does_not_drag_the_other_along_but_joined_hands_share_a_peak() -> None:
    output = blank()
    put_shopper(output, 15, 15, 0.9, (16, 40, 16, 40))
    output.joints[7, :, 15, 15] = (14.0, 3.0)
    put_peak(output, 6, 112.0, 118.0, 0.9)
    left, right = decode(output, DecodeParameters()).keypoints[0, 6:8]
    np.testing.assert_allclose(left[:2], [112.0, 118.0], atol=0.5)
    np.testing.assert_allclose(right, [137.5, 126.5, 0.4], atol=1e-4)
    put_peak(output, 7, 112.0, 118.0, 0.9)
    left, right = decode(output, DecodeParameters()).keypoints[0, 6:8]
    np.testing.assert_allclose(right[:2], left[:2], atol=1e-4)


def test_a_far_peak_does_not_pull_a_joint() -> None:
    output = blank()
    put_shopper(output, 15, 15, 0.9, (16, 40, 16, 40))
    put_peak(output, 7, 250.0, 120.0)
    joint = decode(output, DecodeParameters()).keypoints[0, 7]
    np.testing.assert_allclose(joint, [123.5, 123.5, 0.4], atol=1e-4)


def test_a_joint_regressed_far_outside_the_picture_stays_there() -> None:
    output = blank()
    put_shopper(output, 28, 1, 0.9, (12, 40, 16, 12))
    output.joints[10, :, 28, 1] = (-90.0, 200.0)
    put_peak(output, 10, 30.0, 200.0)
    joint = decode(output, DecodeParameters()).keypoints[0, 10]
    np.testing.assert_allclose(joint[:2], [11.5 - 90.0, 227.5 + 200.0], atol=1e-4)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(*[st.floats(0, 100)] * 2, *[st.floats(1, 60)] * 2, st.floats(0, 1)), max_size=12))
def test_suppression_keeps_the_best_and_nothing_that_overlaps(rows: list[tuple[float, ...]]) -> None:
    data = np.array(rows, np.float32).reshape(-1, 5)
    boxes = np.concatenate([data[:, :2], data[:, :2] + data[:, 2:4]], axis=1)
    keep = suppress(boxes, data[:, 4], 0.5)
    overlap = box_iou(boxes[keep], boxes[keep])
    np.fill_diagonal(overlap, 0.0)
    assert overlap.max(initial=0.0) <= 0.5
    assert np.all(np.diff(data[keep, 4]) <= 0)
    dropped = np.setdiff1d(np.arange(len(boxes)), keep)
    assert all((box_iou(boxes[[one]], boxes[keep]) > 0.5).any() for one in dropped)


@pytest.mark.parametrize(
    "values", [{"score_threshold": 0.0}, {"nms_iou": 1.2}, {"max_detections": 0}, {"search_sigma": -1.0}]
)
def test_impossible_parameters_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(values))):
        DecodeParameters(**values)  # type: ignore[arg-type]
