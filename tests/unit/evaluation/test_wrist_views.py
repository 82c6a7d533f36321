"""How many cameras show a wrist."""

import numpy as np
import pytest

from walkout.evaluation.belief_score import score_beliefs
from walkout.evaluation.made_crowd import ring_of_cameras
from walkout.evaluation.movement import Beliefs, Compared, Placed
from walkout.evaluation.wrist_views import WristSightings
from walkout.geometry.camera import project
from walkout.perception.types import KEYPOINT_COUNT, Detections, Keypoint

CAMERAS = {camera.camera_id: camera for camera in ring_of_cameras(4, 6.0)}
WRISTS = np.array([[[2.0, 3.0, 0.8], [2.4, 3.0, 1.5]]])
NOW = 5_000_000_000


def seen(camera_id, confidence=(0.9, 0.9), shift=(0.0, 0.0), stamp_ns=NOW, wrists=WRISTS):
    """A box of 200 pixels with both wrists where they are, shifted in u."""
    pixels, _ = project(CAMERAS[camera_id], wrists[0])
    keypoints = np.zeros((1, KEYPOINT_COUNT, 3), np.float32)
    for side, joint in enumerate((Keypoint.LEFT_WRIST, Keypoint.RIGHT_WRIST)):
        keypoints[0, joint] = (pixels[side, 0] + shift[side], pixels[side, 1], confidence[side])
    box = np.array([[0, 0, 100, 200]], np.float32)
    return Detections(camera_id, stamp_ns, box, np.ones(1, np.float32), keypoints, np.zeros((1, 0), np.float32))


def truth(stamp_ns=NOW):
    return Placed(stamp_ns, np.array([1]), np.array([[2.2, 3.0]]), WRISTS, np.ones(1, bool))


def test_only_sure_wrists_at_their_place_and_time_count():
    sightings = WristSightings(CAMERAS)
    sightings.note(seen("c0"))
    sightings.note(seen("c1", confidence=(0.9, 0.2)))
    sightings.note(seen("c2", shift=(25.0, 15.0)))  # a tenth of the box is 20 pixels
    sightings.note(seen("c3", stamp_ns=NOW - 70_000_000))
    assert sightings.count(truth()).tolist() == [[2, 2]]
    assert sightings.count(truth(NOW + 10_000_000_000)).tolist() == [[0, 0]]


def test_the_frame_nearest_in_time_counts_once():
    sightings = WristSightings(CAMERAS)
    sightings.note(seen("c0", stamp_ns=NOW - 50_000_000))
    sightings.note(seen("c0", confidence=(0.1, 0.9), stamp_ns=NOW + 20_000_000))
    assert sightings.count(truth()).tolist() == [[0, 1]]


def test_wrists_are_sorted_by_the_cameras_that_show_them():
    sightings = WristSightings(CAMERAS)
    for camera_id, confidence in (("c0", (0.9, 0.9)), ("c1", (0.9, 0.1)), ("c2", (0.9, 0.1))):
        sightings.note(seen(camera_id, confidence=confidence))
    hands = WRISTS.copy()
    hands[0, :, 2] += 0.02, 0.08
    beliefs = Beliefs(np.eye(2)[None], np.full((1, 2), 0.04), np.array([4]), (((7, 1.0),),))
    tracks = Placed(NOW, np.array([7]), np.array([[2.2, 3.0]]), hands, np.ones(1, bool), beliefs)
    rows = score_beliefs([Compared(truth(), tracks)], sightings).to_json()["wrists_by_views"]
    assert {name: row["count"] for name, row in rows.items()} == {"0": 0, "1": 1, "2": 0, "3+": 1}
    assert rows["3+"]["error_cm_p50"] == pytest.approx(2)
    assert rows["1"]["error_cm_p50"] == pytest.approx(8)
    assert rows["1"]["nees_per_dof"] == pytest.approx(4 / 3, abs=0.01)


def test_boxes_without_joints_and_unknown_cameras_show_nothing():
    sightings = WristSightings(CAMERAS)
    plain = seen("c0")
    sightings.note(Detections("c0", NOW, plain.boxes, plain.scores, np.zeros((1, 0, 3), np.float32), plain.appearance))
    sightings.note(Detections("other", NOW, plain.boxes, plain.scores, plain.keypoints, plain.appearance))
    assert sightings.count(truth()).tolist() == [[0, 0]]
