"""Windows for a second look hold shoppers, and whom they show is found again among the first look's."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from walkout.perception.closer_look import ZOOM, adopt, windows

SIZE = (640, 480)


def box(x: float, y: float, width: float, height: float) -> list[float]:
    return [x, y, x + width, y + height]


small_boxes = st.lists(
    st.builds(box, st.floats(0, 600), st.floats(0, 400), st.floats(10, 120), st.floats(20, 150)), min_size=1, max_size=8
).map(lambda given: np.minimum(np.array(given, np.float32), np.array([639, 479, 639, 479], np.float32)))


@given(small_boxes, st.integers(1, 8))
def test_windows_lie_in_the_picture_and_hold_everybody_small_when_there_are_enough(
    boxes: np.ndarray, most: int
) -> None:
    chosen = windows(boxes, *SIZE, most)
    assert 1 <= len(chosen) <= min(most, len(boxes))
    free = np.ones(len(boxes), dtype=bool)
    for window in chosen:
        assert (window[:2] >= 0).all()
        assert (window[2:] <= SIZE).all()
        assert np.array_equal(window[2:] - window[:2], np.floor(np.array(SIZE) / ZOOM))
        held = (boxes[:, :2] >= window[:2]).all(axis=1) & (boxes[:, 2:] <= window[2:]).all(axis=1)
        assert held.any()
        free &= ~held
    if most >= len(boxes):
        assert not free.any()


def test_one_window_serves_neighbours_and_the_crowd_comes_first() -> None:
    boxes = np.array([box(20, 100, 60, 150), box(450, 100, 60, 150), box(530, 120, 60, 150)], np.float32)
    (window,) = windows(boxes, *SIZE, 1)
    assert (boxes[1:, 2:] <= window[2:]).all()
    assert (boxes[1:, :2] >= window[:2]).all()
    assert len(windows(boxes, *SIZE, 5)) == 2


def test_nobody_and_who_is_too_large_need_no_window() -> None:
    assert windows(np.zeros((0, 4), np.float32), *SIZE, 2) == []
    assert windows(np.array([box(100, 20, 80, 170)], np.float32), *SIZE, 2) == []


def test_those_found_again_are_improved_and_the_others_stay() -> None:
    boxes = np.array([box(200, 150, 60, 150), box(300, 150, 60, 150), box(10, 10, 60, 150)], np.float32)
    keypoints = np.zeros((3, 12, 3), np.float32)
    seen = np.array([box(302, 152, 60, 148), box(12, 10, 60, 150)], np.float32)
    closer = np.ones((2, 12, 3), np.float32)
    closer[:, 5:, 2] = 0.1
    result = adopt(boxes, keypoints, np.array([120, 90, 520, 390]), seen, closer, SIZE)
    assert (result[0] == 0).all()  # nobody was found there
    assert (result[1, :5] == 1).all()
    assert (result[1, 5:] == 0).all()  # not sure of these
    assert (result[2] == 0).all()  # outside the window
    assert (keypoints == 0).all()
