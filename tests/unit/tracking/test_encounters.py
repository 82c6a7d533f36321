"""Shoppers who may have been mixed up: doubts, and how they are resolved."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tracked_scenes import Walker, confirmed, record, room, run

from walkout.store.model import Zone, ZoneKind
from walkout.tracking.association import Assignment, exchange_costs
from walkout.tracking.births import Birth
from walkout.tracking.encounters import Encounters
from walkout.tracking.identity import published_identity, shares_of
from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.track import Track, born, exchange_bodies, remember_looks
from walkout.tracking.tracker import MultiViewTracker
from walkout.tracking.types import Shoppers, TrackState

PARAMETERS = TrackerParameters()
RED, BLUE = np.eye(24)[0], np.eye(24)[1]
ENTRIES = [
    Zone("west", ZoneKind.ENTRY, ((0.0, 0.0), (1.2, 0.0), (1.2, 5.0), (0.0, 5.0))),
    Zone("east", ZoneKind.ENTRY, ((4.8, 0.0), (6.0, 0.0), (6.0, 5.0), (4.8, 5.0))),
]


def body(track_id: int, x: float, look: np.ndarray, stature: float = 1.7) -> Track:
    """Return a confirmed track that stands at x."""
    birth = Birth(np.array([x, 0.0, 0.0, 0.0, stature]), 0.01 * np.eye(5), 0.9, (("c0", 0), ("c1", 0)))
    track = born(track_id, birth, 0, True, set())
    track.state, track.appearance = TrackState.CONFIRMED, look
    return track


def rises(rise: float) -> np.ndarray:
    """Return what it costs two to swap detections."""
    return np.array([[np.inf, rise], [rise, np.inf]])


def meet(encounters: Encounters, first: Track, second: Track, rise: float) -> None:
    """Let two meet at time 0 to 3 s, where every frame after a dark second tells them apart by ``rise``."""
    for stamp in (0, int(1e9), *range(int(2e9), int(3e9), int(1e8))):
        encounters.watch([first, second], rises(rise), stamp)


def part(first: Track, second: Track, looks: tuple[np.ndarray, np.ndarray], sights: int = 60) -> None:
    """Let two walk apart and be seen in these clothes."""
    first.mean[0], second.mean[0] = 0.0, 3.0
    for track, look in zip((first, second), looks, strict=True):
        for _ in range(sights):
            remember_looks([track], look[None])
            track.learn_stature(track.stature)


def test_a_detection_may_be_the_others_who_has_none():
    cost = np.array([[-30.0, 5.0], [-20.0, 5.0], [90.0, 5.0]])
    matched = Assignment(np.array([0]), np.array([0]), cost)
    inf = np.inf
    np.testing.assert_array_equal(exchange_costs(matched), [[inf, 10, inf], [10, inf, inf], [inf, inf, inf]])


def test_who_met_while_nobody_saw_them_is_doubted_although_they_stand_apart():
    encounters, first, second = Encounters(PARAMETERS), body(1, 0.0, RED), body(2, 2.0, RED)
    encounters.watch([first, second], rises(90.0), int(1e8))
    assert encounters.settle(int(1e8)) == []
    assert not first.doubts
    encounters.watch([first, second], rises(1.0), int(3e9))
    encounters.settle(int(3e9))
    assert published_identity(first)[1][1] > 0.3


def test_who_cannot_be_told_apart_is_doubted_at_once_and_for_good():
    encounters, first, second = Encounters(PARAMETERS), body(1, 0.0, RED), body(2, 0.5, RED)
    meet(encounters, first, second, 0.0)
    assert encounters.settle(int(3e9)) == []
    assert published_identity(first) == ((1, 2), (pytest.approx(0.5, abs=0.05), pytest.approx(0.5, abs=0.05)))
    part(first, second, (RED, RED))
    assert encounters.settle(int(5e9)) == []
    assert not first.doubts
    assert first.identity[2] == pytest.approx(second.identity[1])
    assert first.identity[2] == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("swapped", [False, True])
def test_clothing_seen_afterwards_resolves_the_doubt(swapped):
    encounters, first, second = Encounters(PARAMETERS), body(1, 0.0, RED), body(2, 0.5, BLUE)
    meet(encounters, first, second, 0.0)
    encounters.settle(int(3e9))
    assert published_identity(first)[1][1] > 0.3
    part(first, second, (BLUE, RED) if swapped else (RED, BLUE))
    assert encounters.settle(int(5e9)) == ([(first, second)] if swapped else [])
    if swapped:
        exchange_bodies(first, second)
    assert published_identity(first) == ((1,), (pytest.approx(1.0, abs=0.01),))
    assert first.appearance @ RED > 0.9


def test_stature_seen_afterwards_resolves_the_doubt():
    encounters, first, second = Encounters(PARAMETERS), body(1, 0.0, RED, 1.9), body(2, 0.5, RED, 1.6)
    meet(encounters, first, second, 0.0)
    first.stature, second.stature = second.stature, first.stature
    part(first, second, (RED, RED))
    assert encounters.settle(int(5e9)) == [(first, second)]


def test_who_was_never_in_doubt_stays_certain():
    encounters, first, second = Encounters(PARAMETERS), body(1, 0.0, RED), body(2, 0.5, RED)
    meet(encounters, first, second, 60.0)
    part(first, second, (RED, RED))
    encounters.settle(int(5e9))
    assert published_identity(first) == ((1,), (1.0,))


def test_a_doubt_outlives_the_one_who_is_lost():
    encounters, first, second = Encounters(PARAMETERS), body(1, 0.0, RED), body(2, 0.5, RED)
    meet(encounters, first, second, 0.0)
    second.state = TrackState.LOST
    for now in range(int(3e9), int(12e9), int(5e8)):
        assert encounters.settle(now) == []
        for track in (first, second):
            assert published_identity(track)[1][1] == pytest.approx(0.5, abs=0.05)
    second.state = TrackState.CLOSED
    encounters.settle(int(12e9))
    assert not first.doubts
    assert first.identity[2] == pytest.approx(0.5, abs=0.05)


@given(arrays(float, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=st.floats(-60, 60)))
@settings(max_examples=50, deadline=None)
def test_nobody_is_two_and_no_two_are_the_same(odds):
    shares = shares_of(odds)
    assert (shares >= 0).all()
    assert (shares.sum(axis=1) <= 1 + 1e-9).all()
    if max(odds.shape) <= 4 and min(odds.shape) > 1:
        assert (shares.sum(axis=0) <= 1 + 1e-9).all()


def test_a_name_that_fits_another_stranger_better_is_not_claimed_by_both():
    assert shares_of(np.array([[3.0, 3.0], [6.0, -20.0]]))[0, 1] > 0.9


def exchange_in_the_dark(looks: tuple[int, int]) -> list[Shoppers]:
    """Return the snapshots of two who meet, change sides while nobody sees them for two seconds, and go back."""

    def place(side: float):
        def at(t: float) -> tuple[float, float] | None:
            if 3.0 < t < 5.0:
                return None
            if t <= 3.0:
                return 3.0 + side * (2.4 - 0.73 * t), 2.5
            return 3.0 - side * min(0.2 + 0.5 * (t - 5.0), 1.2), 2.5

        return at

    walkers = [Walker(place(-1.0), look=looks[0]), Walker(place(1.0), look=looks[1])]
    return run(MultiViewTracker(PARAMETERS, room(), ENTRIES), record(walkers, 11))


def test_who_changes_sides_in_the_dark_is_known_again_by_his_clothes():
    snapshots = exchange_in_the_dark((1, 2))
    sides = {s.track_id: s.mean[0] > 3.0 for s in confirmed(snapshots[20])}
    last = {s.track_id: s for s in confirmed(snapshots[-3])}
    assert last.keys() == sides.keys()
    for track_id, state in last.items():
        assert (state.mean[0] > 3.0) != sides[track_id]
        assert state.candidate_probabilities[0] > 0.9


def test_an_older_doubt_that_was_never_settled_is_not_revised_away():
    encounters, first, second = Encounters(PARAMETERS), body(1, 0.0, RED), body(2, 0.5, BLUE)
    first.identity, second.identity = {1: 0.6, 2: 0.4}, {2: 0.6, 1: 0.4}
    meet(encounters, first, second, 0.0)
    assert encounters.settle(int(1e9)) == []
    part(first, second, (RED, BLUE))
    encounters.settle(int(20e9))
    for track in (first, second):
        assert track.revision is not None
        assert track.revision.candidate_probabilities[0] == pytest.approx(0.6, abs=0.05)
    encounters.settle(int(21e9))
    assert first.revision is None


@pytest.mark.parametrize("hidden", [0, 1])
def test_who_is_hidden_by_another_is_no_duplicate_and_known_again_afterwards(hidden):
    """Two who came in apart stand close; for two seconds cameras see one of them alone, then both walk back."""

    def place(number: int):
        side = 2 * number - 1

        def at(t: float) -> tuple[float, float] | None:
            if number == hidden and 4.0 < t < 6.0:
                return None
            return 3.0 + side * max(0.15, 2.4 - 0.75 * t, min(0.8 * (t - 6.5), 1.2)), 2.5

        return at

    frames = record([Walker(place(0), look=1), Walker(place(1), look=2)], 10)
    snapshots = run(MultiViewTracker(PARAMETERS, room(), ENTRIES), frames)
    sides = {s.track_id: s.mean[0] > 3.0 for s in confirmed(snapshots[20])}
    assert len(sides) == 2
    assert len(confirmed(snapshots[57])) == 1
    for snapshot in snapshots[75:-1]:
        assert {s.track_id for s in confirmed(snapshot)} == sides.keys()
    assert {s.track_id: s.mean[0] > 3.0 for s in confirmed(snapshots[-2])} == sides


def test_who_looks_alike_is_not_claimed_to_be_known_after_the_dark():
    snapshots = exchange_in_the_dark((1, 1))
    ids = {s.track_id for s in confirmed(snapshots[20])}
    last = confirmed(snapshots[-3])
    assert len(last) == 2
    for state in last:
        named = dict(zip(state.candidate_ids, state.candidate_probabilities, strict=True))
        assert all(0.1 < named.get(i, 0.0) < 0.9 for i in ids), named
