from dataclasses import replace

import numpy as np
import pytest
from little_store import WEIGHTS_G, little_store

from walkout.interactions.attribution import AttributionParameters, Attributor
from walkout.interactions.bodies import BodyEvidence, Correction, correct, spread
from walkout.interactions.types import WeightEvent
from walkout.perception.types import Keypoint
from walkout.tracking.types import Revision, Shoppers, ShopperState, TrackState

STORE = little_store()
S = 1_000_000_000
LANE = "g1/1/2"
TAKEN_S, MET_S, TOLD_S = 4.0, 2.0, 8.0


def shopper(track_id: int, reaches: bool, doubt: float, revision: Revision | None = None) -> ShopperState:
    """One of two shoppers, who may be the other with this probability; the first stands at the gondola."""
    keypoints = np.full((12, 3), np.nan)
    body = np.array([0.7, 0.1]) if track_id == 1 else np.array([2.5, 1.0])
    site = STORE.lane_sites[LANE]
    inside = site.position + site.transform[:3, :3] @ np.array([0.1, 0.0, 0.15])
    keypoints[Keypoint.RIGHT_WRIST] = inside if reaches else [*body, 0.75]
    mean = np.array([*body, 0.0, 0.0, 1.7])
    state = ShopperState(track_id, TrackState.CONFIRMED, 1.0, mean, np.eye(5) * 0.01, keypoints, np.full(12, 0.05), 0.0)
    return replace(
        state,
        candidate_ids=(track_id, 3 - track_id),
        candidate_probabilities=(1 - doubt, doubt),
        revision=revision,
    )


def visit(exchanged: float | None, since_s: float = MET_S) -> Attributor:
    """The first takes a piece while nobody knows who he is; what is known later is told at TOLD_S."""
    attributor = Attributor(AttributionParameters(), STORE)
    for frame in range(120):
        now = frame / 10
        told = exchanged is not None and now == TOLD_S
        revisions = [
            Revision(int(since_s * S), (own, 3 - own), (1 - exchanged, exchanged)) if told else None for own in (1, 2)
        ]
        doubt = 0.5 if MET_S <= now < TOLD_S else 0.0
        first = shopper(1, TAKEN_S - 0.5 <= now < TAKEN_S + 0.5, doubt, revisions[0])
        attributor.add_shoppers(Shoppers(frame * S // 10, (first, shopper(2, False, doubt, revisions[1]))))
        if now == TAKEN_S + 1.5:
            delta_g, onset_ns = -WEIGHTS_G[7], int(TAKEN_S * S)
            attributor.add_event(WeightEvent("e", "g1", (LANE,), (delta_g,), onset_ns, onset_ns + S, delta_g, 1.0))
        attributor.advance(frame * S // 10)
    return attributor


def taken_by(attributor: Attributor) -> list[float]:
    return [attributor.estimate_visit([track], 0, 12 * S).counts.get("sku7", {}).get(1, 0.0) for track in (1, 2)]


def test_a_doubt_is_shared_by_both() -> None:
    assert taken_by(visit(None)) == pytest.approx([0.5, 0.5], abs=0.05)


@pytest.mark.parametrize(("exchanged", "wanted"), [(0.99, [0.01, 0.99]), (0.02, [0.98, 0.02]), (0.7, [0.3, 0.7])])
def test_what_was_done_in_doubt_is_given_to_whom_it_turns_out_to_have_been(exchanged, wanted) -> None:
    assert taken_by(visit(exchanged)) == pytest.approx(wanted, abs=0.05)


def test_what_was_done_before_the_meeting_stays_as_it_was() -> None:
    assert taken_by(visit(0.99, since_s=TAKEN_S + 1)) == pytest.approx([0.5, 0.5], abs=0.05)


def test_a_revision_holds_for_its_track_and_its_time_and_the_last_one_counts() -> None:
    body = BodyEvidence(1, 2.0, 1, ((1, 0.5), (2, 0.3), (3, 0.2)), ("c1",))
    first, last = Revision(0, (1, 2, 3), (0.2, 0.6, 0.2)), Revision(3, (1, 3), (0.9, 0.1))
    (known,) = correct([body], [Correction(1, first, 10)], 5)
    assert known == replace(body, identity=((1, 0.2), (2, 0.6), (3, 0.2)))
    (known,) = correct([body], [Correction(1, first, 10), Correction(1, last, 20)], 5)
    assert known.identity == ((1, 0.9), (3, 0.1))
    assert correct([body], [Correction(1, first, 10)], 11) == (body,)
    assert correct([body], [Correction(2, first, 10)], 5) == (body,)


def test_evidence_goes_to_the_heir() -> None:
    (found,) = spread([BodyEvidence(4, 2.0, 0, ((4, 1.0),), ())], {4: 1}, -7.0)
    assert (found.track_id, found.hand) == (1, 0)
    assert found.log_ratio == pytest.approx(2.0)
