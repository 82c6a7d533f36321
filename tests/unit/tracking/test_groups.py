"""Who came together: from how they came in and how they move."""

import dataclasses

import numpy as np
import pytest

from walkout.tracking.groups import GroupFinder, GroupParameters
from walkout.tracking.types import Shoppers, ShopperState, TrackState

SECOND = 1_000_000_000
CLOSE = GroupParameters(bias=-2.0, gap_weight=-0.2, near_weight=6.0, alike_weight=0.0)


def state(track_id, x, y, vx=0.5, vy=0.0, from_entry=True, life=TrackState.CONFIRMED):
    mean = np.array([x, y, vx, vy, 1.7])
    nothing = np.full((12, 3), np.nan)
    return ShopperState(track_id, life, 1.0, mean, np.eye(5), nothing, np.ones(12), 0.0, from_entry=from_entry)


def watch(finder, seconds, people, start_s=0.0):
    """Feed ten snapshots a second; ``people(t)`` returns the states at t seconds. Return the last snapshot."""
    for tick in range(int(seconds * 10)):
        t = start_s + tick / 10
        last = finder.update(Shoppers(int(t * SECOND), tuple(people(t))))
    return {s.track_id: s for s in last.shoppers}


def couple_and_stranger(t):
    yield state(4, 0.5 * t, 0.0)
    if t > 2:
        yield state(7, 0.5 * t - 0.8, 0.0)
    if t > 15:
        yield state(9, 0.5 * t, 4.0)


def test_a_couple_is_a_group_and_a_stranger_is_not_in_it():
    last = watch(GroupFinder(), 40.0, couple_and_stranger)
    assert (last[4].group_id, last[7].group_id, last[9].group_id) == (4, 4, 0)
    assert last[4].group_probability == last[7].group_probability > 0.6
    assert last[9].group_probability == 0.0


def test_the_probability_by_hand():
    finder = GroupFinder(CLOSE)

    def people(t):
        yield state(1, 0.0, 0.0)
        if t >= 3.0:
            yield state(2, 1.0, 0.0)

    watch(finder, 13.01, people)
    # Together from 3 s on, give or take a look of 0.2 s, always near; 10 s are assumed apart.
    both = 13.0 - 3.0
    expected = 1 / (1 + np.exp(-(-2.0 - 0.2 * 3.0 + 6.0 * both / (both + 10.0))))
    assert finder.probability(1, 2) == finder.probability(2, 1) == pytest.approx(expected, abs=0.015)


def test_the_nearer_they_keep_and_the_closer_they_came_in_the_more_probable():
    found = {}
    for gap in (1.0, 8.0):
        for apart in (1.0, 5.0):
            finder = GroupFinder(CLOSE)
            watch(finder, 25.0, lambda t, g=gap, a=apart: [state(1, 0, 0), *([state(2, a, 0)] if t > g else [])])
            found[gap, apart] = finder.probability(1, 2)
    assert found[1.0, 1.0] > found[8.0, 1.0] > found[8.0, 5.0]
    assert found[1.0, 1.0] > found[1.0, 5.0]


def test_friends_of_friends_are_one_group_under_the_smallest_id():
    def row(t):
        return [state(i, 1.2 * k, 0.0) for k, i in enumerate((12, 5, 30))]

    last = watch(GroupFinder(CLOSE), 30.0, row)
    # 12 and 30 are 2.4 m apart: 5 between them ties them together.
    assert {s.group_id for s in last.values()} == {5}


def test_who_has_been_together_briefly_is_no_group_yet():
    finder = GroupFinder(dataclasses.replace(CLOSE, bias=5.0))
    assert watch(finder, 2.9, lambda t: [state(1, 0, 0), state(2, 1, 0)])[1].group_id == 0
    assert watch(finder, 2.0, lambda t: [state(1, 0, 0), state(2, 1, 0)], 2.9)[1].group_id == 1


def test_a_body_of_which_nobody_saw_the_entry_is_not_tied_to_one_that_came_in():
    last = watch(GroupFinder(CLOSE), 30.0, lambda t: [state(1, 0, 0), state(2, 1, 0, from_entry=False)])
    assert [s.group_id for s in last.values()] == [0, 0]


def test_lost_shoppers_keep_their_group_and_closed_ones_are_forgotten():
    finder = GroupFinder(CLOSE)
    watch(finder, 30.0, lambda t: [state(1, 0, 0), state(2, 1, 0)])
    lost = watch(finder, 1.0, lambda t: [state(1, 0, 0), state(2, 1, 0, life=TrackState.LOST)], 30.0)
    assert lost[2].group_id == 1
    gone = watch(finder, 1.0, lambda t: [state(1, 0, 0)], 31.0)
    assert gone[1].group_id == 0
    assert finder.pairs() == []
    watch(finder, 30.0, lambda t: [state(1, 0, 0), state(2, 1, 0)], 32.0)
    finder.clear()
    assert finder.probability(1, 2) == 0.0


def test_a_clock_that_goes_back_does_no_harm():
    finder = GroupFinder(CLOSE)
    watch(finder, 10.0, lambda t: [state(1, 0, 0), state(2, 1, 0)], 100.0)
    last = watch(finder, 30.0, lambda t: [state(1, 0, 0), state(2, 1, 0)])
    assert last[1].group_id == 1


@pytest.mark.parametrize("wrong", [{"near_m": 0.0}, {"gap_weight": 1.0}, {"settle_s": 0.0}])
def test_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="is not within"):
        GroupParameters(**wrong)
