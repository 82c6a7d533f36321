import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from walkout.geometry import camera as lens
from walkout.geometry.transforms import look_at
from walkout.store.model import Camera

FLAT = np.zeros(5)
BENT = np.array([-0.22, 0.05, 0.001, -0.0007, -0.004])


def make_camera(position=(0.3, 0.3, 2.8), target=(4.0, 3.0, 0.8), distortion=FLAT):
    return Camera(
        camera_id="c",
        width=640,
        height=480,
        matrix=lens.intrinsics_from_fov(640, 480, np.radians(85)),
        distortion=np.asarray(distortion, dtype=float),
        position=np.asarray(position, dtype=float),
        rotation=look_at(position, target),
        source="sim://camera_c",
    )


def test_a_point_on_the_axis_falls_into_the_centre_at_its_distance():
    pixels, depth = lens.project(make_camera(), [[4.0, 3.0, 0.8]])
    assert np.allclose(pixels, [[319.5, 239.5]])
    assert np.isclose(depth[0], np.linalg.norm([3.7, 2.7, 2.0]))


def test_the_edge_of_the_field_of_view_is_the_edge_of_the_picture():
    camera = make_camera(position=(0, 0, 1), target=(1, 0, 1))
    edge = np.array([1.0, -np.tan(np.radians(42.5)), 1.0])
    assert np.allclose(lens.project(camera, edge)[0], [[639.5, 239.5]])


def test_up_is_up_in_the_picture_and_left_is_left():
    camera = make_camera(position=(0, 0, 1), target=(1, 0, 1))
    (up, left), _ = lens.project(camera, [[1, 0, 1.1], [1, 0.1, 1]])
    assert up[1] < 239.5
    assert left[0] < 319.5


def test_points_behind_the_camera_have_no_pixel():
    camera = make_camera(position=(1, 1, 1), target=(2, 1, 1))
    pixels, depth = lens.project(camera, [[0, 1, 1]])
    assert np.isnan(pixels).all()
    assert depth[0] == pytest.approx(-1)
    assert not lens.in_image(camera, pixels).any()


def test_projection_agrees_with_the_matrix_of_the_model():
    camera = make_camera()
    points = np.array([[4.0, 2.0, 1.0], [3.0, 4.0, 0.2]])
    homogeneous = np.column_stack([points, np.ones(2)]) @ camera.projection.T
    assert np.allclose(lens.project(camera, points)[0], homogeneous[:, :2] / homogeneous[:, 2:])


def test_projection_agrees_with_opencv():
    import cv2

    camera = make_camera(distortion=BENT)
    points = np.random.default_rng(1).uniform([2, 1, 0], [6, 5, 2], (50, 3))
    rotation = camera.rotation.T
    expected, _ = cv2.projectPoints(
        points, cv2.Rodrigues(rotation)[0], -rotation @ camera.position, camera.matrix, camera.distortion
    )
    assert np.allclose(lens.project(camera, points)[0], expected[:, 0], atol=1e-6)


def test_a_strong_lens_does_not_fold_far_points_back_into_the_picture():
    camera = make_camera(position=(0, 0, 1), target=(1, 0, 1), distortion=[-0.4, 0, 0, 0, 0])
    pixels, _ = lens.project(camera, [[0.3, 1.5, 1.0]])
    assert np.isnan(pixels).all()


pixel = st.tuples(st.floats(0, 639), st.floats(0, 479))


@settings(max_examples=60, deadline=None)
@given(pixel=pixel, distance=st.floats(0.3, 12), bent=st.booleans())
def test_unproject_then_project_returns_the_pixel(pixel, distance, bent):
    camera = make_camera(distortion=BENT if bent else FLAT)
    origin, directions = lens.unproject_ray(camera, [pixel])
    assert np.isclose(np.linalg.norm(directions[0]), 1)
    again, depth = lens.project(camera, origin + distance * directions)
    assert np.allclose(again, [pixel], atol=1e-3)
    assert 0 < depth[0] <= distance + 1e-9


@settings(max_examples=60, deadline=None)
@given(x=st.floats(1, 7), y=st.floats(1, 5), z=st.floats(0, 1.8), bent=st.booleans())
def test_triangulation_undoes_projection(x, y, z, bent):
    cameras = [
        make_camera(p, distortion=BENT if bent else FLAT) for p in ((0.3, 0.3, 2.8), (7.7, 0.3, 2.8), (4.0, 5.8, 2.8))
    ]
    pixels = np.stack([lens.project(camera, [[x, y, z]])[0] for camera in cameras])
    for camera, view in zip(cameras, pixels, strict=True):
        if not lens.in_image(camera, view)[0]:
            view[:] = np.nan
    points, covariances = lens.triangulate_weighted(cameras, pixels)
    if np.isfinite(pixels[:, 0, 0]).sum() < 2:
        assert np.isnan(points).all()
    else:
        assert np.allclose(points, [[x, y, z]], atol=1e-4)
        assert (np.linalg.eigvalsh(covariances[0]) > 0).all()


def test_triangulation_is_statistically_consistent():
    """The normalised squared errors of noisy points follow a chi-square distribution with three degrees of freedom."""
    rng = np.random.default_rng(7)
    cameras = [make_camera(p) for p in ((0.3, 0.3, 2.8), (7.7, 0.3, 2.8), (4.0, 5.8, 2.8))]
    truth = rng.uniform([2.5, 2, 0.2], [5, 4, 1.6], (400, 3))
    sd = np.array([[1.0], [2.0], [4.0]])
    pixels = np.stack([lens.project(camera, truth)[0] for camera in cameras])
    points, covariances = lens.triangulate_weighted(cameras, pixels + rng.normal(size=pixels.shape) * sd[..., None], sd)
    error = points - truth
    squares = np.einsum("ni,nij,nj->n", error, np.linalg.inv(covariances), error)
    assert 2.5 < squares.mean() < 3.5


def test_a_weak_view_pulls_less():
    cameras = [make_camera(p) for p in ((0.3, 0.3, 2.8), (7.7, 0.3, 2.8), (4.0, 5.8, 2.8))]
    truth = np.array([[4.0, 3.0, 1.0]])
    pixels = np.stack([lens.project(camera, truth)[0] for camera in cameras])
    pixels[2] += 30
    trusting, _ = lens.triangulate_weighted(cameras, pixels, [[1.0], [1.0], [1.0]])
    careful, _ = lens.triangulate_weighted(cameras, pixels, [[1.0], [1.0], [100.0]])
    assert np.linalg.norm(careful - truth) < 0.05 * np.linalg.norm(trusting - truth)


def test_one_view_or_parallel_rays_give_no_point():
    camera = make_camera()
    view = lens.project(camera, [[4, 3, 1]])[0]
    assert np.isnan(lens.triangulate_weighted([camera, camera], [view, np.full((1, 2), np.nan)])[0]).all()
    assert np.isnan(lens.triangulate_weighted([camera, camera], [view, view])[0]).all()


def test_rays_meet_the_floor_where_the_floor_point_was():
    camera = make_camera(distortion=BENT)
    floor = np.array([[3.0, 2.0, 0.0], [4.5, 3.5, 0.0]])
    assert np.allclose(lens.intersect_plane(camera, lens.project(camera, floor)[0], 0.0), floor, atol=1e-4)
    level = make_camera(position=(0, 0, 1), target=(1, 0, 1))
    assert np.isnan(lens.intersect_plane(level, [[320, 10]], 0.0)).all()
