"""Decay and averaging against the closed form of constant SGD, and against chains."""

import math

import pytest
import torch

from replications.core.seeds import generator
from replications.problems import NoisyQuadratic
from replications.problems.schedules import averaged_loss, scheduled_loss

PROBLEM = NoisyQuadratic(
    torch.tensor([0.1, 1.0, 1.5], dtype=torch.float64),
    torch.tensor([4.0, 0.5, 0.2], dtype=torch.float64),
)


def test_constant_schedule_and_no_averaging_are_sgd():
    lr = torch.tensor([0.05, 0.6], dtype=torch.float64)
    sgd = PROBLEM.expected_loss(lr, steps=30, start_variance=2.0)
    torch.testing.assert_close(scheduled_loss(PROBLEM, lr.expand(30, 2), 2.0), sgd)
    torch.testing.assert_close(averaged_loss(PROBLEM, lr, 0.0, 30, 2.0), sgd)


def test_against_chains():
    """Both recursions against 40000 chains run by hand; 4 standard errors."""
    chains, steps, decay = 40_000, 25, 0.8
    gen = generator(2, "noise")
    rates = torch.linspace(0.8, 0.05, steps, dtype=torch.float64)
    theta = torch.randn(chains, 3, generator=gen, dtype=torch.float64) * math.sqrt(2.0)
    constant, average = theta.clone(), theta.clone()
    for rate in rates:
        noise = PROBLEM.noise_variance.sqrt() * torch.randn(theta.shape, generator=gen).double()
        theta = theta - rate * PROBLEM.curvature * (theta - noise)
        constant = constant - 0.6 * PROBLEM.curvature * (constant - noise)
        average = decay * average + (1 - decay) * constant
    for weights, ours in (
        (theta, scheduled_loss(PROBLEM, rates[:, None], 2.0)[0]),
        (average, averaged_loss(PROBLEM, 0.6, decay, steps, 2.0)),
    ):
        losses = 0.5 * (PROBLEM.curvature * weights.square()).sum(1)
        assert abs(losses.mean() - ours) < 4 * losses.std() / math.sqrt(chains)


def test_bad_decay():
    with pytest.raises(ValueError, match=r"decay must lie in \[0, 1\)"):
        averaged_loss(PROBLEM, 0.1, 1.0, 3, 1.0)
