"""Labels to target maps and back: what a perfect network puts out must decode to the labels."""

from __future__ import annotations

import numpy as np
import pytest

from walkout.perception.decode import DecodeParameters, NetworkOutput, decode
from walkout.perception.types import KEYPOINT_COUNT, Keypoint
from walkout.training.labels import Labels, Visibility
from walkout.training.targets import ARM_FACTOR, ARM_HEAT_FACTOR, make_targets

WIDTH, HEIGHT = 320, 240


def shopper(x: float, y: float, size: float, rng: np.random.Generator, share: float = 1.0) -> Labels:
    joints = np.zeros((1, KEYPOINT_COUNT, 3), np.float32)
    joints[0, :, 0] = x + rng.uniform(-0.4, 0.4, KEYPOINT_COUNT) * size
    joints[0, :, 1] = y + rng.uniform(-0.8, 0.8, KEYPOINT_COUNT) * size
    joints[0, :, 2] = Visibility.SEEN
    box = np.array([[x - 0.5 * size, y - size, x + 0.5 * size, y + size]], np.float32)
    pixels = np.array([0.6 * share * 2 * size * size], np.float32)
    return Labels(box, box, joints, np.array([share], np.float32), pixels)


def together(*labels: Labels) -> Labels:
    return Labels(*(np.concatenate([getattr(one, name) for one in labels]) for name in Labels.__dataclass_fields__))


def perfect_output(labels: Labels) -> NetworkOutput:
    targets = make_targets(labels, WIDTH, HEIGHT)
    return NetworkOutput(targets.centre, targets.box, targets.joints, targets.visible, targets.heat)


def crowd(seed: int) -> Labels:
    rng = np.random.default_rng(seed)
    places = [(60, 70), (150, 90), (200, 160), (280, 60)]
    return together(*(shopper(x, y, rng.uniform(18, 45), rng) for x, y in places))


@pytest.mark.parametrize("seed", range(8))
def test_perfect_maps_decode_to_the_labels(seed: int) -> None:
    labels = crowd(seed)
    found = decode(perfect_output(labels), DecodeParameters())
    assert len(found.scores) == len(labels)
    order = np.argsort(found.boxes[:, 0])
    expected = np.argsort(labels.boxes[:, 0])
    np.testing.assert_allclose(found.boxes[order], labels.boxes[expected], atol=1e-3)
    error = np.linalg.norm(found.keypoints[order, :, :2] - labels.joints[expected, :, :2], axis=2)
    assert np.median(error) < 0.2
    assert error.max() < 4.0
    assert found.keypoints[:, :, 2].min() > 0.4


def test_hidden_shoppers_are_neither_learnt_nor_punished() -> None:
    rng = np.random.default_rng(3)
    hidden = shopper(100, 100, 40, rng, share=0.05)
    targets = make_targets(hidden, WIDTH, HEIGHT)
    assert targets.centre.max() == 0
    assert targets.person_weight.max() == 0
    assert targets.centre_weight[12, 12] == 0
    assert targets.centre_weight[2, 35] == 1
    assert targets.heat.max() == 0


def test_a_hidden_joint_leaves_its_heat_map_open_and_a_joint_outside_is_not_learnt() -> None:
    labels = shopper(100, 100, 40, np.random.default_rng(4))
    labels.joints[0, Keypoint.LEFT_WRIST] = (110, 90, Visibility.HIDDEN)
    labels.joints[0, Keypoint.RIGHT_FOOT] = (110, 400, Visibility.OUTSIDE)
    targets = make_targets(labels, WIDTH, HEIGHT)
    assert targets.heat[Keypoint.LEFT_WRIST].max() == 0
    assert targets.heat_weight[Keypoint.LEFT_WRIST, 22, 27] == 0
    assert targets.heat_weight[Keypoint.LEFT_WRIST, 50, 70] == 1
    cell = np.unravel_index(targets.person_weight.argmax(), targets.person_weight.shape)
    assert targets.joint_weight[(Keypoint.RIGHT_FOOT, *cell)] == 0
    assert targets.visible_weight[(Keypoint.RIGHT_FOOT, *cell)] == 0
    assert targets.visible[(Keypoint.LEFT_WRIST, *cell)] == 0
    assert targets.visible_weight[(Keypoint.LEFT_WRIST, *cell)] == 1


def test_each_of_two_close_shoppers_owns_its_own_cell() -> None:
    rng = np.random.default_rng(5)
    labels = together(shopper(100, 100, 40, rng), shopper(114, 104, 38, rng))
    targets = make_targets(labels, WIDTH, HEIGHT)
    found = decode(perfect_output(labels), DecodeParameters(nms_iou=0.95))
    assert (targets.centre == 1).sum() == 2
    np.testing.assert_allclose(found.boxes[np.argsort(found.boxes[:, 0])], labels.boxes, atol=1e-3)


def test_a_picture_without_shoppers_teaches_only_emptiness() -> None:
    targets = make_targets(Labels.empty(), WIDTH, HEIGHT)
    assert targets.centre.max() == targets.person_weight.max() == targets.heat.max() == 0
    assert targets.centre_weight.min() == targets.heat_weight.min() == 1


def test_outstretched_arms_count_more_than_hanging_ones() -> None:
    labels = shopper(150, 120, 40, np.random.default_rng(0))
    labels.joints[0, Keypoint.LEFT_HIP, :2] = labels.joints[0, Keypoint.LEFT_WRIST, :2] = 140, 130
    labels.joints[0, Keypoint.RIGHT_HIP, :2], labels.joints[0, Keypoint.RIGHT_WRIST, :2] = (160, 130), (168, 85)
    labels.joints[0, Keypoint.NECK, :2] = 150, 85
    targets = make_targets(labels, WIDTH, HEIGHT)
    row, column = np.unravel_index(targets.person_weight.argmax(), targets.person_weight.shape)
    weight = targets.joint_weight[:, row, column]
    for joint in (Keypoint.RIGHT_ELBOW, Keypoint.RIGHT_WRIST):
        assert weight[joint] == ARM_FACTOR
    others = [j for j in Keypoint if j not in (Keypoint.RIGHT_ELBOW, Keypoint.RIGHT_WRIST)]
    np.testing.assert_array_equal(weight[others], 1.0)
    peak = targets.heat_weight[Keypoint.RIGHT_WRIST][targets.heat[Keypoint.RIGHT_WRIST] > 0.5]
    np.testing.assert_array_equal(peak, ARM_HEAT_FACTOR)
    assert targets.heat_weight[Keypoint.RIGHT_WRIST, 0, 0] == 1
    assert targets.heat_weight[Keypoint.LEFT_WRIST].max() == 1
