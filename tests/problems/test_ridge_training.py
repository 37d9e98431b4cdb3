"""The ridge run: its written-out derivative against backpropagation and the closed form."""

import pytest
import torch

from replications.methods.backprop import BPTT
from replications.problems.ridge import ridge
from replications.problems.ridge_training import RidgeTraining


def theta_of(decays: int, knots: int) -> torch.Tensor:
    return torch.cat([torch.linspace(-2, 1, decays), torch.linspace(-1.2, -2, knots)]).double()


@pytest.mark.parametrize(("groups", "knots", "horizon"), [(None, 4, 16), (3, 1, 7), (5, 2, 1)])
def test_derivative_is_that_of_backpropagation(groups, knots, horizon):
    problem = RidgeTraining(ridge(0, groups=groups), horizon, knots)
    theta = theta_of(problem.decays, knots)
    estimator = BPTT()
    found, _, _ = estimator.step(estimator.init(problem, theta), theta)
    torch.testing.assert_close(found, problem.gradient(theta), rtol=1e-10, atol=1e-12)


def test_finished_training_has_the_closed_form():
    problem = RidgeTraining(ridge(1), 400)
    theta = theta_of(12, 4)
    assert (problem.gradient(theta) - problem.limit(theta)).abs().max() < 1e-10
    optimum = problem.ridge.best_response(theta[:12])
    torch.testing.assert_close(problem.weights(theta), optimum)


def test_losses_telescope_and_agree_with_the_ridge_problem():
    problem = RidgeTraining(ridge(2), 12)
    theta = torch.stack([theta_of(12, 4), theta_of(12, 4) - 0.3])
    state, total = problem.init(2), 0.0
    for t in range(12):
        state, loss = problem.step(state, theta, t)
        total = total + loss
    fast, fast_total = problem.unroll(problem.init(2), theta, 0, 12)
    torch.testing.assert_close(total, fast_total)
    torch.testing.assert_close(state[0], fast[0])
    for w, value in zip(*fast, strict=True):
        torch.testing.assert_close(problem.ridge.val_loss(w, theta[0, :12]), value)


def test_log_rates_are_linear_between_knots():
    problem = RidgeTraining(ridge(0), 7, knots=3)
    torch.testing.assert_close(
        problem._hat @ torch.tensor([0.0, 3.0, 9.0]).double(),
        torch.tensor([0.0, 1, 2, 3, 5, 7, 9]).double(),
    )


@pytest.mark.parametrize(("horizon", "knots"), [(0, 4), (5, 0)])
def test_bad_sizes(horizon, knots):
    with pytest.raises(ValueError, match="at least 1"):
        RidgeTraining(ridge(0), horizon, knots)
