"""Moments against their exact values."""

import numpy as np
import pytest

from replications.papers.SLUG.experiments import moments


def test_moments_of_uniform_numbers():
    result = moments.run(moments.QUICK)
    draws = moments.QUICK.seeds * moments.QUICK.draws
    # five standard errors
    assert result.mean.mean() == pytest.approx(1 / 2, abs=5 * np.sqrt(1 / 12 / draws))
    assert result.variance.mean() == pytest.approx(1 / 12, abs=5 * np.sqrt(1 / 180 / draws))
