from __future__ import annotations

import numpy as np

from walkout.tracking.small_arrays import marked, stacked


def test_arrays_are_stacked_and_none_make_an_empty_stack() -> None:
    arrays = [np.full((2, 3), k, dtype=float) for k in range(4)]
    np.testing.assert_array_equal(stacked(arrays, 2, 3), np.stack(arrays))
    assert stacked([], 2, 3).shape == (0, 2, 3)


def test_what_is_named_is_marked() -> None:
    assert marked(np.array([2, 0], dtype=np.intp), 4).tolist() == [True, False, True, False]
    assert not marked(np.zeros(0, dtype=np.intp), 2).any()
