"""The schedules against the closed forms of their effective periods."""

import math

import numpy as np
import pytest

from replications.methods.adam_variants import linear_warmup, untuned_warmup_steps
from replications.methods.untuned_warmup import effective_period, exponential_warmup


@pytest.mark.parametrize("beta2", [0.9, 0.98, 0.999])
def test_effective_periods(beta2):
    steps = range(1, round(40 / (1 - beta2)))
    expo = np.array([exponential_warmup(t, beta2) for t in steps])
    assert effective_period(expo) == pytest.approx(1 / math.expm1(1 - beta2), rel=1e-9)
    length = untuned_warmup_steps(beta2)
    linear = np.array([linear_warmup(t, length) for t in steps])
    assert effective_period(linear) == pytest.approx((length - 1) / 2, rel=1e-9)


@pytest.mark.parametrize(("step", "beta2"), [(0, 0.9), (1, 1.0), (1, -0.1)])
def test_refuses_what_has_no_meaning(step, beta2):
    with pytest.raises(ValueError, match="step >= 1 and beta2"):
        exponential_warmup(step, beta2)
