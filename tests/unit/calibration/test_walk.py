import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
from walking_people import perturbed

from walkout.calibration.walk import read_walk, sightings_of
from walkout.errors import UserError
from walkout.geometry.bundle import adjust
from walkout.geometry.pose_from_markers import pose_difference
from walkout.store.loader import load_store

sys.path.append(str(Path(__file__).parents[1] / "tracking"))
from tracked_scenes import Walker, record, room


def test_detections_of_strollers_turn_wrong_cameras_back():
    truth, rng = room(), np.random.default_rng(41)
    given = [perturbed(camera, rng) for camera in truth]
    strollers = [
        Walker(lambda t, p=phase: (3.0 + 1.7 * np.sin(0.4 * t + p), 2.5 + 1.3 * np.cos(0.55 * t + p)), look=n)
        for n, phase in enumerate((0.0, 2.5))
    ]
    frames = record(strollers, 25.0, seed=42, cameras=truth)
    store = dataclasses.replace(load_store("kiosk"), fixtures=(), zones=())
    sightings = sightings_of(frames, store, given)
    assert len(sightings) > 1500
    assert set(sightings.camera.tolist()) == {0, 1, 2, 3}
    wrong = np.array([pose_difference(r.camera, c) for r, c in zip(adjust(given, [], sightings), truth, strict=True)])
    assert wrong[:, 1].max() < 0.9  # degrees, was 2
    assert np.median(wrong[:, 0]) < 0.04  # metres, was 0.05; walkers alone do not fix the store's frame


def test_what_is_no_bag_is_one_line(tmp_path):
    pytest.importorskip("rosbag2_py")
    with pytest.raises(UserError, match="cannot be read as a bag"):
        list(read_walk(str(tmp_path / "nothing"), load_store("kiosk").cameras, {}))
