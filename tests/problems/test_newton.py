"""Newton's minima, and the ridge problem's own answers."""

import pytest
import torch

from replications.problems.newton import minimize
from replications.problems.ridge import ridge


def test_ridge_has_its_closed_form():
    problem = ridge(0, groups=3)
    decays = torch.tensor([-1.0, 0.0, 0.5], dtype=torch.float64)
    w = problem.best_response(decays)
    assert torch.func.grad(problem.train_loss)(w, decays).norm() < 1e-12
    found = minimize(lambda w: problem.train_loss(w, decays), torch.zeros(12, dtype=torch.float64))
    torch.testing.assert_close(found, w)


def test_leaves_a_saddle_for_a_minimum():
    def loss(w):  # a saddle at 0, minima at (0, +-1)
        return w[0] ** 2 + (w[1] ** 2 - 1) ** 2

    start = torch.tensor([0.5, 1e-3], dtype=torch.float64)
    found = minimize(loss, start)
    torch.testing.assert_close(found, torch.tensor([0.0, 1.0], dtype=torch.float64))


def test_says_when_it_fails():
    with pytest.raises(RuntimeError, match="iterations"):
        minimize(lambda w: (w**4).sum(), torch.ones(2, dtype=torch.float64), iterations=2)


def test_a_step_that_is_refused_after_many_good_ones_is_damped_again():
    """Sixteen steps down a steep power leave no damping; then a kink throws the step across."""
    calls = 0

    def loss(w):
        nonlocal calls
        calls += 1
        assert calls < 3000, "the same step is tried for ever"
        z = 50 * (w[0] - 0.3)
        return w[0] ** 20 + (torch.nn.functional.softplus(2 * z) - z) / 50

    found = minimize(loss, torch.tensor([2.0], dtype=torch.float64))
    torch.testing.assert_close(found, torch.tensor([0.3], dtype=torch.float64))
