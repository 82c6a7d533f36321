import numpy as np
import pytest
from worlds import Run, crowd, make, store, visit

from walkout.simulation.load_cells import BATCH, PERIOD_NS, LoadCells
from walkout.simulation.scenario import Action, ActionKind, Arrival, LoadCellOptions, Payment


def cells(options: LoadCellOptions, seed: int = 1, load: float = 1000.0) -> tuple[LoadCells, np.ndarray]:
    fixtures = store("kiosk").fixtures
    loads = np.full(sum(len(f.lanes) for f in fixtures), load)
    return LoadCells(fixtures, options, seed, loads), loads


def sample(plates: LoadCells, loads: np.ndarray, seconds: float, push: np.ndarray | None = None) -> np.ndarray:
    batches = []
    for number in range(int(seconds * 60)):
        batches += plates.sample(number * PERIOD_NS, loads, np.zeros_like(loads) if push is None else push)
    return np.concatenate([batch.grams for batch in batches if batch.fixture_id == "g1"])


def test_quiet_plates_are_as_noisy_as_measured_ones() -> None:
    plates, loads = cells(LoadCellOptions())
    grams = sample(plates, loads, 60)
    noise = np.std(np.diff(grams, axis=0), axis=0) / np.sqrt(2)
    assert np.all((noise > 0.45) & (noise < 1.5))
    assert np.std(grams.mean(axis=0)) > 300.0, "plates are not zeroed"


def test_some_plates_are_bad_when_the_scenario_says_so() -> None:
    plates, loads = cells(LoadCellOptions(noisy_share=0.5, noisy_g=7.0))
    noise = np.std(np.diff(sample(plates, loads, 30), axis=0), axis=0) / np.sqrt(2)
    assert (noise > 6.0).any()
    assert (noise < 1.6).any()


def test_a_step_arrives_at_once_on_its_plate_and_leaks_a_little_to_its_neighbour() -> None:
    plates, loads = cells(LoadCellOptions(noise_g=(0.0, 0.0), drift_g_per_hour=0.0))
    before = sample(plates, loads, 2)[-1]
    loads = loads.copy()
    loads[1] -= 500.0
    after = sample(plates, loads, 8)
    assert after[12, 1] - before[1] == pytest.approx(-500.0, abs=60.0)
    settled = after[-1] - before
    assert settled[1] == pytest.approx(-500.0, abs=0.5)
    assert -20.0 < settled[0] < -3.0
    assert -20.0 < settled[2] < -3.0
    assert settled[3] == pytest.approx(0.0, abs=0.5)
    assert np.allclose(settled[4:], 0.0, atol=0.5), "other shelves feel nothing"
    swing = np.abs(after[:, 3] - before[3])
    assert swing[:60].max() > 2.0, "the whole shelf rings"
    assert swing[240:].max() < 0.5, "and has settled after four seconds"


def test_drift_is_slow_and_quantisation_has_steps() -> None:
    plates, loads = cells(LoadCellOptions(noise_g=(0.0, 0.0), drift_g_per_hour=15.0))
    grams = sample(plates, loads, 120)
    drift = grams[-1] - grams[0]
    assert 0.1 < np.abs(drift).max() < 12.0
    coarse, loads = cells(LoadCellOptions(quantisation_g=0.5))
    doubled = sample(coarse, loads, 2) * 2
    assert np.allclose(doubled, np.round(doubled))


def test_sensors_do_not_disturb_each_other() -> None:
    one = LoadCells(store("kiosk").fixtures[:1], LoadCellOptions(), 3, np.full(12, 500.0))
    both, loads = cells(LoadCellOptions(), 3, 500.0)
    assert np.array_equal(sample(one, np.full(12, 500.0), 3), sample(both, loads, 3))


def test_readings_come_in_batches_that_are_complete_and_without_gaps() -> None:
    run = Run(make(crowd("kiosk", 1), 1))
    for world in run.steps(4.0, 0.05):
        for batch in run.readings[-2:]:
            assert batch.stamp_ns + (BATCH - 1) * batch.period_ns <= world.shown_ns
    for fixture in ("g1", "g2"):
        own = [batch for batch in run.readings if batch.fixture_id == fixture]
        plates = len(store("kiosk").fixture_by_id[fixture].lanes)
        assert all(batch.grams.shape == (BATCH, plates) and batch.grams.dtype == np.float32 for batch in own)
        assert np.allclose(np.diff([batch.stamp_ns for batch in own]), 200_000_000, atol=2)


def test_a_hand_in_the_shelf_pushes_both_ways_and_the_weight_is_right_afterwards() -> None:
    script = (Action(ActionKind.TAKE, sku="honey-blossom", lane_id="g1/1/0"), Action(ActionKind.WAIT, seconds=6))
    run = Run(make(visit("kiosk", Arrival(0.1, script=script)), 2)).all(60.0)
    event = run.world.truth.interactions[0]
    plate = [lane.lane_id for lane in store("kiosk").fixture_by_id["g1"].lanes].index("g1/1/0")
    own = [batch for batch in run.readings if batch.fixture_id == "g1"]
    grams = np.concatenate([batch.grams[:, plate] for batch in own])
    stamps = np.concatenate([batch.stamp_ns + np.arange(BATCH) * batch.period_ns for batch in own])
    before = grams[(stamps > event.hand_in_ns - 3e9) & (stamps < event.hand_in_ns - 5e8)].mean()
    during = grams[(stamps > event.hand_in_ns) & (stamps < event.stamp_ns)] - before
    after = grams[(stamps > event.hand_out_ns + 4e9) & (stamps < event.hand_out_ns + 6e9)].mean()
    assert np.ptp(during) > 30.0
    assert after - before == pytest.approx(event.delta_g, abs=3.0)


def test_a_declined_shopper_never_comes_in() -> None:
    run = Run(make(visit("kiosk", Arrival(0.1, payment=Payment.DECLINED)))).all(30.0)
    assert run.world.finished
    assert [kind for _, _, kind in run.signals] == ["TAP"]
    visited = run.world.truth.visits[1]
    assert visited.denied
    assert visited.entered_ns < 0


def test_an_unanswered_tap_is_repeated_and_nobody_walks_through_a_closed_gate() -> None:
    world = make(visit("kiosk", Arrival(0.1)))
    taps = []
    for step in range(1, 200):
        world.advance(step * 100_000_000)
        taps += [signal.stamp_ns for signal in world.take_signals()]
    assert len(taps) == 4
    assert np.all(np.diff(taps) >= 5_500_000_000)
    gate = store("kiosk").fixture_by_id["gate_in"].pose
    assert world.walkers()[0].position[1] < gate.y


def test_taps_passages_and_leaves_are_reported_in_order() -> None:
    script = (Action(ActionKind.WAIT, seconds=1),)
    run = Run(make(visit("kiosk", Arrival(0.1, script=script)))).all(60.0)
    entry = [kind for _, gate, kind in run.signals if gate == "gate_in"]
    leave = [kind for _, gate, kind in run.signals if gate == "gate_out"]
    assert entry == ["TAP", "OPENED", "PASSAGE", "CLOSED"]
    assert leave == ["OPENED", "PASSAGE", "CLOSED"]
    assert run.signals == sorted(run.signals, key=lambda signal: signal[0])
    visited = run.world.truth.visits[1]
    assert 0 < visited.entered_ns < visited.left_ns
