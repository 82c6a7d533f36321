import math

import numpy as np
import pytest
from little_store import WEIGHTS_G, little_store

from walkout.interactions.attribution import AttributionParameters, Attributor
from walkout.interactions.evidence import EventEvidence, TrackEvidence
from walkout.interactions.types import InteractionKind, WeightEvent
from walkout.interactions.unweighed import UnweighedParameters, UnweighedReaches
from walkout.perception.types import Keypoint
from walkout.tracking.types import Shoppers, ShopperState, TrackState

STORE = little_store()
S = 1_000_000_000
DEAD = "g1/1/2"
REACH_S = (2.0, 3.0)


def shopper(track_id: int, lane_id: str | None) -> ShopperState:
    """Somebody before the gondola with the right hand in a lane, or hanging."""
    keypoints = np.full((12, 3), np.nan)
    body = np.array([0.7, 0.1])
    keypoints[Keypoint.RIGHT_WRIST] = [*body, 0.75] if lane_id is None else _in_lane(lane_id)
    mean = np.array([*body, 0.0, 0.0, 1.7])
    sds = np.full(12, 0.05)
    return ShopperState(track_id, TrackState.CONFIRMED, 1.0, mean, np.eye(5) * 0.01, keypoints, sds, 0.0)


def _in_lane(lane_id: str) -> np.ndarray:
    site = STORE.lane_sites[lane_id]
    return site.position + site.transform[:3, :3] @ np.array([0.1, 0.0, 0.15])


def frames(lane_id: str | None, seconds: tuple[float, float] = REACH_S, track_id: int = 1) -> list[Shoppers]:
    """Ten seconds at 10 Hz in which the hand is in the lane from one time to the other."""
    return [
        Shoppers(i * S // 10, (shopper(track_id, lane_id if seconds[0] <= i / 10 < seconds[1] else None),))
        for i in range(100)
    ]


def felt(lane_id: str, delta_g: float, at_s: float = 2.4) -> WeightEvent:
    onset_ns = int(at_s * 1e9)
    return WeightEvent(f"{lane_id}@{onset_ns}", "g1", (lane_id,), (delta_g,), onset_ns, onset_ns + S, delta_g, 1.0)


def asked(lane_id: str | None, events: tuple[WeightEvent, ...] = (), dead: tuple[str, ...] = (DEAD,)):
    watch = UnweighedReaches(UnweighedParameters(), AttributionParameters().reach, STORE)
    watch.set_dead("g1", dead)
    found = []
    for shoppers in frames(lane_id):
        watch.add(shoppers)
        for event in events:
            watch.felt(event)
        found += watch.take(shoppers.stamp_ns)
    return found


def test_a_reach_into_a_dead_lane_is_an_event_of_unknown_weight() -> None:
    (event,) = asked(DEAD)
    assert event.lane_ids == (DEAD,)
    assert not event.weighed
    assert event.onset_ns / S == pytest.approx(2.5, abs=0.1)


@pytest.mark.parametrize(
    ("what", "lane_id", "events", "dead"),
    [
        ("no hand at the shelf", None, (), (DEAD,)),
        ("a hand in a lane far from the dead one", "g1/0/0", (), (DEAD,)),
        ("every cell works", DEAD, (), ()),
        ("a piece moved in the lane beside it", DEAD, (felt("g1/1/1", -WEIGHTS_G[6]),), (DEAD,)),
    ],
)
def test_nothing_is_asked_when(what: str, lane_id: str | None, events: tuple[WeightEvent, ...], dead) -> None:
    assert asked(lane_id, events, dead) == [], what


@pytest.mark.parametrize(
    "event",
    [
        felt("g1/1/1", -5.0),
        felt("g1/1/1", -WEIGHTS_G[6], at_s=6.0),
        felt("g1/0/4", -WEIGHTS_G[4]),
    ],
    ids=["cross-talk of the dead plate", "long after the reach", "somebody else's, at the other end"],
)
def test_what_another_lane_felt_explains_a_reach_only_if_it_can(event: WeightEvent) -> None:
    assert len(asked(DEAD, (event,))) == 1


def test_both_hands_of_one_shopper_at_a_time_are_one_reach() -> None:
    watch = UnweighedReaches(UnweighedParameters(), AttributionParameters().reach, STORE)
    watch.set_dead("g1", [DEAD])
    for shoppers in frames(DEAD):
        (state,) = shoppers.shoppers
        state.keypoints[Keypoint.LEFT_WRIST] = state.keypoints[Keypoint.RIGHT_WRIST]
        watch.add(shoppers)
    assert len(watch.take(10 * S)) == 1
    assert not watch.waiting


def test_an_event_that_is_taken_back_explains_nothing() -> None:
    moved = felt("g1/1/1", -WEIGHTS_G[6])
    nothing = WeightEvent(moved.event_id, "g1", moved.lane_ids, (0.0,), moved.onset_ns, moved.end_ns, 0.0, 1.0)
    watch = UnweighedReaches(UnweighedParameters(), AttributionParameters().reach, STORE)
    watch.set_dead("g1", [DEAD])
    watch.felt(moved)
    watch.felt(nothing)
    for shoppers in frames(DEAD):
        watch.add(shoppers)
    assert len(watch.take(10 * S)) == 1


def test_a_lane_that_the_fixture_does_not_have_is_refused() -> None:
    watch = UnweighedReaches(UnweighedParameters(), AttributionParameters().reach, STORE)
    with pytest.raises(ValueError, match="g1 has no lanes"):
        watch.set_dead("g1", ["g1/9/9"])


def test_the_attribution_leaves_it_in_doubt_whether_a_piece_was_taken() -> None:
    attributor = Attributor(AttributionParameters(), STORE)
    attributor.set_dead_lanes("g1", [DEAD])
    told = []
    for shoppers in frames(DEAD, track_id=7):
        attributor.add_shoppers(shoppers)
        told += attributor.advance(shoppers.stamp_ns)
    assert told
    estimate = attributor.estimate_visit([7], 0, 10 * S)
    (sku,) = estimate.counts
    assert sku == "sku7"
    assert estimate.counts[sku][1] == pytest.approx(0.5, abs=0.1)
    assert {h.kind for h in told[-1].hypotheses if h.probability > 0.1} == {InteractionKind.TAKE, InteractionKind.TOUCH}


def test_its_evidence_survives_a_restart() -> None:
    (event,) = asked(DEAD)
    evidence = EventEvidence(event, (TrackEvidence(7, 3.0),))
    document = evidence.to_document()
    assert not any(isinstance(v, float) and not math.isfinite(v) for v in document["event"].values())
    again = EventEvidence.from_document(document)
    assert not again.event.weighed
    assert again.lane_id == DEAD
    attributor = Attributor(AttributionParameters(), STORE)
    attributor.restore(document)
    attributor.advance(10 * S)
    assert attributor.estimate_visit([7], 0, 10 * S).counts["sku7"][1] == pytest.approx(0.5, abs=0.1)
