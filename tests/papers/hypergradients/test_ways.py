"""The ways against one another and against exact answers, and what they are said to cost."""

import numpy as np
import pytest
import torch

from replications.methods.backprop import BPTT, TruncatedBPTT
from replications.methods.evolution import NRES, FullES
from replications.methods.rtrl import RTRL
from replications.papers.hypergradients.ways import (
    Errors,
    Sizes,
    differences,
    episode,
    last_steps,
    objective,
)
from replications.problems.ridge import ridge
from replications.problems.ridge_training import RidgeTraining

PROBLEM = RidgeTraining(ridge(0, n=10, d=3), horizon=8, knots=2)
THETA = torch.tensor([-1.0, -0.5, 0.0, -1.5, -2.0], dtype=torch.float64)
TRUTH = PROBLEM.gradient(THETA)


@pytest.mark.parametrize("estimator", [BPTT(), RTRL(8), RTRL(3)], ids=["whole", "rtrl", "windows"])
def test_exact_ways_agree(estimator):
    total, _ = episode(estimator, PROBLEM, THETA, [0])
    torch.testing.assert_close(total[0], TRUTH)


def test_differences_and_all_last_steps_are_the_derivative():
    torch.testing.assert_close(differences(PROBLEM, THETA, 1e-5), TRUTH, rtol=1e-7, atol=1e-9)
    torch.testing.assert_close(last_steps(PROBLEM, THETA, 8), TRUTH)
    torch.testing.assert_close(last_steps(PROBLEM, THETA, 99), TRUTH)  # no more than there are


def test_last_steps_are_the_last_window_of_truncated_backpropagation():
    _, last = episode(TruncatedBPTT(2), PROBLEM, THETA, [0])
    torch.testing.assert_close(last_steps(PROBLEM, THETA, 2), last[0])


def test_noise_reuse_is_full_es_while_theta_stays():
    seeds = [3, 4]
    whole, _ = episode(FullES(0.1, 2), PROBLEM, THETA, seeds)
    windows, _ = episode(NRES(2, 0.1, 2), PROBLEM, THETA, seeds)
    torch.testing.assert_close(whole, windows)


def test_objective_is_the_validation_loss_after_training():
    weights = PROBLEM.weights(THETA)
    start = PROBLEM.init(1)[1]
    after = PROBLEM.ridge.val_loss(weights, THETA[:3])
    torch.testing.assert_close((objective(PROBLEM, THETA[None]) + start)[0], after)


def test_errors_of_a_known_law():
    truth = torch.tensor([3.0, 4.0], dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(20_000, 2, generator=generator, dtype=torch.float64)
    found = Errors.of(truth + torch.tensor([0.5, 0.0]) + 2 * noise, truth)
    assert found.bias2 == pytest.approx(0.25 / 25, abs=0.004)
    assert found.variance == pytest.approx(8 / 25, rel=0.03)
    one = Errors.of(2 * truth[None], truth)
    assert (one.bias2, one.variance, one.cosine) == pytest.approx((1.0, 0.0, 1.0))
    assert Errors.of(0 * truth[None], truth).cosine == 0


def test_prices():
    sizes = Sizes(steps=100, state=50, hyperparams=4)
    gradients = {
        "implicit": sizes.implicit(10),
        "dense": sizes.dense(),
        "backwards": sizes.backwards(),
        "last": sizes.backwards(5),
        "truncated": sizes.truncated(10),
        "forwards": sizes.forwards(),
        "uoro": sizes.uoro(),
        "differences": sizes.differences(),
        "full ES": sizes.perturbed(8, kept=False),
        "PES": sizes.perturbed(8, accumulators=True),
    }
    assert {name: (p.gradients, p.memory) for name, p in gradients.items()} == {
        "implicit": (23, 200),
        "dense": (103, 2500),
        "backwards": (201, 5000),
        "last": (11, 250),
        "truncated": (210, 500),
        "forwards": (800, 200),
        "uoro": (400, 54),
        "differences": (800, 50),
        "full ES": (1600, 50),
        "PES": (1600, 16 * 52),
    }


def test_length_from_bias_and_cosine():
    import xarray as xr

    from replications.papers.hypergradients.experiments.ridge import length

    truth, found = np.array([3.0, 4.0]), np.array([9.0, 1.0])
    errors = Errors.of(torch.tensor(found)[None], torch.tensor(truth))
    result = xr.Dataset({"bias2": errors.bias2, "cosine": errors.cosine}).expand_dims(
        setting=["one"], horizon=[1], part=["all"]
    )
    expected = np.linalg.norm(found) / np.linalg.norm(truth)
    assert float(length(result, "one", 1, "all")) == pytest.approx(expected)
