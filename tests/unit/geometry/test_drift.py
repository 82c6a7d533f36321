import numpy as np
import pytest
from walking_people import room

from walkout.geometry.drift import DriftMonitor, DriftParameters

SECOND = 1_000_000_000
PARAMETERS = DriftParameters()
BOUND_PX = PARAMETERS.bound * 640


def feed(monitor, start_s, seconds, shifts, seed=0, outliers=0.2, turn=None):
    """Give every camera two people a tenth of a second, shifted as told, one in five samples nonsense."""
    rng = np.random.default_rng(seed)
    states, alarms = [], []
    for tick in range(int(seconds * 10)):
        now = int((start_s + tick / 10) * SECOND)
        for camera_id, shift in shifts.items():
            expected = rng.uniform((50, 50), (590, 430), (4, 2))
            seen = expected + shift + rng.normal(0, 6, (4, 2))
            if turn and camera_id in turn:
                c, s = np.cos(turn[camera_id]), np.sin(turn[camera_id])
                seen = (seen - (320, 240)) @ np.array([[c, s], [-s, c]]) + (320, 240)
            if rng.random() < outliers:
                seen += rng.uniform(-90, 90, 2)
            seen[0] = np.nan
            monitor.add(camera_id, now, seen, expected)
        states = monitor.advance(now)
        alarms.append({s.camera_id for s in states if s.alarm})
    return states, alarms


def cameras(count=4):
    return room(count)


def steady(count=4):
    return {c.camera_id: (0.0, 0.0) for c in cameras(count)}


def test_cameras_that_agree_raise_no_alarm():
    states, alarms = feed(DriftMonitor(cameras()), 100, 60, steady())
    assert not any(alarms)
    assert all(s.median_px < BOUND_PX / 2 for s in states)


@pytest.mark.parametrize("shift", [(20.0, 0.0), (0.0, -18.0), (12.0, 12.0)])
def test_a_bumped_camera_is_named_after_the_hold_and_cleared_when_it_is_put_right(shift):
    monitor = DriftMonitor(cameras())
    feed(monitor, 100, 30, steady())
    states, alarms = feed(monitor, 130, 60, {**steady(), "c2": shift}, 1)
    assert alarms[-1] == {"c2"}
    first = next(i for i, named in enumerate(alarms) if named) / 10
    # Half of the window must be new before the median moves, then it must stay.
    assert PARAMETERS.hold_s <= first <= PARAMETERS.hold_s + 15
    assert states[2].median_px > BOUND_PX
    _, alarms = feed(monitor, 190, 80, steady(), 2)
    assert alarms[-1] == set()


def test_a_camera_turned_about_its_axis_is_noticed():
    _, alarms = feed(DriftMonitor(cameras()), 100, 60, steady(), turn={"c1": np.radians(15)})
    assert alarms[-1] == {"c1"}


def test_a_short_disturbance_is_no_alarm():
    monitor = DriftMonitor(cameras(), DriftParameters(hold_s=15.0))
    feed(monitor, 100, 30, steady())
    _, alarms = feed(monitor, 130, 8, {**steady(), "c2": (40.0, 0.0)}, 1)
    _, later = feed(monitor, 138, 40, steady(), 2)
    assert not any(alarms)
    assert not any(later)


def test_when_all_are_off_no_single_camera_is_blamed():
    _, alarms = feed(DriftMonitor(cameras()), 100, 60, {c.camera_id: (30.0, 0.0) for c in cameras()})
    assert not any(alarms)
    _, alarms = feed(DriftMonitor(cameras(2)), 100, 60, {"c0": (0.0, 0.0), "c1": (30.0, 0.0)})
    assert not any(alarms)  # of two cameras nobody can tell which is right


def test_too_few_samples_say_nothing_and_unknown_cameras_are_ignored():
    monitor = DriftMonitor(cameras())
    monitor.add("nobody", 0, np.zeros((1, 2)), np.ones((1, 2)))
    states, _ = feed(monitor, 100, 1, steady())
    assert all(s.samples == 0 and np.isnan(s.median_px) for s in states)
    monitor.clear()


@pytest.mark.parametrize("wrong", [{"bound": 0.0}, {"hold_s": 0.0}, {"window_s": -1.0}, {"min_samples": 1}])
def test_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="is not within"):
        DriftParameters(**wrong)
