"""Moments against their exact values."""

import numpy as np
import pytest

from replications.papers.SLUG.experiments.moments import QUICK, centre, moments, spread


def test_the_mean_of_uniform_numbers():
    result = moments(QUICK[0])
    draws = QUICK[0].seeds * 1000
    # five standard errors
    assert centre(result, "mean").mean() == pytest.approx(1 / 2, abs=5 * np.sqrt(1 / 12 / draws))


def test_spread_falls_with_the_root_of_the_draws():
    found = spread(moments(QUICK[0]), "mean")
    assert found.sel(draws=100) / found.sel(draws=1000) == pytest.approx(np.sqrt(10), rel=0.3)
