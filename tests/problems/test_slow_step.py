"""The optimal slow step against the lowest point of the loss along the line."""

import pytest
import torch

from replications.core.seeds import generator
from replications.problems import NoisyQuadratic
from replications.problems.slow_step import optimal_alpha, optimal_alpha_noisy


def test_formula_finds_the_lowest_point():
    gen = generator(5, "problems")
    root = torch.randn(50, 8, 8, generator=gen, dtype=torch.float64)
    hessian = root @ root.mT + 0.1 * torch.eye(8, dtype=torch.float64)
    start, end, optimum = torch.randn(3, 50, 8, generator=gen, dtype=torch.float64)

    def loss(alpha):
        error = start + alpha * (end - start) - optimum
        return 0.5 * torch.einsum("ni,nij,nj->n", error, hessian, error)

    below, middle, above = (loss(-1.0), loss(0.0), loss(1.0))  # a parabola through three points
    lowest = (below - above) / (2 * (below - 2 * middle + above))
    ours = optimal_alpha(hessian, start, end, optimum)
    torch.testing.assert_close(ours, lowest, rtol=1e-9, atol=1e-11)  # conditioning of the hessian


def test_noisy_step_minimises_the_expected_loss():
    problem = NoisyQuadratic(
        torch.tensor([0.1, 1.0, 1.8], dtype=torch.float64),
        torch.tensor([2.0, 0.5, 0.3], dtype=torch.float64),
    )
    moment = torch.tensor([1.0, 0.2, 0.4], dtype=torch.float64)
    best = optimal_alpha_noisy(problem, 0.5, 5, moment).item()
    assert 0 < best < 1
    losses = [
        problem.expected_loss(0.5, best + shift, 5, steps=5, start_variance=moment).item()
        for shift in (-1e-3, 0.0, 1e-3)
    ]
    assert losses[1] < min(losses[0], losses[2])
    # equal on both sides: the third derivative of a parabola is 0
    assert losses[0] - losses[1] == pytest.approx(losses[2] - losses[1], rel=1e-6)


def test_without_noise_it_is_the_plain_step():
    curvature = torch.tensor([0.3, 1.0, 1.9], dtype=torch.float64)
    problem = NoisyQuadratic(curvature, torch.zeros(3, dtype=torch.float64))
    start = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    end = (1 - 0.9 * curvature) ** 3 * start
    plain = optimal_alpha(torch.diag(curvature), start, end, torch.zeros_like(start))
    noisy = optimal_alpha_noisy(problem, 0.9, 3, start**2)
    torch.testing.assert_close(noisy, plain, rtol=1e-13, atol=0)  # rounding


def test_unstable_learning_rate_is_refused():
    problem = NoisyQuadratic(torch.ones(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64))
    with pytest.raises(ValueError, match="lr must lie below 2 / L = 2"):
        optimal_alpha_noisy(problem, 2.0, 5, torch.ones(1))
