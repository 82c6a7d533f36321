import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from little_store import little_store
from load_cell_traces import PERIOD_NS, Trace

from walkout.drivers.types import ReadingBatch
from walkout.interactions.plate_tracker import PlateTrackerParameters
from walkout.interactions.shelf_monitor import PlateCondition, ShelfMonitor, ShelfMonitorParameters
from walkout.interactions.types import WeightEvent
from walkout.store.model import Fixture, FixtureType, Pose2

STORE = little_store()
GONDOLA = STORE.fixture_by_id["g1"]
# The upper shelf alone, so that the five plates of a trace are its five lanes.
SHELF = Fixture("s", FixtureType.GONDOLA, Pose2(0, 0), (0.5, 1, 1), (GONDOLA.shelves[1],))


def run(trace: Trace, **batches: float) -> list[WeightEvent]:
    monitor = ShelfMonitor(ShelfMonitorParameters(), SHELF)
    return [event for batch in trace.batches("s", **batches) for event in monitor.add(batch)]


def finals(events: list[WeightEvent]) -> list[WeightEvent]:
    return [event for event in events if not event.provisional and event.delta_g != 0]


@pytest.mark.parametrize("delta_g", [-25.0, -120.0, -623.0, 331.0])
def test_one_step_is_one_event_with_its_weight(delta_g: float) -> None:
    trace = Trace(5, 12.0)
    trace.reach(2, 4.0, delta_g)
    (event,) = finals(run(trace))
    assert event.lane_ids == ("g1/1/2",)
    assert event.delta_g == pytest.approx(delta_g, abs=4 * event.sd_g + 1.0)
    assert 3.8e9 <= event.onset_ns <= 4.3e9
    assert event.sd_g < 2.0


def test_the_final_event_comes_soon_after_the_hand_and_replaces_the_provisional_one() -> None:
    trace = Trace(5, 12.0)
    trace.reach(2, 4.0, -331.0, hand_s=1.0)
    monitor = ShelfMonitor(ShelfMonitorParameters(), SHELF)
    arrivals = [(batch.stamp_ns + 12 * PERIOD_NS, e) for batch in trace.batches("s") for e in monitor.add(batch)]
    provisional = [(at, e) for at, e in arrivals if e.provisional]
    final = [(at, e) for at, e in arrivals if not e.provisional]
    assert len(final) == 1
    assert final[0][0] <= (4.0 + 1.0 + 2.5) * 1e9
    assert provisional
    assert provisional[0][0] < final[0][0]
    assert {e.event_id for _, e in arrivals} == {final[0][1].event_id}


def test_a_hand_that_takes_nothing_and_drift_are_no_events() -> None:
    trace = Trace(5, 20.0)
    trace.reach(1, 4.0, 0.0)
    trace.reach(3, 10.0, 0.0, hand_s=2.5, push_g=200.0)
    assert finals(run(trace, drift_g_per_s=0.5)) == []


def test_a_lasting_lean_is_undone_when_it_ends() -> None:
    trace = Trace(5, 20.0)
    trace.lean(2, 5.0, 4.0, 90.0)
    events = finals(run(trace))
    assert sum(event.delta_g for event in events) == pytest.approx(0.0, abs=3.0)


def test_two_reaches_with_a_quiet_moment_between_are_two_events() -> None:
    trace = Trace(5, 18.0)
    trace.reach(2, 4.0, -331.0)
    trace.reach(2, 8.0, -331.0)
    events = finals(run(trace))
    assert [round(event.delta_g / 331) for event in events] == [-1, -1]
    assert len({event.event_id for event in events}) == 2


def test_cross_talk_of_a_heavy_item_is_not_an_event_of_its_neighbours() -> None:
    trace = Trace(5, 14.0, crosstalk=0.028)
    trace.reach(2, 4.0, -1000.0)
    (event,) = finals(run(trace))
    assert event.lane_ids == ("g1/1/2",)


def test_two_lanes_at_once_are_two_events() -> None:
    trace = Trace(5, 14.0)
    trace.reach(0, 4.0, -120.0, hand_s=1.0)
    trace.reach(3, 4.3, -205.0, hand_s=1.4)
    events = finals(run(trace))
    assert {e.lane_ids: e.delta_g for e in events} == {
        ("g1/1/0",): pytest.approx(-120, abs=4),
        ("g1/1/3",): pytest.approx(-205, abs=4),
    }


def test_an_item_across_two_plates_is_one_event() -> None:
    trace = Trace(5, 14.0)
    for plate, share in ((2, 190.0), (3, 141.0)):
        trace.load[trace.time_s >= 5.0, plate] += share
    (event,) = finals(run(trace))
    assert event.lane_ids == ("g1/1/2", "g1/1/3")
    assert event.delta_g == pytest.approx(331, abs=3)
    assert event.lane_deltas_g == pytest.approx((190, 141), abs=9)


def test_a_noisy_plate_needs_a_clearer_sign_but_still_gives_it() -> None:
    quiet = Trace(5, 60.0, seed=5, noise_g=7.0)
    assert finals(run(quiet)) == []
    taken = Trace(5, 20.0, seed=6, noise_g=7.0)
    taken.reach(2, 8.0, -331.0)
    (event,) = finals(run(taken))
    assert event.delta_g == pytest.approx(-331, abs=12)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    steps=st.lists(st.sampled_from([-540.0, -120.0, 58.0, -58.0, 333.0]), min_size=1, max_size=4),
)
def test_the_sum_of_all_events_is_the_change_of_the_load(seed: int, steps: list[float]) -> None:
    trace = Trace(5, 6.0 * len(steps) + 8.0, seed=seed)
    for number, step in enumerate(steps):
        trace.reach(2, 4.0 + 6.0 * number, step)
    events = finals(run(trace))
    total = sum(event.delta_g for event in events)
    assert total == pytest.approx(sum(steps), abs=3.0 + 5.0 * len(steps))
    assert len(events) >= len(steps)


def test_the_same_batches_in_other_portions_give_the_same_events() -> None:
    trace = Trace(5, 12.0)
    trace.reach(2, 4.0, -120.0)
    batches = trace.batches("s")
    whole = ReadingBatch("s", batches[0].stamp_ns, PERIOD_NS, np.concatenate([batch.grams for batch in batches]))
    one = ShelfMonitor(ShelfMonitorParameters(), SHELF).add(whole)
    monitor = ShelfMonitor(ShelfMonitorParameters(), SHELF)
    assert [event for batch in batches for event in monitor.add(batch)] == one


def test_a_batch_seen_before_is_ignored() -> None:
    trace = Trace(5, 12.0)
    trace.reach(2, 4.0, -120.0)
    monitor = ShelfMonitor(ShelfMonitorParameters(), SHELF)
    twice = [event for batch in trace.batches("s") for _ in range(2) for event in monitor.add(batch)]
    same = Trace(5, 12.0)
    same.reach(2, 4.0, -120.0)
    assert twice == run(same)


def test_dead_and_noisy_cells_are_named_and_a_dead_cell_hides_nothing_else() -> None:
    trace = Trace(5, 14.0)
    trace.reach(2, 6.0, -120.0)
    monitor = ShelfMonitor(ShelfMonitorParameters(), SHELF)
    events = []
    for batch in trace.batches("s"):
        grams = batch.grams.copy()
        grams[:, 0] = np.nan
        grams[:, 1] = 4000.0
        grams[:, 4] += np.random.default_rng(batch.stamp_ns).normal(0, 9, 12)
        events += monitor.add(ReadingBatch("s", batch.stamp_ns, PERIOD_NS, grams))
    assert [event.lane_ids for event in finals(events)] == [("g1/1/2",)]
    conditions = [health.condition for health in monitor.health()]
    assert conditions[0] is PlateCondition.DEAD
    assert conditions[1] is PlateCondition.DEAD
    assert conditions[2] is PlateCondition.GOOD
    assert conditions[4] is PlateCondition.NOISY


def test_a_change_while_a_cell_was_silent_for_a_moment_is_not_lost() -> None:
    trace = Trace(5, 14.0)
    trace.load[trace.time_s >= 5.0, 2] -= 331.0
    monitor = ShelfMonitor(ShelfMonitorParameters(), SHELF)
    events = []
    for batch in trace.batches("s"):
        grams = batch.grams.copy()
        if 4.5e9 <= batch.stamp_ns < 5.5e9:
            grams[:, 2] = np.nan
        events += monitor.add(ReadingBatch("s", batch.stamp_ns, PERIOD_NS, grams))
    (event,) = [event for event in finals(events) if event.lane_ids == ("g1/1/2",)]
    assert event.delta_g == pytest.approx(-331, abs=4)


def test_readings_that_do_not_fit_the_fixture_are_refused_with_the_remedy() -> None:
    monitor = ShelfMonitor(ShelfMonitorParameters(), SHELF)
    with pytest.raises(ValueError, match="5 plates: check the driver's channel map"):
        monitor.add(ReadingBatch("s", 0, PERIOD_NS, np.zeros((12, 4), np.float32)))


def test_neighbours_never_cross_shelves() -> None:
    monitor = ShelfMonitor(ShelfMonitorParameters(), GONDOLA)
    trace = Trace(10, 14.0, crosstalk=0.0)
    trace.reach(4, 4.0, -540.0)
    trace.load[trace.time_s >= 4.5, 5] -= 11.0
    events = finals([event for batch in trace.batches("g1") for event in monitor.add(batch)])
    assert {event.lane_ids[0] for event in events} == {"g1/0/4", "g1/1/0"}


@pytest.mark.parametrize("bad", [{"block_s": 0.0}, {"hold_s": 0.1}, {"onset_g": 0.0}])
def test_parameters_that_make_no_sense_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"must|at least"):
        PlateTrackerParameters(**bad)  # type: ignore[arg-type]


def test_a_cell_that_jumps_to_a_constant_and_comes_back_is_no_event_and_holds_up_nobody() -> None:
    trace = Trace(5, 20.0)
    trace.reach(2, 9.0, -30.0)
    monitor = ShelfMonitor(ShelfMonitorParameters(), SHELF)
    events = []
    for batch in trace.batches("s"):
        grams = batch.grams.copy()
        if 5e9 <= batch.stamp_ns < 15e9:
            grams[:, 1] = 0.0
        events += monitor.add(ReadingBatch("s", batch.stamp_ns, PERIOD_NS, grams))
    (event,) = finals(events)
    assert event.lane_ids == ("g1/1/2",)
    assert event.delta_g == pytest.approx(-30, abs=3)


def test_glitches_of_single_samples_are_no_events_and_spoil_none() -> None:
    trace = Trace(5, 20.0)
    trace.reach(2, 9.0, -120.0)
    for sample in range(5, 1200, 37):
        trace.extra[sample, sample % 5] += 3000.0 * (-1) ** sample
    (event,) = finals(run(trace))
    assert event.delta_g == pytest.approx(-120, abs=3)


def test_the_onset_is_the_touch_that_led_to_the_step() -> None:
    trace = Trace(5, 20.0)
    # Somebody fidgets in the lane for seconds, leaves it, and takes something later.
    trace.reach(2, 4.0, 0.0, hand_s=1.5)
    trace.reach(2, 6.2, -331.0)
    (event,) = finals(run(trace))
    assert 5.9e9 <= event.onset_ns <= 6.5e9


def test_an_item_across_two_plates_is_one_event_though_the_hand_rests_on_one_of_them() -> None:
    trace = Trace(5, 14.0)
    trace.reach(2, 5.0, -190.0, hand_s=1.4, push_g=150.0)
    trace.load[trace.time_s >= 5.7, 3] -= 141.0
    (event,) = finals(run(trace))
    assert event.lane_ids == ("g1/1/2", "g1/1/3")
    assert event.delta_g == pytest.approx(-331, abs=5)
