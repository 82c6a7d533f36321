from dataclasses import replace

import numpy as np
import pytest
from worlds import store

from walkout.drivers.types import Frame, ReadingBatch
from walkout.simulation.faults import SensorFaults
from walkout.simulation.load_cells import PERIOD_NS
from walkout.simulation.pictures import CameraEffects, flicker
from walkout.simulation.scenario import CameraOptions, Fault, FaultKind, load_scenario
from walkout.simulation.store_simulator import StoreSimulator

SECOND = 1_000_000_000


def batch(start_s: float, value: float = 100.0) -> ReadingBatch:
    plates = len(store("kiosk").fixture_by_id["g1"].lanes)
    grams = np.full((60, plates), value, np.float32) + np.arange(60, dtype=np.float32)[:, None]
    return ReadingBatch("g1", round(start_s * 1e9), PERIOD_NS, grams)


def test_a_dead_plate_gives_nothing_zero_or_its_last_value() -> None:
    faults = [
        Fault(FaultKind.PLATE_DEAD, "g1/0/0", from_s=0.5),
        Fault(FaultKind.PLATE_DEAD, "g1/0/1", from_s=0.5, reading="zero"),
        Fault(FaultKind.PLATE_DEAD, "g1/0/2", from_s=0.5, to_s=2.0, reading="stuck"),
    ]
    broken = SensorFaults(store("kiosk"), faults)
    given = broken.readings(batch(0.0)).grams
    assert np.isfinite(given[:30]).all()
    assert np.isnan(given[31:, 0]).all()
    assert np.all(given[31:, 1] == 0.0)
    assert np.ptp(given[31:, 2]) == 0.0
    assert np.ptp(given[:, 3]) == 59.0, "other plates are not touched"
    later = broken.readings(batch(1.0, 500.0)).grams
    assert later[0, 2] == given[-1, 2]
    assert broken.readings(batch(3.0)).grams[0, 2] == 100.0


def test_drift_grows_from_its_beginning() -> None:
    broken = SensorFaults(store("kiosk"), [Fault(FaultKind.DRIFT, "g1", from_s=60.0, amount=30.0)])
    assert np.array_equal(broken.readings(batch(10.0)).grams, batch(10.0).grams)
    assert broken.readings(batch(120.0)).grams[0] == pytest.approx(100.0 + 30.0, abs=0.01)


def test_a_skewed_clock_shifts_stamps_of_its_device_alone() -> None:
    broken = SensorFaults(store("kiosk"), [Fault(FaultKind.CLOCK_SKEW, "c1", amount=-0.1)])
    frame = Frame("c1", 5 * SECOND, np.zeros((2, 2, 3), np.uint8))
    assert broken.skewed(frame, "c1").stamp_ns == 4_900_000_000
    assert broken.skewed(frame, "c2") is frame


def test_a_lost_camera_gives_no_frames_and_the_world_stays_the_same() -> None:
    scenario = load_scenario("kiosk_one", store("kiosk"))
    scenario = replace(scenario, duration_s=1.5)
    lost = replace(scenario, faults=(Fault(FaultKind.CAMERA_LOST, "c1", from_s=0.5, to_s=1.0),))
    frames = {}
    for name, given in (("whole", scenario), ("lost", lost)):
        simulator = StoreSimulator(store("kiosk"), given, camera_ids=["c1"])
        frames[name] = [m for m in simulator if isinstance(m, Frame)]
    times = [frame.stamp_ns * 1e-9 for frame in frames["lost"]]
    assert not [t for t in times if 0.5 <= t < 1.0]
    assert len(frames["whole"]) - len(times) == pytest.approx(5, abs=1)
    assert np.array_equal(frames["whole"][-1].image, frames["lost"][-1].image)


def test_fast_flicker_makes_bands_and_slow_flicker_pulses() -> None:
    fast = flicker(CameraOptions(flicker_depth=0.4, flicker_hz=100.0), 0, 480)
    assert fast.min() == pytest.approx(0.6, abs=0.01)
    assert fast.max() == pytest.approx(1.0, abs=0.01)
    slow = [flicker(CameraOptions(flicker_depth=0.4, flicker_hz=1.0), k * SECOND // 4, 480) for k in range(3)]
    assert all(np.ptp(rows) < 0.03 for rows in slow)
    assert [float(rows.mean()) for rows in slow] == pytest.approx([1.0, 0.8, 0.6], abs=0.02)


def test_camera_effects_are_the_same_for_a_seed() -> None:
    image = np.full((48, 64, 3), 128, np.uint8)
    options = CameraOptions(noise=8.0, flicker_depth=0.3, flicker_hz=50.0)

    def shown(seed: int) -> np.ndarray:
        return CameraEffects(options, seed).apply("c1", 123, image)

    assert np.array_equal(shown(1), shown(1))
    assert not np.array_equal(shown(1), shown(2))
    assert CameraEffects(CameraOptions(), 1).apply("c1", 0, image) is image
