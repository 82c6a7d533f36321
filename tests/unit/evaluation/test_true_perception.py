import dataclasses

import numpy as np
import pytest

from walkout.drivers.types import Frame
from walkout.evaluation.true_perception import CONFIDENCE, Perception, TruePerception
from walkout.geometry.camera import project
from walkout.perception.types import Keypoint
from walkout.simulation.appearance import sample_appearance
from walkout.simulation.bodies import BodyLibrary
from walkout.simulation.scene import BodyPose, Lighting, Person, Scene
from walkout.simulation.stock import Stock
from walkout.store.loader import load_store


@pytest.fixture(scope="module")
def store():
    return load_store("kiosk")


@pytest.fixture(scope="module")
def scene(store):
    rng = np.random.default_rng(5)
    in_front = Person(1, sample_appearance(rng, body=0), BodyPose(1.3, 1.3, 0.0))
    # Seen from c1 in its corner, the second stands straight behind the first.
    behind = Person(2, sample_appearance(rng, body=0), BodyPose(1.62, 1.62, 0.0))
    return Scene(0, (in_front, behind), Stock(store, (1.0, 1.0), rng).table, Lighting())


def look(store, scene, perception, camera_id="c1"):
    camera = store.camera_by_id[camera_id]
    seer = TruePerception(store, perception, 1)
    image = seer.render(camera, scene).image
    return camera, seer.detect(Frame(camera_id, 7, image))


def test_joints_are_the_true_ones_within_the_noise(store, scene):
    alone = dataclasses.replace(scene, people=scene.people[:1])
    camera, found = look(store, alone, Perception.KEYPOINTS)
    assert (found.camera_id, found.stamp_ns, len(found)) == ("c1", 7, 1)
    true, _ = project(camera, BodyLibrary.load().pose(scene.people[0]).joints)
    known = found.keypoints[0, :, 2] > 0
    assert known[Keypoint.HEAD]
    assert known.sum() >= 8
    assert np.abs(found.keypoints[0, known, :2] - true[known]).max() < 10
    assert set(np.unique(found.keypoints[0, :, 2])) <= {np.float32(0), np.float32(CONFIDENCE)}
    assert found.appearance.shape == (1, 24)


def test_hidden_joints_are_unknown(store, scene):
    _, found = look(store, scene, Perception.KEYPOINTS)
    assert len(found) == 2
    known = (found.keypoints[..., 2] > 0).sum(axis=1)
    assert known[1] < known[0]


def test_boxes_alone_are_exact_and_nothing_else_is_told(store, scene):
    alone = dataclasses.replace(scene, people=scene.people[:1])
    camera, found = look(store, alone, Perception.TRUTH_BOXES)
    outline, _ = project(camera, BodyLibrary.load().pose(scene.people[0]).vertices)
    x1, y1 = outline.min(axis=0)
    x2, y2 = outline.max(axis=0)
    expected = np.clip([x1, y1, x2, y2], 0, [639, 479, 639, 479])
    assert found.boxes[0] == pytest.approx(expected, abs=2)
    assert not found.keypoints.any()
    assert found.appearance.shape == (1, 0)


def test_another_cameras_frame_is_refused(store, scene):
    seer = TruePerception(store, Perception.KEYPOINTS, 1)
    image = seer.render(store.camera_by_id["c1"], scene).image
    with pytest.raises(ValueError, match="c2"):
        seer.detect(Frame("c2", 7, image))
