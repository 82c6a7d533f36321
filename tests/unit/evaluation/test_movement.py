import numpy as np
import pytest

from walkout.evaluation.movement import Movement
from walkout.simulation.truth import TrueShopper
from walkout.tracking.types import Shoppers, ShopperState, TrackState

MS = 1_000_000


def person(number, x, y, inside=True):
    joints = np.tile([x, y, 1.0], (12, 1))
    return TrueShopper(number, number, np.array([x, y]), np.zeros(2), 0.0, joints, joints[:2], inside)


def track(number, x, y, state=TrackState.CONFIRMED):
    mean = np.array([x, y, 0, 0, 1.7])
    return ShopperState(number, state, 1.0, mean, np.eye(5), np.full((12, 3), np.nan), np.full(12, np.nan), 0.0)


def test_truth_lies_between_the_notes():
    movement = Movement()
    movement.note_truth(0, [person(1, 0.0, 0.0), person(2, 5.0, 5.0)])
    movement.note_truth(100 * MS, [person(1, 1.0, 2.0), person(3, 9.0, 9.0)])
    middle = movement.truth_at(25 * MS)
    # Who is in one note only is nowhere between them.
    assert middle.ids.tolist() == [1]
    assert middle.positions[0] == pytest.approx([0.25, 0.5])
    assert middle.wrists[0, 0] == pytest.approx([0.25, 0.5, 1.0])
    assert movement.truth_at(100 * MS).ids.tolist() == [1, 3]
    assert movement.truth_at(101 * MS) is None
    assert movement.truth_at(-1) is None


def test_notes_are_ten_a_second_and_of_confirmed_tracks():
    movement = Movement()
    assert movement.due(0)
    movement.note_truth(0, [])
    assert not movement.due(99 * MS)
    assert movement.due(100 * MS)
    stamps = [0, 50 * MS, 100 * MS]
    movement.note_tracks(Shoppers(s, (track(1, 0, 0), track(2, 1, 1, TrackState.LOST))) for s in stamps)
    assert [placed.stamp_ns for placed in movement.tracks] == [0, 100 * MS]
    assert movement.tracks[0].ids.tolist() == [1]


def test_people_outside_and_their_tracks_do_not_count():
    movement = Movement()
    movement.note_truth(0, [person(1, 0.0, 0.0), person(2, 3.0, 0.0, inside=False)])
    movement.note_tracks([Shoppers(0, (track(7, 0.1, 0.0), track(8, 3.2, 0.0), track(9, 6.0, 0.0)))])
    (compared,) = movement.compare()
    assert compared.truth.ids.tolist() == [1]
    # 8 follows the one outside; 9 follows nobody and stays, as a mistake.
    assert compared.tracks.ids.tolist() == [7, 9]


def test_a_shopper_at_the_gate_keeps_their_track_beside_somebody_outside():
    movement = Movement()
    movement.note_truth(0, [person(1, 0.0, 0.0), person(2, 0.8, 0.0, inside=False)])
    movement.note_tracks([Shoppers(0, (track(7, 0.1, 0.0),))])
    (compared,) = movement.compare()
    assert compared.tracks.ids.tolist() == [7]
