import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from walkout.evaluation.statistics import (
    Claim,
    expected_calibration_error,
    percentiles,
    reliability,
    wilson_interval,
)


@pytest.mark.parametrize(("right", "total"), [(0, 1), (1, 1), (1, 2), (18, 30), (97, 100), (0, 40), (40, 40)])
def test_wilson_interval_is_that_of_scipy(right, total):
    expected = binomtest(right, total).proportion_ci(method="wilson")
    assert wilson_interval(right, total) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_interval_of_nothing_says_nothing():
    assert wilson_interval(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="5 right of 4"):
        wilson_interval(5, 4)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_holds_the_share(counts):
    right, total = counts
    low, high = wilson_interval(right, total)
    assert 0 <= low <= right / total <= high <= 1
    assert high - low < 1


def test_reliability_and_calibration_error_by_hand():
    claims = [Claim(0.95, True), Claim(0.91, True), Claim(0.93, False), Claim(0.55, False), Claim(1.0, True)]
    low, high = reliability(claims)
    assert (low.low, low.high, low.count, low.share_right) == (0.5, 0.6, 1, 0.0)
    assert (high.low, high.high, high.count) == (0.9, 1.0, 4)
    assert high.mean_probability == pytest.approx((0.95 + 0.91 + 0.93 + 1.0) / 4)
    assert high.share_right == pytest.approx(3 / 4)
    # One claim that promised 0.55 and failed; four that promised 0.9475 and kept 0.75.
    assert expected_calibration_error((low, high)) == pytest.approx((1 * 0.55 + 4 * (0.9475 - 0.75)) / 5)


def test_calibration_error_of_honest_claims_is_nothing():
    honest = [Claim(0.75, True)] * 3 + [Claim(0.75, False)]
    assert expected_calibration_error(reliability(honest)) == pytest.approx(0)
    assert expected_calibration_error(()) is None


def test_a_probability_beyond_one_is_refused():
    with pytest.raises(ValueError, match=r"1\.2"):
        reliability([Claim(1.2, True)])


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=40))
def test_every_claim_is_in_one_bin(pairs):
    bins = reliability(Claim(p, right) for p, right in pairs)
    assert sum(chosen.count for chosen in bins) == len(pairs)
    for chosen in bins:
        assert chosen.low - 1e-9 <= chosen.mean_probability <= chosen.high + 1e-9


def test_percentiles():
    values = list(range(101))
    assert percentiles(values) == {"count": 101, "p50": 50.0, "p95": 95.0, "p99": 99.0}
    assert percentiles([]) == {"count": 0, "p50": None, "p95": None, "p99": None}
    assert percentiles([1.0, 2.0])["p95"] == pytest.approx(np.percentile([1.0, 2.0], 95))
