"""Groups against who paid for whom, counted by hand."""

import numpy as np
import pytest

from walkout.evaluation.belief_score import right_identities
from walkout.evaluation.group_score import GroupWatch, group_figures
from walkout.evaluation.movement import Compared, Placed
from walkout.evaluation.statistics import Claim
from walkout.tracking.groups import GroupFinder
from walkout.tracking.types import Shoppers, ShopperState, TrackState


def state(track_id, x):
    mean, nothing = np.array([x, 0.0, 0.6, 0.0, 1.7]), np.full((12, 3), np.nan)
    return ShopperState(
        track_id, TrackState.CONFIRMED, 1.0, mean, np.eye(5), nothing, np.ones(12), 0.0, from_entry=True
    )


def placed(ids, places):
    positions = np.array([(x, 0.0) for x in places])
    return Placed(0, np.array(ids), positions, np.zeros((len(ids), 2, 3)), np.ones(len(ids), bool))


def test_figures_by_hand():
    claims = [Claim(0.9, True), Claim(0.4, True), Claim(0.6, False), Claim(0.4, False), Claim(0.1, False)]
    # 0.9 beats all three; 0.4 beats one, ties with one and loses to one: (3 + 1.5) of 6.
    assert group_figures(claims) == {"pairs": 5, "together": 2, "auc": 0.75, "precision": 0.5, "recall": 0.5}


def test_without_groups_or_without_pairs_nothing_is_told():
    assert group_figures([Claim(0.2, False)])["auc"] is None
    assert group_figures([Claim(0.2, False)])["recall"] is None
    assert group_figures([])["precision"] is None


def test_pairs_are_of_people_and_their_parties():
    finder = GroupFinder()
    watch = GroupWatch(finder)
    for tick in range(300):
        people = [state(7, 0.0), state(8, 0.8), state(9, 6.0 + 0.01 * tick)]
        finder.update(Shoppers(tick * 100_000_000, tuple(people[: 2 if tick < 100 else 3])))
        watch.note()
    finder.update(Shoppers(30_100_000_000, ()))  # all have left: the last word stays
    watch.note()
    # Track 9 is a person of whom nothing is known, 8 is person 2, who came with person 1.
    claims = watch.claims({1: 7, 2: 8}, {1: 1, 2: 1})
    assert [c.right for c in claims] == [True]
    assert claims[0].probability > 0.5
    apart = watch.claims({1: 7, 2: 8, 3: 9}, {1: 1, 2: 1, 3: 3})
    assert [c.right for c in apart] == [True, False, False]
    assert max(c.probability for c in apart[1:]) < 0.5


def test_the_right_identity_is_the_first_of_a_person():
    first = Compared(placed([1, 2], [0.0, 5.0]), placed([7, 8], [0.1, 5.0]))
    later = Compared(placed([1, 2, 3], [0.0, 5.0, 9.0]), placed([9, 7, 8], [0.0, 5.0, 9.0]))
    assert right_identities([first, later]) == {1: 7, 2: 8}
    assert right_identities([]) == pytest.approx({})
