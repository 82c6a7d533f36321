import threading
from pathlib import Path

import numpy as np
import pytest
from worlds import store

from walkout.drivers.sources import open_gate, open_shelf
from walkout.drivers.types import Frame, GateSignal, GateSignalKind, ReadingBatch, SourceError
from walkout.errors import UserError
from walkout.simulation.runner import RunnerParameters, SimulationRunner
from walkout.simulation.scenario import load_scenario
from walkout.simulation.store_simulator import StoreSimulator


def simulator(**options: object) -> StoreSimulator:
    return StoreSimulator(store("kiosk"), load_scenario("kiosk_one", store("kiosk")), **options)  # type: ignore[arg-type]


def test_a_whole_visit_without_pictures() -> None:
    running = simulator(render=False, epoch_ns=1_000)
    signals, batches = [], []
    for measurement in running:
        if isinstance(measurement, GateSignal):
            signals.append(measurement)
            if measurement.kind is GateSignalKind.TAP:
                running.world.open_gate(measurement.gate_id)
        else:
            assert isinstance(measurement, ReadingBatch)
            assert measurement.stamp_ns < running.now_ns
            batches.append(measurement)
    assert running.world.truth.visits[1].basket == {"chocolate-dark": 1, "honey-blossom": 1}
    assert {batch.fixture_id for batch in batches} == {"g1", "g2"}
    assert min(batch.stamp_ns for batch in batches) >= 1_000
    assert [signal.kind for signal in signals].count(GateSignalKind.PASSAGE) == 2


def test_cameras_have_their_rate_and_a_phase_of_their_own() -> None:
    stamps: dict[str, list[int]] = {}
    available = 0
    running = simulator(camera_ids=["c1", "c3"], rate_hz=5.0)
    for measurement in running:
        assert running.now_ns >= available
        available = running.now_ns
        if isinstance(measurement, Frame):
            stamps.setdefault(measurement.camera_id, []).append(measurement.stamp_ns)
            assert measurement.image.shape == (480, 640, 3)
            assert np.ptp(measurement.image) > 50
        if available > 1_500_000_000:
            break
    assert sorted(stamps) == ["c1", "c3"]
    for times in stamps.values():
        assert set(np.diff(times)) == {200_000_000}
    assert stamps["c1"][0] % 200_000_000 != stamps["c3"][0] % 200_000_000


def test_an_unknown_camera() -> None:
    with pytest.raises(UserError, match="no camera 'c9'; it has c1"):
        simulator(camera_ids=["c9"])


def test_lock_step_loses_nothing_however_slow_the_drivers_are(tmp_path: Path) -> None:
    running = simulator(render=False)
    directory = tmp_path / "devices"
    runner = SimulationRunner(running, RunnerParameters(lock_step=True), directory)
    shelves: dict[str, list[ReadingBatch]] = {"g1": [], "g2": []}

    def read_shelf(fixture_id: str) -> None:
        source = open_shelf(
            f"sim://shelf_{fixture_id}", fixture_id, len(store("kiosk").fixture_by_id[fixture_id].lanes), directory
        )
        try:
            while True:
                batch = source.read(1.0)
                if batch is not None:
                    shelves[fixture_id].append(batch)
        except SourceError:
            source.close()

    def serve_gate(gate_id: str) -> None:
        device = open_gate(f"sim://gate_{gate_id}", gate_id, directory)
        try:
            while True:
                signal = device.read(1.0)
                if signal is not None and signal.kind is GateSignalKind.TAP:
                    device.open_gate()
        except SourceError:
            device.close()

    threads = [threading.Thread(target=read_shelf, args=(name,)) for name in shelves]
    threads += [threading.Thread(target=serve_gate, args=(name,)) for name in ("gate_in", "gate_out")]
    for thread in threads:
        thread.start()
    runner.run()
    runner.close()
    for thread in threads:
        thread.join()
    assert running.world.finished
    for batches in shelves.values():
        assert np.allclose(np.diff([batch.stamp_ns for batch in batches]), 200_000_000, atol=2), "none was lost"
    assert not directory.exists()


def test_the_speed_has_a_range() -> None:
    with pytest.raises(ValueError, match="speed is 0"):
        RunnerParameters(speed=0.0)
