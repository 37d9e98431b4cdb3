"""The arms differ in their rate alone, and the rule's numbers are the documented ones."""

from dataclasses import replace

import pytest

from replications.papers.untuned.experiments.schedule import factors
from replications.papers.untuned.experiments.trial import ARMS, DIGITS, train

SMALL = replace(DIGITS, steps=2, batch=4)


@pytest.mark.parametrize(
    ("arm", "factor"),
    [("Adam", 1.0), ("linear", 0.25), ("short", 1.0), ("long", 0.025), ("exponential", 0.3935)],
)
def test_the_factor_of_adams_rate_at_step_500(arm, factor):
    assert factors(arm, 0.999, 500)[-1] == pytest.approx(factor, rel=1e-4)


def test_arms_share_weights_and_data():
    still = [train(replace(SMALL, arm=arm), (0.0,), (0, 1)) for arm in ARMS]
    assert all((other == still[0]).all() for other in still)
