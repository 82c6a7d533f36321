from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tracked_scenes import Walker, confirmed, record, room, run

from walkout.geometry.camera import intrinsics_from_fov
from walkout.geometry.transforms import look_at
from walkout.perception.types import KEYPOINT_COUNT, Keypoint
from walkout.store.model import Camera
from walkout.tracking.joint_views import KeypointNoise, Sight, fuse
from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.tracker import MultiViewTracker
from walkout.tracking.view import View

MIRROR = np.array([0, 1, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10])


def reach(t: float) -> tuple[float, float, float]:
    """Return a right wrist that goes out to a shelf and back every three seconds."""
    share = 0.5 - 0.5 * np.cos(2 * np.pi * t / 3)
    return 2.8 + 0.45 * share, 2.25, 0.85 + 0.4 * share


REACHER = Walker(lambda t: (2.8, 2.5), wrist=reach)


def wrist_errors(cameras: list[str], seed: int = 0, keypoints: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Return distances and published standard deviations of the right wrist, seen by some cameras after two seconds."""
    frames = [f for f in record([REACHER], 9, seed=seed) if f.stamp_ns < 2e9 or f.camera_id in cameras]
    distance, sd = [], []
    for snapshot in run(MultiViewTracker(TrackerParameters(), room()), frames)[30:]:
        for shopper in confirmed(snapshot):
            truth = REACHER.joints(snapshot.stamp_ns / 1e9)
            assert truth is not None
            wrist = shopper.keypoints[Keypoint.RIGHT_WRIST]
            if np.isfinite(wrist).all():
                distance.append(np.linalg.norm(wrist - truth[Keypoint.RIGHT_WRIST]))
                sd.append(shopper.keypoint_sd[Keypoint.RIGHT_WRIST])
    return np.array(distance), np.array(sd)


@pytest.mark.parametrize(("cameras", "limit"), [(["c0", "c1", "c2", "c3"], 0.05), (["c0", "c1"], 0.09)])
def test_wrists_are_found_in_3d(cameras: list[str], limit: float) -> None:
    distance, sd = wrist_errors(cameras)
    assert len(distance) > 55
    assert np.median(distance) < limit
    normalised = np.mean(distance**2 / (3 * sd**2))
    assert 0.2 < normalised < 2.0


def test_one_view_says_that_it_knows_less() -> None:
    many, one = wrist_errors(["c0", "c1", "c2", "c3"]), wrist_errors(["c0"])
    assert len(one[0]) > 40
    assert np.median(one[1]) > 1.5 * np.median(many[1])
    assert np.median(one[0]) < 0.35


def test_a_view_that_exchanges_left_and_right_is_seen_through() -> None:
    frames = record([REACHER], 8)
    turned = [
        replace(f, keypoints=f.keypoints[:, MIRROR]) if f.camera_id == "c1" and f.stamp_ns > 2e9 else f for f in frames
    ]
    last = confirmed(run(MultiViewTracker(TrackerParameters(), room()), turned)[-3])[0]
    truth = REACHER.joints(7.7)
    assert truth is not None
    for joint in (Keypoint.LEFT_SHOULDER, Keypoint.RIGHT_SHOULDER, Keypoint.LEFT_WRIST):
        assert np.linalg.norm(last.keypoints[joint] - truth[joint]) < 0.12


def test_boxes_alone_give_no_joints() -> None:
    last = confirmed(run(MultiViewTracker(TrackerParameters(), room()), record([REACHER], 3, keypoints=False))[-3])[0]
    assert np.isnan(last.keypoints).all()
    assert np.isnan(last.keypoint_sd).all()


def test_the_heading_follows_the_shoulders() -> None:
    walker = Walker(lambda t: (3.0 + 0.8 * np.cos(t), 2.5 + 0.8 * np.sin(t)))
    for snapshot in run(MultiViewTracker(TrackerParameters(), room()), record([walker], 6))[15:]:
        shopper = confirmed(snapshot)[0]
        ahead = np.angle(np.exp(1j * (shopper.heading - (snapshot.stamp_ns / 1e9 + np.pi / 2))))
        assert abs(ahead) < np.radians(35)


def test_arms_are_never_longer_than_arms() -> None:
    for snapshot in run(MultiViewTracker(TrackerParameters(), room()), record([REACHER], 6, noise_px=8.0, seed=3))[10:]:
        for shopper in confirmed(snapshot):
            points, height = shopper.keypoints, shopper.mean[4]
            for shoulder, wrist in ((2, 6), (3, 7)):
                if np.isfinite(points[[shoulder, wrist]]).all():
                    assert np.linalg.norm(points[wrist] - points[shoulder]) < 0.36 * height + 0.2


def seen_from(x: float, off_px: float = 0.0) -> Sight:
    """Return the sight of a camera at (x, 0, 2.6) of a shopper at the origin who holds his right hand out along x."""
    position = np.array([x, 0.0, 2.6])
    rotation = look_at(position, [0.0, 0.0, 1.0])
    view = View(
        Camera("c", 640, 480, intrinsics_from_fov(640, 480, np.radians(90)), np.zeros(5), position, rotation, ""),
        TrackerParameters(),
    )
    pixels, _ = view.project(STANDING[:, :3])
    pixels[Keypoint.RIGHT_WRIST, 0] += off_px
    return Sight(view, 0, pixels, np.full(KEYPOINT_COUNT, 4.0), np.full(KEYPOINT_COUNT, 0.9), 0.0)


STANDING = np.zeros((KEYPOINT_COUNT, 6))
STANDING[:, :3] = Walker(lambda t: (0.0, 0.0), wrist=lambda t: (0.3, -0.05, 1.0)).joints(0.0)


def wrist_after(sights: list[Sight]) -> tuple[float, float]:
    """Return variances of the right wrist and of the head after sights, starting from 0.2 m."""
    covariance = np.tile(np.diag([0.04] * 3 + [0.01] * 3), (1, KEYPOINT_COUNT, 1, 1))
    _, spread, _ = fuse(STANDING[None], covariance, [sights], 0, KeypointNoise(), TrackerParameters())
    sizes = np.trace(spread[0, :, :3, :3], axis1=1, axis2=2)
    return float(sizes[Keypoint.RIGHT_WRIST]), float(sizes[Keypoint.HEAD])


def test_a_view_from_behind_the_trunk_says_little_about_the_hand() -> None:
    nothing = 3 * 0.04
    wrist, head = wrist_after([seen_from(2.5)])
    hidden_wrist, head_from_behind = wrist_after([seen_from(-2.5)])
    assert nothing - hidden_wrist < 0.8 * (nothing - wrist)
    assert head_from_behind == pytest.approx(head, rel=0.2)


def test_views_that_contradict_each_other_leave_the_hand_uncertain() -> None:
    agreed, head = wrist_after([seen_from(2.5), seen_from(2.0), seen_from(1.5)])
    doubted, same_head = wrist_after([seen_from(2.5), seen_from(2.0, off_px=80), seen_from(1.5, off_px=-80)])
    assert doubted > 2.4 * agreed
    assert same_head == pytest.approx(head, rel=0.05)
