from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from walkout.perception.types import KEYPOINT_COUNT, Keypoint
from walkout.training.augment import augment
from walkout.training.labels import MIRRORED, Labels, Visibility
from walkout.training.shards import Sample, SampleSet, shard_numbers, write_shard

WIDTH, HEIGHT = 320, 240


def one_shopper(points: np.ndarray) -> Labels:
    joints = np.concatenate([points, np.full((12, 1), Visibility.SEEN)], axis=1)[None].astype(np.float32)
    box = np.array([[*points.min(axis=0), *points.max(axis=0)]], np.float32)
    return Labels(box, box, joints, np.ones(1, np.float32), np.full(1, 500, np.float32))


def spread(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform((90, 60), (230, 180), (12, 2))


@pytest.mark.parametrize("seed", range(12))
def test_augmented_labels_stay_on_the_picture_content(seed: int) -> None:
    """A bright dot per joint moves with the picture; the labels must land on the same dots, left and right swapped."""
    rng = np.random.default_rng(seed)
    points = np.round(np.stack(np.meshgrid([100, 140, 180, 220], [70, 120, 170]), -1).reshape(-1, 2)).astype(float)
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for x, y in points.astype(int):
        image[y - 2 : y + 3, x - 2 : x + 3] = 255
    warped, labels = augment(image, one_shopper(points), rng)
    grey = warped.astype(int).sum(axis=2)
    contrast = [
        grey[round(y), round(x)] - np.median(grey)
        for x, y, state in labels.joints[0]
        if state == Visibility.SEEN and 2 < x < WIDTH - 3 and 2 < y < HEIGHT - 3
    ]
    assert len(contrast) >= 6
    assert np.mean(np.array(contrast) > 80) > 0.8


def test_mirroring_twice_is_nothing_and_swaps_left_and_right() -> None:
    labels = one_shopper(spread(1))
    matrix = np.array([[-1.0, 0, WIDTH - 1], [0, 1, 0]])
    once = labels.warp(matrix, WIDTH, HEIGHT, mirrored=True)
    twice = once.warp(matrix, WIDTH, HEIGHT, mirrored=True)
    np.testing.assert_allclose(twice.joints, labels.joints, atol=1e-4)
    np.testing.assert_allclose(twice.boxes, labels.boxes, atol=1e-4)
    x, y, _ = labels.joints[0, Keypoint.LEFT_WRIST]
    np.testing.assert_allclose(once.joints[0, Keypoint.RIGHT_WRIST], [WIDTH - 1 - x, y, Visibility.SEEN], atol=1e-4)
    assert [Keypoint(MIRRORED[joint]).name for joint in (Keypoint.HEAD, Keypoint.LEFT_FOOT)] == ["HEAD", "RIGHT_FOOT"]


def test_what_leaves_the_picture_is_marked_and_counts_less() -> None:
    labels = one_shopper(spread(2))
    moved = labels.warp(np.array([[1.0, 0, 170], [0, 1, 0]]), WIDTH, HEIGHT, mirrored=False)
    gone = moved.joints[0, :, 0] > WIDTH - 0.5
    assert gone.any()
    assert not gone.all()
    np.testing.assert_array_equal(moved.joints[0, gone, 2], Visibility.OUTSIDE)
    assert moved.boxes[0, 2] == WIDTH - 1
    assert moved.seen_share[0] < 0.9


def test_shards_come_back_as_written_and_an_unfinished_one_does_not_count(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    samples = [
        Sample(rng.integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8), one_shopper(spread(3))),
        Sample(rng.integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8), Labels.empty()),
    ]
    write_shard(tmp_path, 0, samples)
    write_shard(tmp_path, 1, samples[::-1])
    (tmp_path / "shard_00001.npz").unlink()
    assert shard_numbers(tmp_path) == [0]
    data = SampleSet(tmp_path)
    assert [len(data[index].labels) for index in range(len(data))] == [1, 0]
    np.testing.assert_array_equal(data[0].image, samples[0].image)
    np.testing.assert_array_equal(data[0].labels.joints, samples[0].labels.joints)


def test_no_pictures_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="walkout train detector"):
        SampleSet(tmp_path)


def with_left_wrist(left_wrist: tuple[float, float]) -> Labels:
    joints = np.zeros((1, KEYPOINT_COUNT, 3), np.float32)
    joints[0, :, 2] = Visibility.SEEN
    places = {Keypoint.LEFT_HIP: (90, 100), Keypoint.RIGHT_HIP: (110, 100)}
    places |= {Keypoint.NECK: (100, 50), Keypoint.RIGHT_WRIST: (116, 104)}
    for joint, place in (*places.items(), (Keypoint.LEFT_WRIST, left_wrist)):
        joints[0, joint, :2] = place
    box = np.array([[75, 20, 125, 180]], np.float32)
    return Labels(box, box, joints, np.ones(1, np.float32), np.full(1, 4000, np.float32))


def test_an_arm_is_outstretched_when_its_wrist_is_far_from_its_hip() -> None:
    hanging = with_left_wrist((84, 104)).outstretched()
    raised = with_left_wrist((60, 45)).outstretched()
    np.testing.assert_array_equal(hanging, [[0, 0]])
    np.testing.assert_array_equal(raised, [[1, 0]])
    half_way = with_left_wrist((60, 76)).outstretched()
    assert 0 < half_way[0, 0] < 1


def test_a_mirrored_picture_has_the_other_arm_outstretched() -> None:
    matrix = np.array([[-0.8, 0, 300], [0, 0.8, 0]])
    mirrored = with_left_wrist((60, 45)).warp(matrix, 320, 240, mirrored=True)
    np.testing.assert_allclose(mirrored.outstretched(), [[0, 1]])


def test_pictures_with_seen_outstretched_arms_are_known(tmp_path: Path) -> None:
    image = np.zeros((240, 320, 3), np.uint8)
    hidden = with_left_wrist((60, 45))
    hidden.joints[0, Keypoint.LEFT_WRIST, 2] = Visibility.HIDDEN
    shown = [with_left_wrist((84, 104)), with_left_wrist((60, 45)), hidden, Labels.empty()]
    write_shard(tmp_path, 0, [Sample(image, labels) for labels in shown])
    np.testing.assert_array_equal(SampleSet(tmp_path).stretched(), [0, 1, 0, 0])
