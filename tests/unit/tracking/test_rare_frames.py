"""Frames so rare that nobody's next place can be predicted: all cameras of one instant are clustered first."""

from __future__ import annotations

import numpy as np
import pytest
from tracked_scenes import ENTRY, EXIT, Walker, confirmed, record, room, run

from walkout.evaluation.tracking_run import Surrounded
from walkout.perception.types import Detections
from walkout.tracking.clusters import Instants
from walkout.tracking.competition import Competition
from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.recall import Recall
from walkout.tracking.tracker import MultiViewTracker
from walkout.tracking.view import View
from walkout.tracking.visibility import Occluders

RARE = TrackerParameters(
    output_period_s=0.5,
    reorder_window_s=0.25,
    confirm_hits=2,
    confirm_age_s=0.0,
    max_speed=2.0,
    detection_probability=0.75,
)


def frame(camera: str, stamp_ns: int) -> Detections:
    none, joints = np.zeros((0, 4), np.float32), np.zeros((0, 12, 3), np.float32)
    return Detections(camera, stamp_ns, none, none[:, 0], joints, none[:, :0])


def test_an_instant_is_complete_when_later_frames_show_it() -> None:
    instants = Instants(100)
    first = [frame("a", 1000), frame("b", 1060)]
    assert [instants.put(f) for f in first] == [[], []]
    assert instants.since_ns == 1000
    assert instants.take(1099) == []
    assert instants.put(frame("a", 1500)) == first
    assert [f.stamp_ns for f in instants.take(1600)] == [1500]
    assert instants.take() == []


@pytest.mark.parametrize("seed", range(3))
def test_two_who_walk_closely_behind_each_other_keep_their_ids_at_two_frames_a_second(seed: int) -> None:
    """They are 0.8 m apart, and one hides parts of the other from some cameras."""
    walkers = [
        Walker(lambda t: (1.0 + 0.35 * 1.4 * t, 2.0), look=0),
        Walker(lambda t: (1.0 + 0.35 * 1.4 * t, 3.2), look=1),
        Walker(lambda t: (1.8 + 0.35 * 1.4 * t, 2.0), look=2),
    ]
    frames = record(walkers, 8.0, seed=seed, keypoints=False, rate_hz=2.0, looks=False, miss=0.1)
    snapshots = run(MultiViewTracker(RARE, room()), frames)[2:]
    owners: list[set[int]] = [set() for _ in walkers]
    found = 0
    for snapshot in snapshots:
        t = snapshot.stamp_ns / 1e9
        for owner, walker in zip(owners, walkers, strict=True):
            near = [
                s.track_id for s in confirmed(snapshot) if np.hypot(*(s.mean[:2] - np.array(walker.place(t)))) < 0.35
            ]
            owner.update(near)
            found += bool(near)
    assert [len(owner) for owner in owners] == [1, 1, 1]
    assert found >= 0.9 * len(walkers) * len(snapshots)


def competition(places: list[tuple[float, float]], walkers: list[Walker]) -> Competition:
    """Let shoppers who are expected at places compete for what the room's cameras see of walkers at time 0."""
    frames = record(walkers, 0.6, seed=1, keypoints=False, rate_hz=2.0, looks=False, miss=0.0)
    first = {f.camera_id: f for f in reversed(frames)}
    views = {camera.camera_id: View(camera, RARE) for camera in room()}
    seen = {name: views[name].observe(f) for name, f in first.items()}
    mean = np.array([(x, y, RARE.height_mean) for x, y in places])
    covariance = np.broadcast_to(np.diag([0.3**2, 0.3**2, 0.1**2]), (len(mean), 3, 3))
    return Competition(views, Occluders([]), seen, Recall(RARE), RARE, mean, covariance, np.zeros(len(mean)))


def test_shoppers_get_their_detections_in_all_cameras_though_predictions_are_off() -> None:
    walkers = [Walker(lambda _: (2.0, 2.0)), Walker(lambda _: (2.9, 2.4))]
    game = competition([(2.3, 2.1), (3.2, 2.5)], walkers)
    game.run(4)
    for row, walker in enumerate(walkers):
        assert len(game.members(row)) >= 2
        assert np.hypot(*(game.state[row, :2] - walker.place(0.0))) < 0.15


def test_a_camera_that_has_given_a_wrong_detection_takes_it_back() -> None:
    """What it says itself must not count when its detections are given out anew."""
    walkers = [Walker(lambda _: (2.0, 2.0)), Walker(lambda _: (3.2, 2.4))]
    game = competition([(2.0, 2.0), (3.2, 2.4)], walkers)
    game.run(4)
    right = game.taken.copy()
    both = np.flatnonzero((right >= 0).all(axis=0))
    game.taken[:, both[0]] = right[::-1, both[0]]
    game.settle(2)
    game.run(4)
    assert (game.taken == right).all()


def test_only_the_floor_between_the_cameras_counts() -> None:
    area = Surrounded(room(), 0.5)
    centre = np.mean([camera.position[:2] for camera in room()], axis=0)
    far = centre + np.array([30.0, 0.0])
    assert area.holds(centre)
    assert not area.holds(far)
    assert Surrounded(room()[:2]).holds(far)


def test_a_camera_that_was_away_does_not_make_frames_rare() -> None:
    walker = Walker(lambda t: (1.0 + 0.5 * t, 2.5))
    frames = [f for f in record([walker], 5.0, rate_hz=5.0) if not (f.camera_id == "c0" and 1.0e9 < f.stamp_ns < 4.0e9)]
    tracker = MultiViewTracker(TrackerParameters(), room())

    def together(*_: object) -> None:
        raise AssertionError("frames of five a second were taken for rare ones")

    tracker._clustering.plan = together  # type: ignore[attr-defined,method-assign]
    assert confirmed(run(tracker, frames)[-1])


def test_one_camera_alone_does_not_keep_somebody_alive_whom_another_should_see() -> None:
    walker = Walker(lambda t: (3.0, 2.0 + 0.1 * t))
    frames = record([walker], 8.0, keypoints=False, rate_hz=2.0, looks=False, miss=0.0)
    frames = [f for f in frames if f.camera_id in ("c0", "c1")]
    empty = [frame(f.camera_id, f.stamp_ns) if f.camera_id == "c1" and f.stamp_ns > 4e9 else f for f in frames]
    for given, expected in ((frames, 1), (empty, 0)):
        last = run(MultiViewTracker(RARE, room()[:2]), given)[-1]
        assert sum(s.existence_probability >= 0.5 for s in confirmed(last)) == expected


def test_who_waits_at_the_exit_is_kept_between_frames_and_closed_when_gone() -> None:
    """At three frames in two seconds more time passes between frames than ``exit_close_s``."""
    walker = Walker(lambda t: None if t > 24.0 else (min(0.6 + 0.3 * t, 5.2), 0.6))
    snapshots = run(MultiViewTracker(TrackerParameters(), room(), [ENTRY, EXIT]), record([walker], 34.0, rate_hz=1.5))
    waiting = [confirmed(s) for s in snapshots if 17e9 < s.stamp_ns < 23.5e9]
    assert {len(shoppers) for shoppers in waiting} == {1}
    assert len({s.track_id for shoppers in waiting for s in shoppers}) == 1
    assert not confirmed(snapshots[-1])
