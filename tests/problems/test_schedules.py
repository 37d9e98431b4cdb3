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


def test_lookahead_at_a_constant_rate_is_the_closed_form():
    lr, alpha = torch.tensor([0.05, 0.6], dtype=torch.float64), torch.tensor([[0.2], [0.8]])
    ours = scheduled_loss(PROBLEM, lr.expand(30, 2), 2.0, alpha, 5)
    closed = PROBLEM.expected_loss(lr, alpha, 5, steps=30, start_variance=2.0)
    torch.testing.assert_close(ours, closed)


def test_lookahead_inside_a_schedule_against_its_three_moments():
    """By E slow^2, E fast^2 and E slow fast, as the algorithm is written, without the square."""
    rates = torch.linspace(0.9, 0.05, 12, dtype=torch.float64)
    slow = torch.full((3,), 2.0, dtype=torch.float64)
    for loop in rates.split(4):
        fast = cross = slow
        for rate in loop:
            x = rate * PROBLEM.curvature
            fast, cross = (1 - x) ** 2 * fast + x**2 * PROBLEM.noise_variance, (1 - x) * cross
        slow = 0.7**2 * slow + 2 * 0.7 * 0.3 * cross + 0.3**2 * fast
    ours = scheduled_loss(PROBLEM, rates[:, None], 2.0, 0.3, 4)
    torch.testing.assert_close(ours[0], 0.5 * (PROBLEM.curvature * slow).sum())


def test_a_loop_must_fit_the_schedule():
    with pytest.raises(ValueError, match="k must divide the 10 steps"):
        scheduled_loss(PROBLEM, torch.ones(10, 1), 1.0, 0.5, 3)


def test_bad_decay():
    with pytest.raises(ValueError, match=r"decay must lie in \[0, 1\)"):
        averaged_loss(PROBLEM, 0.1, 1.0, 3, 1.0)
