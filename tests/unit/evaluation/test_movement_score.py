import dataclasses

import numpy as np
import pytest

from walkout.evaluation.movement import Compared, Movement, Placed
from walkout.evaluation.movement_score import MovementFigures, Reach, reach_errors, score_movement, wrist_errors
from walkout.evaluation.tracking_metrics import score_tracks
from walkout.evaluation.tracking_sequence import Places

PERIOD = 100_000_000


def placed(time, people, wrists=None):
    """People as {id: (x, y)}; all wrists at one place unless given as (n, 2, 3)."""
    ids = np.array(list(people), dtype=np.int64)
    positions = np.array(list(people.values()), dtype=float).reshape(-1, 2)
    hands = np.zeros((len(ids), 2, 3)) if wrists is None else np.array(wrists, dtype=float).reshape(-1, 2, 3)
    return Placed(time * PERIOD, ids, positions, hands, np.ones(len(ids), dtype=bool))


def walk(truth, tracks):
    return Movement([placed(t, people) for t, people in enumerate(truth)], [placed(t, p) for t, p in enumerate(tracks)])


def test_a_switch_by_hand():
    truth = [{1: (0, 0)}] * 4
    tracks = [{7: (0.1, 0)}, {7: (0.3, 0)}, {8: (0.1, 0)}, {8: (0.3, 0), 9: (5, 5)}]
    found = score_movement(walk(truth, tracks))
    assert (found.people, found.found, found.misses, found.false_positives, found.switches) == (4, 5, 0, 1, 1)
    assert found.mota == pytest.approx(1 - 2 / 4)
    # The better identity holds two of four places, of which five were told.
    assert found.idf1 == pytest.approx(2 * 2 / (4 + 5))
    assert found.to_json()["error_cm"] == pytest.approx(20)


def test_sums_over_runs_are_those_of_one_run_with_other_people():
    one = walk([{1: (0, 0)}] * 3, [{7: (0.1, 0)}, {7: (0.1, 0)}, {8: (0.1, 0)}])
    two = walk([{2: (0, 0), 3: (4, 0)}] * 2, [{1: (0.2, 0)}, {1: (0.2, 0), 2: (4, 0.2)}])
    total = score_movement(one) + score_movement(two)
    truth = [{1: (0, 0)}] * 3 + [{2: (0, 0), 3: (4, 0)}] * 2
    tracks = [{7: (0.1, 0)}, {7: (0.1, 0)}, {8: (0.1, 0)}, {21: (0.2, 0)}, {21: (0.2, 0), 22: (4, 0.2)}]

    def places(frames):
        return {n: Places.of([(i, *xy) for i, xy in people.items()]) for n, people in enumerate(frames)}

    together = score_tracks(places(truth), places(tracks), range(5), 1.0)
    assert total.mota == pytest.approx(together.mota)
    assert total.idf1 == pytest.approx(together.idf1)
    assert total.error_sum_m / (total.people - total.misses) == pytest.approx(together.error_m)


def test_wrists_of_matched_shoppers():
    truth = placed(0, {1: (0, 0), 2: (5, 0)}, [[[0, 0, 1], [1, 0, 1]], [[5, 0, 1], [6, 0, 1]]])
    hands = [[[0, 0.03, 1], [np.nan] * 3], [[9, 9, 9], [9, 9, 9]]]
    tracks = placed(0, {7: (0.1, 0), 8: (3, 0)}, hands)
    # 8 is two metres off: its wrists do not count.
    count, errors = wrist_errors([Compared(truth, tracks)])
    assert count == 2
    assert errors == pytest.approx((0.03,))
    figures = dataclasses.replace(MovementFigures(), wrists=count, wrist_errors_m=errors).to_json()
    assert figures["wrist_error_cm"] == pytest.approx(3)
    assert figures["wrist_known"] == 0.5


def test_reaching_wrists_are_those_nearer_to_the_lane():
    truth = placed(5, {1: (0, 0), 2: (5, 0)}, [[[0, 0, 1], [0.5, 0, 1]], [[5, 0, 1], [6, 0, 1]]])
    hands = [[[0, 0.4, 1], [0.5, 0.06, 1]], [[5, 0.3, 1], [6, 0.3, 1]]]
    pair = Compared(truth, placed(5, {7: (0.1, 0), 8: (5, 0)}, hands))
    lane = np.array([1.0, 0, 1])
    during = Reach(1, 4 * PERIOD, 6 * PERIOD, lane)
    assert reach_errors([pair], [during]) == pytest.approx((0.06,))
    assert reach_errors([pair], [Reach(1, 6 * PERIOD, 9 * PERIOD, lane), Reach(3, 0, 9 * PERIOD, lane)]) == ()
    figures = MovementFigures(reach_errors_m=(0.06, 0.02)) + MovementFigures(reach_errors_m=(0.04,))
    assert figures.to_json()["reaching_wrist_error_cm"] == pytest.approx(4)


def test_an_empty_store_has_false_positives_alone():
    found = score_movement(walk([{}] * 2, [{7: (0, 0)}, {}]))
    assert (found.people, found.false_positives) == (0, 1)
    assert found.to_json()["error_cm"] is None
