import cv2
import numpy as np
import pytest

from walkout.carts.gate import GateAction, GateCommand
from walkout.drivers.types import GateSignalKind
from walkout.evaluation.evidence import MOST_MOMENTS, OFFSETS_S, collect_evidence
from walkout.evaluation.judging import Moment, WrongTrip
from walkout.evaluation.record import SentCommand
from walkout.evaluation.scenario_run import ScenarioRun, load_with_store

S = 1_000_000_000


@pytest.fixture(scope="module")
def played():
    """A run whose world went on with every gate opened, without pictures and stages."""
    scenario, store = load_with_store("kiosk_one")
    run = ScenarioRun(store, scenario, 3)
    world = run.simulator.world
    while not any(t.delta_g < 0 and world.shown_ns > t.stamp_ns + 7 * S for t in world.truth.interactions):
        world.advance(world.shown_ns + S // 20)
        run.movement.note_truth(world.shown_ns, world.true_shoppers())
        for signal in world.take_signals():
            if signal.kind is GateSignalKind.TAP:
                run.record.commands.append(SentCommand(world.shown_ns, GateCommand(signal.gate_id, GateAction.OPEN)))
                world.open_gate(signal.gate_id)
        world.take_readings()
    return run


@pytest.fixture(scope="module")
def taken(played):
    """The evidence of a trip in which the first take was missed, and the shopper's entry."""
    (true, *_) = [t for t in played.simulator.world.truth.interactions if t.delta_g < 0]
    take = Moment(true.stamp_ns, true.lane_id, true.visit_id, "not noticed")
    entry = Moment(played.simulator.world.truth.visits[1].entered_ns, "", 1, "came in")
    trip = WrongTrip((1,), (), entry.stamp_ns, 60 * S, True, False, {true.sku: (1, 0)}, (entry, take))
    (evidence,) = collect_evidence(played, [trip])
    return evidence, true


def test_every_moment_has_its_sheet(taken):
    evidence, _ = taken
    assert [found.moment.text for found in evidence.moments] == ["came in", "not noticed"]
    for found in evidence.moments:
        sheet = cv2.imdecode(np.frombuffer(found.sheet, np.uint8), cv2.IMREAD_COLOR)
        assert sheet.shape == (2 * 240, len(OFFSETS_S) * 320, 3)
        assert sheet.std() > 10
        # Somebody moves: the pictures differ.
        assert np.abs(sheet[:240, :320].astype(int) - sheet[:240, 640:960]).max() > 30
        assert len(set(found.cameras)) == 2
        assert "<svg" in found.where_svg
        assert "visit 1" in found.where_svg


def test_the_world_is_the_same_the_second_time(taken, played):
    """The trace shows the true step at the true moment: the replay did what the run did, gate commands included."""
    evidence, true = taken
    trace = evidence.moments[1].weight_svg
    assert "seconds from the true moment" in trace
    assert evidence.moments[0].weight_svg == ""
    from walkout.evaluation.evidence import _Photographer, _view

    photographer = _Photographer(played, [_view(played, evidence.moments[1].moment)])
    photographer.work()
    site = played.store.lane_sites[true.lane_id]
    column = [lane.lane_id for lane in site.fixture.lanes].index(true.lane_id)
    mine = [b for b in photographer.batches if b.fixture_id == site.fixture.fixture_id]
    grams = np.concatenate([batch.grams[:, column] for batch in mine])
    assert grams[-60:].mean() - grams[:60].mean() == pytest.approx(true.delta_g, abs=8)


def test_right_trips_cost_nothing(played):
    assert collect_evidence(played, []) == ()


def test_moments_beyond_the_first_few_get_no_pictures(played, taken):
    _, true = taken
    many = tuple(Moment(true.stamp_ns, true.lane_id, 1, f"number {n}") for n in range(MOST_MOMENTS + 2))
    trip = WrongTrip((1,), (), 0, 60 * S, True, False, {true.sku: (1, 0)}, many)
    (evidence,) = collect_evidence(played, [trip])
    assert len(evidence.moments) == MOST_MOMENTS
