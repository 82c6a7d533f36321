import numpy as np
import pytest

from walkout.perception.colours import histogram, lab, likeness


def plain(*bgr: int, size: int = 96) -> np.ndarray:
    return np.full((size, size, 3), bgr, np.uint8)


def test_lab_of_white_black_and_red() -> None:
    picture = np.array([[[255, 255, 255], [0, 0, 0], [0, 0, 255]]], np.uint8)
    # Red of sRGB under D65.
    assert lab(picture)[0] == pytest.approx(np.array([[100, 0, 0], [0, 0, 0], [53.2, 80.1, 67.2]]), abs=0.5)


def test_a_histogram_is_of_shares_whatever_the_size() -> None:
    small, large = (histogram(plain(180, 60, 40, size=size), middle=False) for size in (40, 400))
    assert small.sum() == pytest.approx(1)
    assert small == pytest.approx(large)


def test_the_middle_counts_more_than_the_edge() -> None:
    picture = plain(128, 128, 128)
    picture[:, :20] = picture[:, -20:] = (200, 60, 40)
    picture[25:71, 30:66] = (40, 60, 200)
    labels = np.stack([histogram(plain(*colour), middle=False) for colour in ((200, 60, 40), (40, 60, 200))])
    edge, middle = likeness(histogram(picture, middle=True), labels)
    assert middle > edge
    edge, middle = likeness(histogram(picture, middle=False), labels)
    assert middle < edge


def test_a_rare_colour_in_common_tells_more_than_a_usual_one() -> None:
    blue, grey = plain(200, 60, 40), plain(100, 120, 130)
    both = np.concatenate([blue, grey], axis=1)
    labels = np.stack([histogram(one, middle=False) for one in (blue, grey)])
    of_blue, of_grey = likeness(histogram(both, middle=False), labels)
    assert of_blue > of_grey + 1


def test_nothing_in_common_tells_nothing() -> None:
    labels = histogram(plain(40, 60, 200), middle=False)[None]
    assert likeness(histogram(plain(200, 60, 40), middle=True), labels) == pytest.approx([0])
