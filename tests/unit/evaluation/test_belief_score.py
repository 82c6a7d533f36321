"""How honest the tracker is, against cases counted by hand."""

import numpy as np
import pytest

from walkout.evaluation.belief_score import BeliefFigures, WristSample, honesty, score_beliefs
from walkout.evaluation.movement import Beliefs, Compared, Movement, Placed
from walkout.evaluation.movement_score import score_movement
from walkout.evaluation.statistics import Claim
from walkout.tracking.types import Shoppers, ShopperState, TrackState


def people(*ids_and_x, wrists=None):
    ids = np.array([i for i, _ in ids_and_x])
    places = np.array([(x, 0.0) for _, x in ids_and_x]).reshape(-1, 2)
    hands = np.zeros((len(ids), 2, 3)) if wrists is None else np.array(wrists, dtype=float)
    return Placed(0, ids, places, hands, np.ones(len(ids), dtype=bool))


def tracks(*rows, wrists=None, sd=None, views=None, covariance=None):
    """Rows are id, x and the identities told."""
    count = len(rows)
    beliefs = Beliefs(
        np.tile(np.eye(2) if covariance is None else covariance, (count, 1, 1)),
        np.full((count, 2), np.nan) if sd is None else np.array(sd, dtype=float),
        np.array(views or [3] * count),
        tuple(told for _, _, told in rows),
    )
    plain = people(*[(i, x) for i, x, _ in rows], wrists=wrists)
    return Placed(0, plain.ids, plain.positions, plain.wrists, plain.inside, beliefs)


def test_the_error_of_a_place_counts_in_units_of_its_covariance():
    covariance = [[0.04, 0.0], [0.0, 0.01]]
    found = score_beliefs([Compared(people((1, 0.0)), tracks((7, 0.4, ()), covariance=covariance))])
    assert found.place_errors_m == pytest.approx((0.4,))
    assert found.place_nees == pytest.approx((0.16 / 0.04,))
    assert found.to_json()["place_error_cm_p50"] == pytest.approx(40)
    assert found.to_json()["place_nees"]["nees_per_dof"] == pytest.approx(2.0)
    assert found.to_json()["place_nees"]["within_95"] == 1.0


def test_wrists_count_by_the_cameras_bound_to_their_shopper():
    truth = people((1, 0.0), (2, 5.0), wrists=[[[0, 0, 1], [1, 0, 1]], [[5, 0, 1], [6, 0, 1]]])
    hands = [[[0, 0.06, 1], [np.nan] * 3], [[5, 0, 1.04], [6, 0.02, 1]]]
    told = tracks((7, 0.0, ()), (8, 5.0, ()), wrists=hands, sd=[[0.03, np.nan], [0.02, 0.02]], views=[1, 4])
    found = score_beliefs([Compared(truth, told)])
    assert found.wrists == (WristSample(0.06, 4.0, 1), WristSample(0.04, 4.0, 4), WristSample(0.02, 1.0, 4))
    rows = found.to_json()["wrists_by_views"]
    assert (rows["1"]["count"], rows["2"]["count"], rows["3+"]["count"]) == (1, 0, 2)
    assert rows["1"]["error_cm_p50"] == pytest.approx(6)
    assert rows["3+"]["error_cm_p50"] == pytest.approx(3)
    assert rows["3+"]["nees_per_dof"] == pytest.approx(2.5 / 3, abs=0.01)
    assert rows["2"]["error_cm_p50"] is None


def test_honest_noise_is_found_honest_and_boasting_is_not():
    rng = np.random.default_rng(1)
    for dof in (2, 3):
        nees = (rng.normal(size=(20000, dof)) ** 2).sum(axis=1)
        told = honesty(nees.tolist(), dof)
        assert told["nees_per_dof"] == pytest.approx(1.0, abs=0.03)
        assert told["nees_median_ratio"] == pytest.approx(1.0, abs=0.03)
        assert told["within_95"] == pytest.approx(0.95, abs=0.01)
        assert honesty((4 * nees).tolist(), dof)["within_95"] < 0.8


def test_a_person_s_right_identity_is_the_first_that_began_on_them():
    first = Compared(people((1, 0.0), (2, 5.0)), tracks((7, 0.0, ((7, 1.0),)), (8, 5.0, ((8, 1.0),))))
    # They have crossed and the tracker has not noticed, but doubts it.
    swapped = Compared(
        people((1, 5.0), (2, 0.0)), tracks((7, 0.0, ((7, 0.6), (8, 0.4))), (8, 5.0, ((8, 0.6), (7, 0.4))))
    )
    found = score_beliefs([first, swapped])
    assert found.identities[:2] == (Claim(1.0, True), Claim(1.0, True))
    assert sorted((c.probability, c.right) for c in found.identities[2:]) == [
        (0.4, True),
        (0.4, True),
        (0.6, False),
        (0.6, False),
    ]
    figures = found.to_json()
    # Two claims of 1 are right, two of 0.6 wrong, two of 0.4 right: (2 * 0 + 2 * 0.6 + 2 * 0.6) / 6.
    assert figures["identity_calibration_error"] == pytest.approx(0.4)
    assert figures["identity_claims"] == 6
    assert figures["identity_doubtful"] == {"count": 4, "mean_probability": 0.5, "share_right": 0.5}


def test_a_new_track_on_a_known_person_is_wrong_to_call_itself_new():
    begun = Compared(people((1, 0.0)), tracks((7, 0.0, ((7, 1.0),))))
    lost = Compared(people((1, 1.0)), tracks((9, 1.0, ((9, 0.3), (7, 0.7)))))
    found = score_beliefs([begun, lost])
    assert found.identities == (Claim(1.0, True), Claim(0.3, False), Claim(0.7, True))


def test_who_is_first_seen_under_another_s_identity_has_none_yet():
    begun = Compared(people((1, 0.0)), tracks((7, 0.0, ((7, 1.0),))))
    taken = Compared(people((1, 9.0), (2, 0.0)), tracks((7, 0.0, ((7, 0.9),))))
    assert score_beliefs([begun, taken]).identities[-1] == Claim(0.9, False)


def test_what_the_tracker_publishes_reaches_the_figures_and_adds_up():
    mean = np.array([0.1, 0.0, 0.0, 0.0, 1.7])
    keypoints = np.full((12, 3), np.nan)
    keypoints[6] = 0.0, 0.0, 1.0
    state = ShopperState(
        7,
        TrackState.CONFIRMED,
        1.0,
        mean,
        0.01 * np.eye(5),
        keypoints,
        np.full(12, 0.05),
        0.0,
        ("a", "b"),
        (7,),
        (1.0,),
    )
    movement = Movement()
    movement.truth.append(people((1, 0.0), wrists=[[[0, 0, 1.05], [0, 0, 1]]]))
    movement.note_tracks([Shoppers(0, (state,))])
    figures = score_movement(movement)
    told = (figures + figures).to_json()
    assert told["wrists_by_views"]["2"]["count"] == 2
    assert told["wrists_by_views"]["2"]["nees_per_dof"] == pytest.approx(1 / 3, abs=0.01)
    assert told["place_nees"]["nees_per_dof"] == pytest.approx(0.5)
    assert told["identity_claims"] == 2


def test_of_nothing_nothing_is_told():
    told = BeliefFigures().to_json()
    assert told["place_error_cm_p50"] is None
    assert told["place_nees"]["within_95"] is None
    assert told["identity_calibration_error"] is None
    assert told["identity_doubtful"]["share_right"] is None
