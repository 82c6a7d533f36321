from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_store import person

from walkout.perception.types import Keypoint
from walkout.simulation.appearance import sample_appearance
from walkout.simulation.bodies import BodyLibrary
from walkout.simulation.garments import OUTFITS, Hair
from walkout.simulation.scene import BodyPose, Person

LIBRARY = BodyLibrary.load()
ADULTS = [number for number, name in enumerate(LIBRARY.names) if name not in ("child", "teenager")]


def test_the_library_has_people_of_different_heights() -> None:
    statures = [LIBRARY.stature(person(BodyPose(0, 0, 0), body).appearance) for body in range(len(LIBRARY))]
    assert len(LIBRARY) >= 8
    assert min(statures) < 1.4
    assert max(statures) > 1.85


@settings(max_examples=40, deadline=None)
@given(
    body=st.sampled_from(ADULTS),
    scale=st.floats(0.94, 1.06),
    yaw=st.floats(-3.1, 3.1),
    ahead=st.floats(0.35, 0.55),
    aside=st.floats(-0.25, 0.25),
    height=st.floats(0.15, 1.6),
    right=st.booleans(),
)
def test_a_wrist_meets_its_target(
    body: int, scale: float, yaw: float, ahead: float, aside: float, height: float, right: bool
) -> None:
    x, y = 2.0, -1.0
    target = (
        x + ahead * np.cos(yaw) - aside * np.sin(yaw),
        y + ahead * np.sin(yaw) + aside * np.cos(yaw),
        height,
    )
    arms = {"right_target": target, "right_weight": 1.0} if right else {"left_target": target, "left_weight": 1.0}
    posed = LIBRARY.pose(person(BodyPose(x, y, yaw, **arms), body, scale))
    wrist = posed.joints[Keypoint.RIGHT_WRIST if right else Keypoint.LEFT_WRIST]
    error = np.linalg.norm(wrist - target)
    assert error < 0.02
    assert posed.reach_error[right] == pytest.approx(error, abs=1e-6)


@pytest.mark.parametrize("height", [0.1, 0.4, 0.9, 1.4, 1.8])
def test_a_man_reaches_far_in_front_of_him_at_any_shelf(height: float) -> None:
    posed = LIBRARY.pose(person(BodyPose(0, 0, 0, left_target=(0.7, 0.1, height), left_weight=1.0)))
    assert posed.reach_error[0] < 0.02


def test_what_is_out_of_reach_is_told() -> None:
    posed = LIBRARY.pose(person(BodyPose(0, 0, 0, right_target=(2.0, 0.0, 1.0), right_weight=1.0)))
    gap = np.linalg.norm(posed.joints[Keypoint.RIGHT_WRIST] - (2.0, 0.0, 1.0))
    assert posed.reach_error[1] == pytest.approx(gap, abs=1e-6)
    assert gap > 0.5


def test_weight_blends_the_reach_in_without_jumps() -> None:
    places = [
        LIBRARY.pose(person(BodyPose(0, 0, 0, right_target=(0.5, -0.2, 0.5), right_weight=w))).joints[
            Keypoint.RIGHT_WRIST
        ]
        for w in np.linspace(0, 1, 41)
    ]
    steps = np.linalg.norm(np.diff(places, axis=0), axis=1)
    assert steps.max() < 4 * steps.mean()


@pytest.mark.parametrize("outfit", range(len(OUTFITS)))
@pytest.mark.parametrize("body", [0, 3, 8])
def test_joints_lie_within_the_surface(body: int, outfit: int) -> None:
    posed = LIBRARY.pose(person(BodyPose(1, 2, 0.7, gait_phase=1.0, stride=1.0), body, outfit=outfit, bag=True))
    assert np.isfinite(posed.vertices).all()
    distance = np.linalg.norm(posed.joints[:, None] - posed.vertices[None], axis=2).min(axis=1)
    assert (distance < 0.16).all()
    assert posed.vertices[:, 2].min() > -0.06
    assert (posed.vertices > posed.bounds.min(axis=0)).all()
    assert (posed.vertices < posed.bounds.max(axis=0)).all()


def test_every_hair_style_can_be_worn() -> None:
    looks = sample_appearance(np.random.default_rng(0))
    for hair in Hair:
        posed = LIBRARY.pose(Person(1, dataclasses.replace(looks, hair_style=int(hair)), BodyPose(0, 0, 0)))
        assert np.allclose(np.linalg.norm(posed.normals, axis=1), 1.0, atol=0.4)


def test_standing_feet_do_not_slide_while_walking() -> None:
    looks = person(BodyPose(0, 0, 0)).appearance
    length = LIBRARY.cycle_length(looks)
    places = []
    for phase in np.linspace(0.25 * np.pi, 0.6 * np.pi, 12):
        pose = BodyPose(length * phase / (2 * np.pi), 0.0, 0.0, gait_phase=float(phase), stride=1.0)
        places.append(LIBRARY.pose(Person(1, looks, pose)).joints[Keypoint.LEFT_FOOT])
    travelled = length * 0.35 * np.pi / (2 * np.pi)
    assert np.ptp(np.array(places)[:, 0]) < 0.15 * travelled


def test_left_is_left_and_heading_is_forward() -> None:
    joints = LIBRARY.pose(person(BodyPose(0, 0, np.pi / 2))).joints
    assert joints[Keypoint.LEFT_SHOULDER, 0] < -0.1 < 0.1 < joints[Keypoint.RIGHT_SHOULDER, 0]
    assert joints[Keypoint.HEAD, 1] > joints[Keypoint.NECK, 1]
    assert joints[Keypoint.HEAD, 2] > 1.5


def test_carried_hands_are_before_the_body() -> None:
    posed = LIBRARY.pose(person(BodyPose(0, 0, 0, left_carry=1.0, right_carry=1.0)))
    assert (posed.palms[:, 0] > 0.25).all()
    assert ((posed.palms[:, 2] > 0.8) & (posed.palms[:, 2] < 1.3)).all()


def test_appearances_are_seeded_and_varied() -> None:
    first = [sample_appearance(np.random.default_rng(5)) for _ in range(2)]
    assert first[0] == first[1]
    rng = np.random.default_rng(6)
    many = [sample_appearance(rng) for _ in range(60)]
    assert len({looks.body for looks in many}) >= 8
    assert len({looks.outfit for looks in many}) >= 6
    colours = np.array([(*looks.skin, *looks.top, *looks.bottom) for looks in many])
    assert ((colours > 0) & (colours < 1)).all()
    assert colours.std(axis=0).min() > 0.03
