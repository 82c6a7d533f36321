from __future__ import annotations

import numpy as np

from walkout.perception.appearance import DESCRIPTOR_SIZE, clothing_descriptors
from walkout.perception.types import KEYPOINT_COUNT, Keypoint


def person(x: float, y: float, size: float) -> np.ndarray:
    joints = np.zeros((KEYPOINT_COUNT, 3), np.float32)
    for joint, (dx, dy) in {
        Keypoint.LEFT_SHOULDER: (-0.2, 0.2),
        Keypoint.RIGHT_SHOULDER: (0.2, 0.2),
        Keypoint.LEFT_HIP: (-0.15, 0.5),
        Keypoint.RIGHT_HIP: (0.15, 0.5),
        Keypoint.LEFT_FOOT: (-0.15, 1.0),
        Keypoint.RIGHT_FOOT: (0.15, 1.0),
    }.items():
        joints[joint] = (x + dx * size, y + dy * size, 1.0)
    return joints


def picture(top: tuple[int, int, int], bottom: tuple[int, int, int], seed: int = 0) -> np.ndarray:
    image = np.zeros((200, 200, 3), np.float64)
    image[:100], image[100:] = top, bottom
    noise = np.random.default_rng(seed).normal(0, 6, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def test_same_clothes_are_alike_and_others_are_not() -> None:
    joints = person(100, 0, 200)[None]
    red_blue = clothing_descriptors(picture((30, 30, 180), (160, 60, 30)), joints)[0]
    again = clothing_descriptors(picture((35, 28, 200), (150, 55, 35), seed=1), joints)[0]
    green_black = clothing_descriptors(picture((40, 170, 40), (20, 20, 20)), joints)[0]
    swapped = clothing_descriptors(picture((160, 60, 30), (30, 30, 180)), joints)[0]
    assert red_blue @ again > 0.95
    assert red_blue @ green_black < 0.5
    assert red_blue @ swapped < 0.5


def test_black_grey_and_white_differ() -> None:
    joints = person(100, 0, 200)[None]
    vectors = [clothing_descriptors(picture((v, v, v), (v, v, v)), joints)[0] for v in (15, 120, 240)]
    assert max(vectors[0] @ vectors[1], vectors[1] @ vectors[2], vectors[0] @ vectors[2]) < 0.75


def test_vectors_have_unit_length_also_for_joints_outside_the_picture() -> None:
    image = picture((30, 30, 180), (160, 60, 30))
    vectors = clothing_descriptors(image, np.stack([person(100, 0, 200), person(-300, 500, 80)]))
    assert vectors.shape == (2, DESCRIPTOR_SIZE)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_nobody_gives_an_empty_array() -> None:
    empty = clothing_descriptors(np.zeros((4, 4, 3), np.uint8), np.zeros((0, KEYPOINT_COUNT, 3), np.float32))
    assert empty.shape == (0, DESCRIPTOR_SIZE)
