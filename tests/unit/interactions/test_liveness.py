import numpy as np

from walkout.interactions.liveness import Liveness


def blocks(values: np.ndarray) -> list[np.ndarray]:
    return [values[start : start + 6, None] for start in range(0, len(values), 6)]


def ever_stuck(liveness: Liveness, values: np.ndarray) -> bool:
    return any(bool(liveness.stuck(block)[0]) for block in blocks(values))


def test_a_noisy_plate_that_repeats_its_value_is_stuck_within_a_tenth_of_a_second_or_two() -> None:
    liveness = Liveness(1)
    assert not ever_stuck(liveness, np.random.default_rng(1).normal(0, 1, 600))
    assert ever_stuck(liveness, np.full(12, 7.0))


def test_a_coarse_plate_may_repeat_its_value() -> None:
    rng = np.random.default_rng(2)
    for phase in (0.0, 1.2, 2.5):
        liveness = Liveness(1)
        assert not ever_stuck(liveness, 5 * np.round((rng.normal(0, 1, 1200) + phase) / 5))
        assert not ever_stuck(liveness, np.full(60, -200.0))


def test_a_plate_lives_again_with_the_first_new_value() -> None:
    liveness = Liveness(1)
    noise = np.random.default_rng(3).normal(0, 1, 600)
    ever_stuck(liveness, noise)
    ever_stuck(liveness, np.zeros(60))
    assert not liveness.stuck(noise[:6, None])[0]


def test_the_resolution_is_the_smallest_difference_seen() -> None:
    liveness = Liveness(1)
    assert liveness.resolution_g[0] == 0
    ever_stuck(liveness, np.array([0.0, 5.0, 5.0, np.nan, 10.0, 25.0]))
    assert liveness.resolution_g[0] == 5
