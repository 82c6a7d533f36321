import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from walkout.geometry import transforms

angle = st.floats(-3.1, 3.1)
coordinate = st.floats(-10, 10)


@given(angle, angle, angle)
def test_quaternions_and_matrices_say_the_same(roll, pitch, yaw):
    rotation = transforms.rotation_from_rpy(roll, pitch, yaw)
    quaternion = transforms.quaternion_from_matrix(rotation)
    assert quaternion[3] >= 0
    assert np.allclose(transforms.matrix_from_quaternion(quaternion), rotation)


@given(angle, angle, coordinate, coordinate, coordinate)
def test_inverse_undoes_a_transform(pitch, yaw, x, y, z):
    matrix = transforms.transform(transforms.rotation_from_rpy(0.3, pitch, yaw), [x, y, z])
    points = np.array([[1.0, 2.0, 3.0], [0, 0, 0]])
    assert np.allclose(transforms.apply(transforms.invert(matrix), transforms.apply(matrix, points)), points)


def test_rpy_follows_rep_103():
    assert np.allclose(transforms.rotation_from_rpy(0, 0, np.pi / 2) @ [1, 0, 0], [0, 1, 0])
    assert np.allclose(transforms.rotation_from_rpy(0, np.pi / 2, 0) @ [1, 0, 0], [0, 0, -1]), "pitch looks down"


@given(coordinate, coordinate, st.floats(0.5, 3))
def test_look_at_gives_a_level_right_handed_frame(x, y, z):
    rotation = transforms.look_at([x, y, z], [4.0, 3.0, 0.0])
    assert np.isclose(np.linalg.det(rotation), 1)
    assert np.isclose(rotation[2, 0], 0), "the picture's x axis is horizontal"
    assert rotation[2, 1] <= 1e-12, "the picture's y axis points down"


def test_look_at_straight_down_and_at_itself():
    assert np.allclose(transforms.look_at([1, 1, 2], [1, 1, 0]), [[1, 0, 0], [0, -1, 0], [0, 0, -1]])
    with pytest.raises(ValueError, match="same"):
        transforms.look_at([1, 1, 2], [1, 1, 2])


def test_body_frame_looks_along_x():
    assert np.allclose(transforms.BODY_FROM_OPTICAL @ [0, 0, 1], [1, 0, 0])
    assert np.allclose(transforms.BODY_FROM_OPTICAL @ [1, 0, 0], [0, -1, 0])
