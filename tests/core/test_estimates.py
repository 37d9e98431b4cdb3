"""Intervals against scipy.stats, and their coverage."""

import numpy as np
import pytest
from scipy import stats

from replications.core.estimates import Estimate, exact, mean, paired, proportion, ratio


def test_mean_is_student_t():
    samples = np.random.default_rng(0).normal(2.0, 3.0, size=7)
    low, high = stats.t.interval(0.95, df=6, loc=samples.mean(), scale=stats.sem(samples))
    estimate = mean(samples, "test")
    np.testing.assert_allclose(
        [estimate.value, estimate.low, estimate.high], [samples.mean(), low, high], rtol=1e-12
    )
    assert estimate.n == 7


def test_mean_covers_95_percent_with_five_samples():
    draws = np.random.default_rng(1).normal(size=(2000, 5))
    covered = sum(e.low <= 0 <= e.high for e in (mean(row, "test") for row in draws))
    assert stats.binomtest(covered, 2000, 0.95).pvalue > 1e-3  # a bootstrap of five covers 84 %


def test_paired_removes_what_the_seeds_share():
    rng = np.random.default_rng(2)
    shared = rng.normal(scale=100, size=20)
    estimate = paired(shared + 1.0, shared + rng.normal(scale=0.1, size=20), "test")
    assert estimate.low < 1.0 < estimate.high
    assert estimate.high - estimate.low < 0.2


def test_a_ratio_of_two_samples_far_apart_is_unknown():
    found = ratio([1e30, 1e-30], [1.0, 1.0], "test")
    assert (found.low, found.high) == (0.0, np.inf) and found.value == pytest.approx(1.0)


def test_ratio_is_geometric():
    b = np.array([1.0, 2.0, 4.0])
    estimate = ratio(b * [2.0, 3.0, 4.5], b, "test")
    assert estimate.value == pytest.approx(3.0)
    assert estimate.low * estimate.high == pytest.approx(9.0)


@pytest.mark.parametrize("successes", [0, 3, 10])
def test_proportion_is_clopper_pearson(successes):
    expected = stats.binomtest(successes, 10).proportion_ci(method="exact")
    estimate = proportion(successes, 10, "test")
    np.testing.assert_allclose(
        [estimate.low, estimate.high], [expected.low, expected.high], atol=1e-12
    )


def test_exact_has_the_error_it_is_given():
    assert exact(2.0, "test") == Estimate(2.0, 2.0, 2.0, 1, "test")
    assert exact(2.0, "test", error=0.5).high == 2.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mean([1.0], "t"), "at least 2"),
        (lambda: mean([1.0, float("nan")], "t"), "finite"),
        (lambda: paired([1.0, 2.0], [1.0, 2.0, 3.0], "t"), "share their seeds"),
        (lambda: ratio([1.0, -1.0], [1.0, 1.0], "t"), "positive"),
        (lambda: proportion(3, 2, "t"), r"successes must lie in \[0, n\]"),
        (lambda: exact(float("nan"), "t"), "without nan"),
        (lambda: Estimate(3.0, 1.0, 2.0, 1, "t"), "low <= value <= high"),
        (lambda: Estimate(1.0, 1.0, 2.0, 0, "t"), "n must be at least 1"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
