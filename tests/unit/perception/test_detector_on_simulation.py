"""The committed model on rendered pictures: it must find whom anybody would see. Figures are in the model's card."""

from __future__ import annotations

import numpy as np
import pytest

from walkout.drivers.types import Frame
from walkout.geometry.camera import project
from walkout.perception.detector import Detector
from walkout.perception.types import Keypoint
from walkout.simulation.appearance import sample_appearance
from walkout.simulation.bodies import BodyLibrary
from walkout.simulation.renderer import Renderer
from walkout.simulation.scene import BodyPose, Person, Scene
from walkout.simulation.stock import Stock
from walkout.store.loader import load_store
from walkout.store.model import Store


@pytest.fixture(scope="module")
def store() -> Store:
    return load_store("corner")


@pytest.fixture(scope="module")
def renderer(store: Store) -> Renderer:
    return Renderer(store)


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector()


def scene_of(store: Store, *poses: BodyPose) -> Scene:
    rng = np.random.default_rng(5)
    people = tuple(Person(number + 1, sample_appearance(rng), pose) for number, pose in enumerate(poses))
    return Scene(0, people, Stock(store, (0.6, 1.0), rng).table)


@pytest.mark.parametrize("camera_id", ["c1", "c2", "c3"])
def test_a_walker_in_the_open_is_found_from_head_to_foot(
    store: Store, renderer: Renderer, detector: Detector, camera_id: str
) -> None:
    scene = scene_of(store, BodyPose(4.2, 1.75, 2.6, gait_phase=1.0, stride=0.8))
    camera = store.camera_by_id[camera_id]
    found = detector.detect(Frame(camera_id, 7, renderer.render(camera, scene).image))
    assert len(found) == 1
    joints, _ = project(camera, BodyLibrary.load().pose(scene.people[0]).joints)
    size = np.sqrt(np.prod(found.boxes[0, 2:] - found.boxes[0, :2]))
    error = np.linalg.norm(found.keypoints[0, :, :2] - joints, axis=1)
    assert error[Keypoint.HEAD] < 0.12 * size
    assert np.median(error) < 0.12 * size
    inside = (joints > found.boxes[0, :2] - 10) & (joints < found.boxes[0, 2:] + 10)
    assert inside.all()


def test_an_empty_store_has_no_shopper(store: Store, renderer: Renderer, detector: Detector) -> None:
    scene = scene_of(store)
    for camera in store.cameras:
        assert len(detector.detect(Frame(camera.camera_id, 0, renderer.render(camera, scene).image))) == 0


def test_the_same_picture_gives_the_same_detections(store: Store, renderer: Renderer, detector: Detector) -> None:
    scene = scene_of(store, BodyPose(2.0, 1.5, 0.3), BodyPose(3.0, 1.9, 1.2))
    image = renderer.render(store.cameras[0], scene).image
    first, second = (detector.detect(Frame("c1", 0, image)) for _ in range(2))
    assert len(first) == 2
    np.testing.assert_array_equal(first.keypoints, second.keypoints)
    np.testing.assert_array_equal(first.appearance, second.appearance)
