"""The tracker's benchmark: its made-up crowd and what it makes of the times."""

import json

import numpy as np
import pytest

from walkout.cli import main
from walkout.evaluation.made_crowd import CrowdParameters, MadeCrowd, ring_of_cameras
from walkout.evaluation.tracker_benchmark import Load, TrackerTimes, growth, time_tracker
from walkout.geometry.camera import project

SURE = CrowdParameters(noise_px=0.0, miss=0.0, false_boxes=0.0, hidden=1.1)


def times(people, mean):
    return TrackerTimes(people, 8, 100, 1.0, 1.0, mean, mean, mean, 1.0)


def test_the_same_seed_gives_the_same_crowd_and_another_another():
    first, again, other = (list(MadeCrowd(4, 3, seed).frames(0.5)) for seed in (1, 1, 2))
    assert len(first) == 15
    assert [f.stamp_ns for f in first] == sorted(f.stamp_ns for f in first)
    assert all(np.array_equal(a.boxes, b.boxes) for a, b in zip(first, again, strict=True))
    assert any(not np.array_equal(a.boxes, b.boxes) for a, b in zip(first, other, strict=True))


def test_nobody_leaves_the_room_or_walks_through_another():
    crowd = MadeCrowd(20, 2, 3)
    nearest = []
    for _ in crowd.frames(6.0):
        assert ((crowd.places >= 0) & (crowd.places <= crowd.side)).all()
        apart = np.linalg.norm(crowd.places[:, None] - crowd.places[None], axis=2) + 10 * np.eye(20)
        nearest.append(apart.min())
    assert np.median(nearest[len(nearest) // 2 :]) > 0.3


def test_boxes_hold_the_projected_body_and_joints_are_where_the_body_is():
    crowd = MadeCrowd(1, 4, 5, SURE)
    for frame in crowd.frames(0.4):
        camera = next(c for c in crowd.cameras if c.camera_id == frame.camera_id)
        x, y = crowd.places[0]
        pixels, _ = project(camera, np.array([[x, y, 0.85]]))
        assert len(frame) == 1
        low, high = frame.boxes[0, :2], frame.boxes[0, 2:]
        assert (pixels[0] > low).all()
        assert (pixels[0] < high).all()
        joints = frame.keypoints[0, frame.keypoints[0, :, 2] > 0.5, :2]
        assert ((joints > low - 3) & (joints < high + 3)).all()


def test_who_is_covered_is_not_found():
    seen = MadeCrowd(2, 1, 0, SURE)
    hidden = MadeCrowd(2, 1, 0, CrowdParameters(noise_px=0.0, miss=0.0, false_boxes=0.0))
    camera = seen.cameras[0]
    middle = np.array([seen.side / 2, seen.side / 2])
    behind = middle + 0.05 * (middle - camera.position[:2])
    for crowd in (seen, hidden):
        crowd.places[:] = middle, behind
    assert len(seen._look(camera, 0)) == 2
    assert len(hidden._look(camera, 0)) == 1


def test_cameras_ring_the_floor_and_see_its_middle():
    cameras = ring_of_cameras(7, 6.0)
    assert len({c.camera_id for c in cameras}) == 7
    for camera in cameras:
        assert ((camera.position[:2] >= 0) & (camera.position[:2] <= 6.0)).all()
        assert np.abs(camera.position[:2] - 3.0).max() == pytest.approx(2.9)
        assert project(camera, np.array([[3.0, 3.0, 0.8]]))[0][0] == pytest.approx([319.5, 239.5], abs=1.0)


def test_growth_is_the_power_of_the_cost():
    assert growth([times(n, 0.3 * n) for n in (5, 10, 40)]) == pytest.approx(1.0)
    assert growth([times(n, 2.0 * n**2) for n in (5, 10, 40)]) == pytest.approx(2.0)
    assert growth([times(n, 7.0) for n in (5, 10)]) == pytest.approx(0.0)


def test_a_load_is_tracked_and_only_what_follows_the_beginning_is_timed():
    told = []
    row = time_tracker(Load(2, 3), 1.0, told.append)
    assert row.updates == 30
    assert row.followed > 0.9
    assert 1.0 < row.boxes < 3.0
    assert 0 < row.cpu_ms_p50 <= row.cpu_ms_p95
    assert row.real_time_factor == pytest.approx(1.0 / (30e-3 * row.cpu_ms_mean), rel=1e-6)
    assert told == sorted(told)
    assert told[-1] <= 1.0


def test_the_command_writes_what_it_shows(tmp_path, capsys):
    out = tmp_path / "out.json"
    assert main(["benchmark", "tracker", "--load", "2x2", "--seconds", "1", "--json", str(out)]) == 0
    figures = json.loads(out.read_text())
    assert figures["kind"] == "tracker"
    assert figures["loads"]["2x2"]["updates"] == 20
    assert "growth" not in figures
    assert "2 x 2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("15", "such as 15x8"),
        ("ax8", "such as 15x8"),
        ("3x6x2", "such as 15x8"),
        ("0x8", "1 to 500 people"),
        ("3x1", "2 to 200 cameras"),
    ],
)
def test_a_load_that_is_none_is_refused(wrong, words, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["benchmark", "tracker", "--load", wrong])
    assert ended.value.code == 2
    assert words in capsys.readouterr().err
