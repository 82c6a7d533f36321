"""Frames so rare that nobody's next place can be predicted: all cameras of one instant are clustered first."""

from __future__ import annotations

import numpy as np
import pytest
from tracked_scenes import Walker, confirmed, record, room, run

from walkout.perception.types import Detections
from walkout.tracking.clusters import Instants
from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.tracker import MultiViewTracker

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
