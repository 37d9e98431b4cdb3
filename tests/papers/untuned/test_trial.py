"""The arms differ in their rate alone, and the rule's numbers are the documented ones."""

from dataclasses import replace

import pytest
import torch

from replications.papers.untuned.experiments.trial import ARMS, DIGITS, coefficients, train

SMALL = replace(DIGITS[0], steps=2, batch=4)
LR = torch.tensor([0.1, 0.2])


@pytest.mark.parametrize(
    ("arm", "factor"),
    [("linear", 0.25), ("short", 1.0), ("long", 0.025), ("exponential", 0.3935)],
)
def test_a_warm_up_is_a_factor_of_adams_rate(arm, factor):
    adam = coefficients(SMALL, LR, 500)
    ours = coefficients(replace(SMALL, arm=arm), LR, 500)
    torch.testing.assert_close(ours.rate, factor * adam.rate, rtol=1e-4, atol=0)
    torch.testing.assert_close(ours._replace(rate=adam.rate), adam, rtol=0, atol=0)


@pytest.mark.parametrize("problem", ["digits", "translation"])
def test_a_model_does_not_depend_on_its_neighbours(problem):
    config = replace(SMALL, arm="RAdam", problem=problem)
    together = train(config, (0.01, 0.02), (0, 1))[:, 1, 1]
    assert train(config, (0.02,), (1,))[:, 0, 0] == pytest.approx(together, rel=1e-4)


def test_arms_share_weights_and_data():
    still = [train(replace(SMALL, arm=arm), (0.0,), (0, 1)) for arm in ARMS]
    assert all((other == still[0]).all() for other in still)
