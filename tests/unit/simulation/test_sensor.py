from __future__ import annotations

import numpy as np
import pytest

from walkout.simulation.sensor import SensorModel, SensorParameters, sample_sensor

GREY = np.full((120, 160, 3), 128, np.uint8)


def test_a_perfect_sensor_changes_nothing() -> None:
    perfect = SensorModel(SensorParameters(blur_px=0, noise=0, vignette=0), seed=1)
    picture = np.random.default_rng(0).integers(0, 256, (120, 160, 3)).astype(np.uint8)
    assert np.array_equal(perfect.apply(picture), picture)


def test_noise_has_the_asked_size_and_differs_between_frames() -> None:
    model = SensorModel(SensorParameters(blur_px=0, noise=4.0, vignette=0), seed=1)
    first, second = model.apply(GREY), model.apply(GREY)
    assert first.astype(float).std() == pytest.approx(4.0, rel=0.1)
    assert not np.array_equal(first, second)
    again = SensorModel(SensorParameters(blur_px=0, noise=4.0, vignette=0), seed=1)
    assert np.array_equal(first, again.apply(GREY))


def test_corners_are_darker_and_the_cast_shows() -> None:
    model = SensorModel(SensorParameters(blur_px=0, noise=0, vignette=0.3, cast=(0.9, 1.0, 1.1)), seed=1)
    shown = model.apply(GREY)
    assert shown[0, 0, 1] < 0.75 * shown[60, 80, 1]
    assert shown[60, 80, 0] < shown[60, 80, 1] < shown[60, 80, 2]


def test_sizes_beyond_the_noise_field_are_covered() -> None:
    model = SensorModel(SensorParameters(), seed=1)
    assert model.apply(np.full((1300, 1600, 3), 90, np.uint8)).shape == (1300, 1600, 3)


def test_random_sensors_are_valid_and_wrong_ones_are_refused() -> None:
    rng = np.random.default_rng(2)
    assert len({sample_sensor(rng) for _ in range(20)}) == 20
    with pytest.raises(ValueError, match="vignette"):
        SensorParameters(vignette=1.5)
