import dataclasses

import numpy as np
from scipy.spatial.transform import Rotation
from tracked_scenes import Walker, record, room

from walkout.tracking.calibration_watch import CalibrationWatch, drift_summary
from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.tracker import MultiViewTracker


def bump(camera, degrees):
    turn = Rotation.from_rotvec([0.0, np.radians(degrees), 0.0]).as_matrix()
    return dataclasses.replace(camera, rotation=camera.rotation @ turn)


def strollers():
    return [
        Walker(lambda t, p=phase: (3.0 + 1.6 * np.sin(0.4 * t + p), 2.5 + 1.2 * np.cos(0.55 * t + p)), look=n)
        for n, phase in enumerate((0.0, 2.5))
    ]


def watch(seconds, bumped_degrees):
    """Return the last state of every camera when the third one has been turned without being told."""
    cameras = room()
    real = [bump(c, bumped_degrees) if c.camera_id == "c2" else c for c in cameras]
    tracker = MultiViewTracker(TrackerParameters(), cameras)
    alarm = CalibrationWatch(cameras)
    states = []
    for detections in record(strollers(), seconds, seed=9, cameras=real):
        alarm.add_detections(detections)
        tracker.update(detections)
        for snapshot in tracker.drain():
            states = alarm.add_shoppers(snapshot)
    return states


def test_the_tracker_s_own_data_name_the_bumped_camera():
    text, values = drift_summary(watch(60.0, 6.0))
    assert text.startswith("camera c2 has moved: ")
    assert "walkout calibrate extrinsics" in text
    assert float(values["residual_c2_px"]) > 2 * max(float(values[f"residual_{c}_px"]) for c in ("c0", "c1", "c3"))


def test_a_store_as_calibrated_gives_no_alarm():
    states = watch(50.0, 0.0)
    text, values = drift_summary(states)
    assert text == ""
    assert all(float(value) < 6.0 for value in values.values())
