from dataclasses import replace

import numpy as np
import pytest

from walkout import msg
from walkout.carts.types import GateEvent, GateEventKind, PartyKind
from walkout.drivers.types import GateSignal, GateSignalKind, ReadingBatch
from walkout.interactions.shelf_monitor import PlateCondition, PlateHealth
from walkout.interactions.types import Hypothesis, Interaction, InteractionKind, WeightEvent
from walkout.perception.types import Detections
from walkout.ros import conversions
from walkout.ros.stamps import to_ns, to_time
from walkout.store.loader import load_store
from walkout.tracking.types import Revision, Shoppers, ShopperState, TrackState

STAMP_NS = 1_700_000_000_123_456_789


@pytest.fixture(scope="module")
def camera():
    return load_store("kiosk").cameras[0]


def make_event():
    return WeightEvent("e1", "g1", ("g1/0/1", "g1/0/2"), (-100.5, 2.25), STAMP_NS, STAMP_NS + 5, -98.25, 1.5, True)


@pytest.mark.parametrize("stamp_ns", [0, 1, STAMP_NS, 4 * 10**18])
def test_stamps_keep_every_nanosecond(stamp_ns):
    assert to_ns(to_time(stamp_ns)) == stamp_ns


def test_detections_round_trip(camera):
    rng = np.random.default_rng(1)
    before = Detections(
        camera.camera_id,
        STAMP_NS,
        rng.uniform(0, 480, (3, 4)).astype(np.float32),
        rng.uniform(0, 1, 3).astype(np.float32),
        rng.uniform(0, 480, (3, 12, 3)).astype(np.float32),
        rng.uniform(0, 1, (3, 24)).astype(np.float32),
    )
    after = conversions.msg_to_detections(conversions.detections_to_msg(before, camera))
    assert (after.camera_id, after.stamp_ns) == (before.camera_id, before.stamp_ns)
    for name in ("boxes", "scores", "keypoints", "appearance"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))


def test_no_detection_keeps_its_shapes(camera):
    empty = Detections(
        camera.camera_id,
        STAMP_NS,
        np.zeros((0, 4), np.float32),
        np.zeros(0, np.float32),
        np.zeros((0, 12, 3), np.float32),
        np.zeros((0, 24), np.float32),
    )
    after = conversions.msg_to_detections(conversions.detections_to_msg(empty, camera))
    assert after.boxes.shape == (0, 4)
    assert after.keypoints.shape == (0, 12, 3)


def test_wrong_number_of_keypoints_is_refused():
    message = msg.Detections(camera_id="c1", detections=[msg.Detection(keypoints=[msg.Keypoint2D()])])
    with pytest.raises(ValueError, match="c1: 1 keypoints, expected 12"):
        conversions.msg_to_detections(message)


def test_shoppers_round_trip():
    keypoints = np.full((12, 3), np.nan)
    keypoints[6] = (1.0, 2.0, 1.2)
    state = ShopperState(
        track_id=7,
        state=TrackState.CONFIRMED,
        existence_probability=0.75,
        mean=np.arange(5.0),
        covariance=np.arange(25.0).reshape(5, 5),
        keypoints=keypoints,
        keypoint_sd=np.linspace(0, 1, 12).astype(np.float32).astype(float),
        heading=0.5,
        views=("c1", "c2"),
        candidate_ids=(7, 9),
        candidate_probabilities=(0.75, 0.25),
        from_entry=True,
        group_id=4,
        group_probability=0.75,
        revision=Revision(STAMP_NS - 7, (7, 9), (0.25, 0.75)),
    )
    after = conversions.msg_to_shoppers(conversions.shoppers_to_msg(Shoppers(STAMP_NS, (state,))))
    assert after.stamp_ns == STAMP_NS
    (got,) = after.shoppers
    assert (got.group_id, got.group_probability) == (4, 0.75)
    assert got.revision == state.revision
    (plain,) = conversions.msg_to_shoppers(
        conversions.shoppers_to_msg(Shoppers(STAMP_NS, (replace(state, revision=None),)))
    ).shoppers
    assert plain.revision is None
    assert (got.track_id, got.state, got.views, got.candidate_ids, got.from_entry) == (
        7,
        TrackState.CONFIRMED,
        ("c1", "c2"),
        (7, 9),
        True,
    )
    np.testing.assert_array_equal(got.keypoints, keypoints)
    np.testing.assert_array_equal(got.covariance, state.covariance)
    np.testing.assert_allclose(got.keypoint_sd, state.keypoint_sd)


def test_readings_round_trip_with_dead_cell():
    grams = np.arange(36, dtype=np.float32).reshape(12, 3)
    grams[:, 1] = np.nan
    batch = ReadingBatch("g1", STAMP_NS, 16_666_667, grams)
    after = conversions.msg_to_readings(conversions.readings_to_msg(batch))
    assert (after.fixture_id, after.stamp_ns, after.period_ns) == ("g1", STAMP_NS, 16_666_667)
    np.testing.assert_array_equal(after.grams, grams)


def test_readings_that_do_not_fill_the_plates_are_refused():
    with pytest.raises(ValueError, match="5 samples do not fill 2 plates"):
        conversions.msg_to_readings(msg.ShelfReadings(fixture_id="g1", plates=2, grams=[1.0] * 5))


def test_weight_event_and_interaction_round_trip():
    event = make_event()
    assert conversions.msg_to_weight_event(conversions.weight_event_to_msg(event)) == event
    interaction = Interaction(
        "i1",
        event,
        (Hypothesis(3, "cola", 2, InteractionKind.TAKE, 0.75), Hypothesis(0, "", 0, InteractionKind.TOUCH, 0.25)),
    )
    assert conversions.msg_to_interaction(conversions.interaction_to_msg(interaction)) == interaction


def test_gate_messages_round_trip():
    signal = GateSignal("gate_in", STAMP_NS, GateSignalKind.TAP, "card-ok-1")
    assert conversions.msg_to_gate_signal(conversions.gate_signal_to_msg(signal)) == signal
    event = GateEvent("e", "gate_in", STAMP_NS, GateEventKind.ENTERED, "s1", PartyKind.SHOPPER, "because")
    assert conversions.msg_to_gate_event(conversions.gate_event_to_msg(event)) == event


def test_the_health_of_a_load_cell_keeps_its_meaning() -> None:
    message = conversions.plate_health_to_msg(PlateHealth("g1/0/1", PlateCondition.DEAD, 0.7, 2.0), 5 * 10**9)
    assert message.sensor_id == "g1/0/1"
    assert message.state == msg.SensorHealth.STUCK
    assert message.drift_g_per_h == pytest.approx(120.0)
    assert message.message == "load cell of g1/0/1: dead"
    assert to_ns(message.header.stamp) == 5 * 10**9
    named = {PlateCondition[name] for name in ("UNKNOWN", "GOOD", "NOISY", "DRIFTING")}
    assert {int(c) for c in named} == {getattr(msg.SensorHealth, c.name) for c in named}
