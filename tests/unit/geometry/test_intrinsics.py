from functools import lru_cache

import numpy as np
import pytest
from board_pictures import board_poses, make_camera, photograph_board

from walkout.geometry.boards import Board, CalibrationError, find_board
from walkout.geometry.camera import project
from walkout.geometry.intrinsics import calibrate_intrinsics

BOARD = Board()


@lru_cache
def views(count, tilt=40.0):
    camera = make_camera()
    poses = board_poses(camera, BOARD, 5, count, tilt)
    found = [find_board(photograph_board(camera, BOARD, pose, n), BOARD, f"v{n}") for n, pose in enumerate(poses)]
    return camera, poses, found


def test_corners_are_found_where_the_camera_projects_them():
    camera, poses, found = views(14)
    errors = []
    for pose, view in zip(poses, found, strict=True):
        if view is None:
            continue
        points = BOARD.corners[view.ids] @ pose[:3, :3].T + pose[:3, 3]
        errors.append(view.pixels - project(camera, points)[0])
    errors = np.concatenate(errors)
    assert len(errors) > 150
    assert np.abs(errors.mean(axis=0)).max() < 0.05  # no half-pixel shift
    assert np.sqrt((errors**2).sum(axis=1).mean()) < 0.3


def test_a_known_lens_is_recovered():
    camera, _, found = views(14)
    got = calibrate_intrinsics(BOARD, [v for v in found if v], (640, 480))
    assert np.abs(np.diag(got.matrix)[:2] / np.diag(camera.matrix)[:2] - 1).max() < 0.005
    assert np.abs(got.matrix[:2, 2] - camera.matrix[:2, 2]).max() < 2.5
    # What counts is where the lens puts rays: everywhere in the picture within a pixel.
    calibrated = make_camera(distortion=got.distortion)
    object.__setattr__(calibrated, "matrix", got.matrix)
    grid = np.stack(np.meshgrid(np.linspace(-0.7, 0.7, 9), np.linspace(-0.5, 0.5, 7)), axis=-1).reshape(-1, 2)
    points = camera.position + np.column_stack([grid, np.ones(len(grid))]) @ camera.rotation.T
    assert np.linalg.norm(project(calibrated, points)[0] - project(camera, points)[0], axis=1).max() < 1.5
    assert got.rms_px < 0.35
    assert got.coverage > 0.7


def test_a_view_that_disagrees_is_left_out():
    _, _, found = views(14)
    good = [v for v in found if v]
    bad = good[3]
    shifted = type(bad)("moved", bad.ids, bad.pixels + np.random.default_rng(0).normal(0, 8, bad.pixels.shape))
    got = calibrate_intrinsics(BOARD, [*good[:3], shifted, *good[4:]], (640, 480))
    assert got.left_out == ("moved",)
    assert got.rms_px < 0.35


def test_too_few_views_are_refused_with_a_remedy():
    _, _, found = views(14)
    with pytest.raises(CalibrationError, match="only 3 usable views of the board, 6 are needed; show the whole board"):
        calibrate_intrinsics(BOARD, [v for v in found if v][:3], (640, 480))


def test_boards_that_are_never_tilted_are_refused():
    _, _, found = views(10, 0.0)
    with pytest.raises(CalibrationError, match="tilt the board"):
        calibrate_intrinsics(BOARD, [v for v in found if v], (640, 480))


def test_a_picture_without_a_board_has_no_view():
    assert find_board(np.full((480, 640, 3), 120, np.uint8), BOARD) is None


@pytest.mark.parametrize(
    ("measures", "text"),
    [
        ({"columns": 2}, "3x3 or more"),
        ({"square": 38.0, "marker": 28.0}, "in metres"),
        ({"marker": 0.038}, "0.75 of the square"),
        ({"dictionary": "DICT_9X9"}, "no marker dictionary"),
        ({"columns": 30, "rows": 30}, "needs 450"),
    ],
)
def test_boards_that_cannot_be_are_refused(measures, text):
    with pytest.raises(CalibrationError, match=text):
        Board(**measures)
