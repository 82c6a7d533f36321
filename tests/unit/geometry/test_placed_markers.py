import numpy as np
import pytest
from board_pictures import make_camera, photograph, with_margin
from walking_people import perturbed

from walkout.geometry.boards import CalibrationError
from walkout.geometry.camera import project
from walkout.geometry.markers import MarkersError, find_markers, known_corners, marker_picture, read_markers
from walkout.geometry.pose_from_markers import locate_camera, pose_difference
from walkout.geometry.transforms import transform
from walkout.store.loader import load_store

STORE = load_store("kiosk")
GOOD = """\
size: 0.18
markers:
  - {id: 0, position: [1.0, 1.2, 0.0], floor_yaw_deg: 90}
  - {id: 1, size: 0.2, fixture: g1, across: -0.2, up: 1.2}
  - {id: 2, fixture: g1, face: top, across: 0.1, up: 0.1}
  - {id: 3, position: [0.5, 0.5, 1.0], rpy_deg: [90, 0, 0]}
"""


def read(tmp_path, text):
    path = tmp_path / "markers.yaml"
    path.write_text(text)
    return read_markers(path, STORE)


def sheet_of(marker, dictionary):
    """Return a marker as a sheet to photograph: its picture with a margin, its pose and metres per pixel."""
    picture, margin = with_margin(marker_picture(dictionary, marker.marker_id, 120), 0.2)
    scale = marker.size / 120
    half = marker.size / 2 + margin * scale
    # A sheet's y runs down and its z into it, a marker's y up and its z out of it.
    return picture, marker.pose @ transform(np.diag([1.0, -1.0, -1.0]), [-half, half, 0]), scale


def test_markers_stand_where_the_file_says(tmp_path):
    markers = read(tmp_path, GOOD).by_id
    assert sorted(markers) == [0, 1, 2, 3]
    assert markers[0].size == 0.18
    assert np.allclose(markers[0].corners[0], [1.0 - 0.09, 1.2 - 0.09, 0])  # turned by 90 degrees, top is -x
    g1 = STORE.fixture_by_id["g1"]
    front = markers[1].pose
    assert np.allclose(front[:3, 2], g1.pose.matrix[:3, 0])
    assert np.allclose(front[:3, 1], [0, 0, 1])
    local = np.linalg.inv(g1.pose.matrix) @ front
    assert np.allclose(local[:3, 3], [g1.size[0] / 2, -0.2, 1.2])
    assert np.allclose(markers[2].pose[:3, 2], [0, 0, 1])
    assert markers[2].pose[2, 3] == g1.size[2]
    for marker in markers.values():
        assert np.isclose(np.linalg.det(marker.pose), 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("markers: []\n", "markers: is empty; add at least one marker"),
        ("markers:\n- {id: 1, fixture: g9, up: 1}\n", "'g9' is not in the store"),
        ("markers:\n- {id: 1, position: [1, 1, 0]}\n", "has no direction; write floor_yaw_deg"),
        ("dictionary: DICT_5\nmarkers: []\n", "'DICT_5' is not known"),
        ("markers:\n- {id: 77, position: [1, 1, 0], floor_yaw_deg: 0}\n", "whole number from 0 to 49"),
        (
            "markers:\n- {id: 1, position: [1, 1, 0], floor_yaw_deg: 0}\n- {id: 1, position: [2, 1, 0], "
            "floor_yaw_deg: 0}\n",
            "1 names two markers",
        ),
    ],
)
def test_mistakes_are_named_with_their_line(tmp_path, text, message):
    with pytest.raises(MarkersError) as caught:
        read(tmp_path, text)
    assert message in str(caught.value)
    assert "markers.yaml:" in str(caught.value)


def test_photographed_markers_give_the_camera_its_pose(tmp_path):
    text = "size: 0.25\nmarkers:\n"
    places = [(1.2, 0.9, 0, 0), (2.2, 1.6, 0, 40), (1.4, 2.0, 0, 0), (2.4, 0.9, 0.0, 10)]
    text += "".join(
        f"- {{id: {n}, position: [{x}, {y}, {z}], floor_yaw_deg: {a}}}\n" for n, (x, y, z, a) in enumerate(places)
    )
    text += "- {id: 7, position: [2.9, 1.4, 1.1], rpy_deg: [90, 0, -90]}\n"
    markers = read(tmp_path, text)
    camera = make_camera((0.2, 0.2, 2.6), (2.0, 1.5, 0.5))
    picture = photograph(camera, [sheet_of(m, markers.dictionary) for m in markers.by_id.values()], 3)
    found = find_markers(picture, markers.dictionary)
    assert sorted(found) == [0, 1, 2, 3, 7]
    points, pixels = known_corners(found, markers, [], "picture")
    errors = pixels - project(camera, points)[0]
    assert np.abs(errors.mean(axis=0)).max() < 0.15
    located = locate_camera(perturbed(camera, np.random.default_rng(1), 0.3, 8.0), points, pixels)
    distance, angle = pose_difference(located.camera, camera)
    assert distance < 0.015
    assert angle < 0.3
    assert distance < 4 * max(located.sd_m, 0.004)


def test_a_marker_at_an_unknown_place_is_named_or_ignored(tmp_path):
    markers = read(tmp_path, GOOD)
    found = {0: np.zeros((4, 2)), 9: np.zeros((4, 2))}
    with pytest.raises(
        CalibrationError, match=r"camera c1: sees marker 9 whose place is not in markers.yaml; .*--ignore 9"
    ):
        known_corners(found, markers, [], "camera c1")
    assert len(known_corners(found, markers, [9], "camera c1")[0]) == 4


def corners_of(places, size=0.2):
    half = size / 2
    square = np.array([[-half, half, 0], [half, half, 0], [half, -half, 0], [-half, -half, 0]])
    return np.concatenate([square + place for place in places])


def test_one_small_marker_far_away_is_refused():
    camera = make_camera((0.2, 0.2, 2.6), (2.0, 1.5, 0.5))
    points = corners_of([(4.0, 3.0, 0.0)], 0.1)
    pixels = project(camera, points)[0] + np.random.default_rng(4).normal(0, 0.4, (4, 2))
    lost = perturbed(camera, np.random.default_rng(1), 1.0, 20.0)
    with pytest.raises(CalibrationError, match=r"camera c1: its markers (fit|lie|leave|fix)"):
        locate_camera(lost, points, pixels)


def test_markers_that_are_not_where_the_file_says_are_refused():
    camera = make_camera((0.2, 0.2, 2.6), (2.0, 1.5, 0.5))
    points = corners_of([(1.2, 0.9, 0), (2.2, 1.6, 0), (1.4, 2.0, 0)])
    pixels = project(camera, points)[0]
    wrong = points.copy()
    wrong[:4] += (0.5, 0.2, 0.0)
    with pytest.raises(CalibrationError, match="do not fit their places"):
        locate_camera(camera, wrong, pixels)


def test_less_than_a_marker_is_refused():
    with pytest.raises(CalibrationError, match="put a marker into its view"):
        locate_camera(make_camera(), np.zeros((0, 3)), np.zeros((0, 2)))
