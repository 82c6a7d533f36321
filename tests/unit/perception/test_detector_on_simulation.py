"""The committed model on rendered pictures: it must find whom anybody would see. Figures are in the model's card."""

from __future__ import annotations

import numpy as np
import pytest

from walkout.drivers.types import Frame
from walkout.geometry.camera import project
from walkout.perception.decode import box_iou
from walkout.perception.detector import Detector, DetectorParameters
from walkout.perception.types import Keypoint
from walkout.simulation.appearance import sample_appearance
from walkout.simulation.bodies import BodyLibrary
from walkout.simulation.renderer import Renderer
from walkout.simulation.scene import BodyPose, Person, Scene
from walkout.simulation.stock import Stock
from walkout.store.loader import load_store
from walkout.store.model import Store
from walkout.training.dataset import labelled
from walkout.training.labels import Visibility


@pytest.fixture(scope="module")
def store() -> Store:
    return load_store("corner")


@pytest.fixture(scope="module")
def renderer(store: Store) -> Renderer:
    return Renderer(store)


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector()


def scene_of(store: Store, *poses: BodyPose, looks: int = 5) -> Scene:
    rng = np.random.default_rng(looks)
    people = tuple(Person(number + 1, sample_appearance(rng), pose) for number, pose in enumerate(poses))
    return Scene(0, people, Stock(store, (0.6, 1.0), rng).table)


def true_box(outline: np.ndarray, width: int, height: int) -> np.ndarray:
    box = np.concatenate([outline.min(axis=0), outline.max(axis=0)])
    return np.clip(box, 0, [width - 1, height - 1, width - 1, height - 1])[None]


def test_walkers_in_the_open_are_found_from_head_to_foot(store: Store, renderer: Renderer, detector: Detector) -> None:
    """Eight people of random looks, one at a time, each seen by the three cameras of the front."""
    found_share, head_error, joint_error = [], [], []
    for looks in range(8):
        pose = BodyPose(2.6 + 0.4 * looks, 1.75, 0.8 * looks, gait_phase=0.7 * looks, stride=0.7)
        scene = scene_of(store, pose, looks=looks)
        body = BodyLibrary.load().pose(scene.people[0])
        for camera in store.cameras[:3]:
            found = detector.detect(Frame(camera.camera_id, 7, renderer.render(camera, scene).image))
            box = true_box(project(camera, body.vertices)[0], camera.width, camera.height)
            overlap = box_iou(found.boxes, box)[:, 0]
            found_share.append(overlap.max(initial=0.0) > 0.5)
            if found_share[-1]:
                joints = found.keypoints[overlap.argmax(), :, :2]
                error = np.linalg.norm(joints - project(camera, body.joints)[0], axis=1)
                size = np.sqrt(np.prod(box[0, 2:] - box[0, :2]))
                head_error.append(error[Keypoint.HEAD] / size)
                joint_error.append(np.median(error) / size)
    assert np.mean(found_share) > 0.8
    assert np.median(head_error) < 0.06
    assert np.median(joint_error) < 0.1


def test_nothing_in_an_empty_store_is_surely_a_shopper(store: Store, renderer: Renderer, detector: Detector) -> None:
    scene = scene_of(store)
    for camera in store.cameras:
        found = detector.detect(Frame(camera.camera_id, 0, renderer.render(camera, scene).image))
        assert len(found) <= 1
        assert found.scores.max(initial=0.0) < 0.5


def test_the_same_picture_gives_the_same_detections(store: Store, renderer: Renderer, detector: Detector) -> None:
    scene = scene_of(store, BodyPose(2.0, 1.5, 0.3), BodyPose(3.0, 1.9, 1.2))
    image = renderer.render(store.cameras[0], scene).image
    first, second = (detector.detect(Frame("c1", 0, image)) for _ in range(2))
    assert len(first) >= 1
    np.testing.assert_array_equal(first.keypoints, second.keypoints)
    np.testing.assert_array_equal(first.appearance, second.appearance)


def test_a_raised_arm_is_not_told_to_hang(store: Store, renderer: Renderer, detector: Detector) -> None:
    """Wrists that pictures show before and in lanes at shoulder height; a model that tells hanging arms has 1 in 25."""
    sites = [site for site in store.lane_sites.values() if site.position[2] > 1.1]
    near = []
    for number, site in enumerate(sites[::3]):
        outwards = site.transform[:3, 0]
        stand = site.position + outwards * (site.lane.depth / 2 + 0.5)
        hand = site.position + outwards * (site.lane.depth / 2 - 0.02) + np.array([0.0, 0.0, 0.1])
        yaw = float(np.arctan2(-outwards[1], -outwards[0]))
        target = (float(hand[0]), float(hand[1]), float(hand[2]))
        pose = BodyPose(float(stand[0]), float(stand[1]), yaw, right_target=target, right_weight=1.0)
        scene = scene_of(store, pose, looks=number)
        posed = [BodyLibrary.load().pose(scene.people[0])]
        for camera in store.cameras:
            picture = labelled(camera, renderer.render(camera, scene, ids=True, depth=True), scene, posed)
            wrist = picture.labels.joints[:1, Keypoint.RIGHT_WRIST]
            if not picture.labels.counted().any() or wrist[0, 2] != Visibility.SEEN:
                continue
            found = detector.detect(Frame(camera.camera_id, 0, picture.image))
            wrists = found.keypoints[:, [Keypoint.LEFT_WRIST, Keypoint.RIGHT_WRIST], :2].reshape(-1, 2)
            near.append(np.linalg.norm(wrists - wrist[0, :2], axis=1).min(initial=np.inf) < 8)
    assert len(near) > 15
    assert np.mean(near) > 0.4


def test_in_a_hurry_places_stay_and_arms_count_less(store: Store, renderer: Renderer, detector: Detector) -> None:
    """A first look at an arm is less often right than a second one that is as sure."""
    scene = scene_of(store, BodyPose(2.6, 1.75, 0.8), BodyPose(3.6, 1.9, 2.0))
    frame = Frame("c1", 0, renderer.render(store.cameras[0], scene).image)
    alone = Detector(DetectorParameters(arm_looks=0)).detect(frame)
    hurried = detector.detect(frame, second_look=False)
    assert len(alone) > 0
    np.testing.assert_array_equal(alone.keypoints[..., :2], hurried.keypoints[..., :2])
    arms = [Keypoint.LEFT_ELBOW, Keypoint.RIGHT_ELBOW, Keypoint.LEFT_WRIST, Keypoint.RIGHT_WRIST]
    assert (hurried.keypoints[:, arms, 2] < alone.keypoints[:, arms, 2]).all()
    others = np.setdiff1d(np.arange(len(Keypoint)), arms)
    np.testing.assert_array_equal(alone.keypoints[:, others, 2], hurried.keypoints[:, others, 2])


def test_a_second_look_finds_arms_more_precisely() -> None:
    """Walkers in the larger store, their arms as the detector alone tells them and as the arm finder does."""
    store = load_store("arcade")
    renderer = Renderer(store)
    detectors = [Detector(DetectorParameters(arm_looks=looks)) for looks in (0, 1)]
    arms = [Keypoint.LEFT_ELBOW, Keypoint.RIGHT_ELBOW, Keypoint.LEFT_WRIST, Keypoint.RIGHT_WRIST]
    errors = []
    for looks in range(8):
        scene = scene_of(store, BodyPose(3.3 + 0.4 * looks, 3.0, 0.8 * looks, gait_phase=0.7 * looks), looks=looks)
        body = BodyLibrary.load().pose(scene.people[0])
        for camera in store.cameras:
            frame = Frame(camera.camera_id, 7, renderer.render(camera, scene).image)
            found = [detector.detect(frame) for detector in detectors]
            np.testing.assert_array_equal(found[0].boxes, found[1].boxes)
            box = true_box(project(camera, body.vertices)[0], camera.width, camera.height)
            overlap = box_iou(found[0].boxes, box)[:, 0]
            if overlap.max(initial=0.0) > 0.5 and overlap.argmax() == 0:
                joints = np.stack([f.keypoints[0, arms] for f in found])
                sure = (joints[..., 2] > 0.5).all(axis=0)
                off = np.linalg.norm(joints[..., :2] - project(camera, body.joints)[0][arms], axis=2)
                errors.append(off[:, sure])
    first, second = np.concatenate(errors, axis=1)
    assert len(first) > 30
    assert np.median(second) < 0.6 * np.median(first)
