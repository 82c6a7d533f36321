"""MOTA, IDF1, HOTA and error against cases counted by hand and against a second library."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trackeval.metrics import CLEAR, Identity

from walkout.evaluation.tracking_metrics import score_tracks, trackeval_data
from walkout.evaluation.tracking_sequence import Places


def along(identity: int, frames: range, y: float, shift: float = 0.0) -> dict[int, list[tuple[int, float, float]]]:
    """One walker along x at 1 m per frame."""
    return {frame: [(identity, frame + shift, y)] for frame in frames}


def merged(*parts: dict[int, list[tuple[int, float, float]]]) -> dict[int, Places]:
    frames = sorted({frame for part in parts for frame in part})
    return {frame: Places.of([item for part in parts for item in part.get(frame, [])]) for frame in frames}


FRAMES = range(10)


def test_perfect_tracks_score_one() -> None:
    truth = merged(along(1, FRAMES, 0.0), along(2, FRAMES, 5.0))
    score = score_tracks(truth, truth, FRAMES, 1.0)
    assert (score.mota, score.idf1, score.hota, score.error_m) == pytest.approx((1, 1, 1, 0))


def test_one_missed_frame_one_false_place_and_the_error() -> None:
    truth = merged(along(1, FRAMES, 0.0))
    tracks = merged(along(7, range(9), 0.0, shift=0.26), {4: [(8, 50.0, 50.0)]})
    score = score_tracks(truth, tracks, FRAMES, 1.0)
    assert (score.misses, score.false_positives, score.switches) == (1, 1, 0)
    assert score.mota == pytest.approx(1 - 2 / 10)
    assert score.idf1 == pytest.approx(2 * 9 / (10 + 10))
    assert score.error_m == pytest.approx(0.26)
    # Similarity 1 - 0.26 / 2 = 0.87, so of the 19 levels 0.05 .. 0.95 the first 17 accept the 9 matches. At those,
    # detection is 9 / (9 + 1 + 1) and association 9 / (9 + 1 + 0).
    assert score.hota == pytest.approx(17 / 19 * math.sqrt(9 / 11 * 9 / 10))


def test_a_swap_costs_two_switches_and_half_the_identities() -> None:
    truth = merged(along(1, FRAMES, 0.0), along(2, FRAMES, 5.0))
    before, after = range(5), range(5, 10)
    tracks = merged(along(7, before, 0.0), along(8, before, 5.0), along(8, after, 0.0), along(7, after, 5.0))
    score = score_tracks(truth, tracks, FRAMES, 1.0)
    assert score.switches == 2
    assert score.mota == pytest.approx(1 - 2 / 20)
    assert score.idf1 == pytest.approx(0.5)
    # Every match has 5 frames in common with its track, 5 that the person and 5 that the track spends elsewhere.
    assert score.hota == pytest.approx(math.sqrt(1 / 3))


def test_who_stands_further_than_the_threshold_is_not_found() -> None:
    truth = merged(along(1, FRAMES, 0.0))
    tracks = merged(along(7, FRAMES, 0.7))
    assert score_tracks(truth, tracks, FRAMES, 1.0).mota == pytest.approx(1.0)
    lost = score_tracks(truth, tracks, FRAMES, 0.5)
    assert (lost.mota, lost.idf1, lost.misses, lost.false_positives) == pytest.approx((-1.0, 0.0, 10, 10))
    assert math.isnan(lost.error_m)


def test_no_tracks_at_all_score_zero() -> None:
    score = score_tracks(merged(along(1, FRAMES, 0.0)), {}, FRAMES, 1.0)
    assert (score.mota, score.idf1, score.hota, score.misses) == (0, 0, 0, 10)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.5, 1.0]))
def test_two_libraries_agree(seed: int, threshold: float) -> None:
    """IDF1 of motmetrics and of trackeval are the same; CLEAR's counts too, as nobody has a choice of partners here."""
    rng = np.random.default_rng(seed)
    truth, tracks = {}, {}
    for frame in range(20):
        people = [(i, frame * 0.1, 4.0 * i) for i in range(4) if rng.random() < 0.9]
        order = [3, 1, 2, 0] if frame > 12 else [0, 1, 2, 3]
        found = [(10 + order[i], x + rng.normal(0, 0.3), y) for i, x, y in people if rng.random() < 0.8]
        truth[frame], tracks[frame] = Places.of(people), Places.of(found)
    score = score_tracks(truth, tracks, range(20), threshold)
    data = trackeval_data(truth, tracks, range(20), threshold)
    assert score.idf1 == pytest.approx(Identity({"PRINT_CONFIG": False}).eval_sequence(data)["IDF1"])
    clear = CLEAR({"PRINT_CONFIG": False}).eval_sequence(data)
    assert (score.misses, score.false_positives, score.switches) == (clear["CLR_FN"], clear["CLR_FP"], clear["IDSW"])
