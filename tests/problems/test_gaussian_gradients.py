"""Samples and exact moments of psi for normal gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from replications.methods.rectification import adaptive_lr_variance
from replications.problems.gaussian_gradients import (
    exponential_average_moments,
    simple_average_rates,
)


def test_samples_have_the_log_variance_of_a_chi_square() -> None:
    from scipy.special import polygamma

    rhos = (1, 2, 5, 40)
    rates = simple_average_rates(rhos, (200_000,), torch.Generator().manual_seed(0))
    for rho, psi in zip(rhos, rates, strict=True):
        # 2 %: four standard errors of the variance of 200 000 draws of ln psi
        assert psi.log().var().item() == pytest.approx(polygamma(1, rho / 2) / 4, rel=0.02)
        assert (1 / psi**2).mean().item() == pytest.approx(1.0, rel=0.02)


def test_equal_weights_give_the_closed_form() -> None:
    """With beta2 -> 1 the exponential average becomes the simple one."""
    steps = (3, 4, 6, 30)
    mean, variance = exponential_average_moments(steps, 1 - 1e-10, (0.0,))
    assert variance[:, 0] == pytest.approx(adaptive_lr_variance(np.array(steps)), rel=1e-7)
    t = np.array(steps)
    second = t / (t - 2)
    assert mean[:, 0] ** 2 + variance[:, 0] == pytest.approx(second, rel=1e-7)


def test_moments_of_simulated_averages() -> None:
    """Plain Adam recursion, 200 000 sequences of 12 gradients with mean 1."""
    g = 1 + np.random.default_rng(1).standard_normal((12, 200_000))
    v = np.zeros(200_000)
    for gradient in g:
        v = 0.8 * v + 0.2 * gradient**2
    psi = np.sqrt((1 - 0.8**12) / v)
    mean, variance = exponential_average_moments((12,), 0.8, (1.0,))
    assert psi.mean() == pytest.approx(mean.item(), rel=0.005)
    assert psi.var() == pytest.approx(variance.item(), rel=0.03)


def test_large_mean_is_the_delta_method() -> None:
    """For mean 1000, psi = (1 - z/1000) / 1000: Var = sum w^2 / 1000^4."""
    weights = 0.1 * 0.9 ** np.arange(8) / (1 - 0.9**8)
    _, variance = exponential_average_moments((8,), 0.9, (1e3,))
    assert variance.item() * 1e12 == pytest.approx((weights**2).sum(), rel=1e-2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: exponential_average_moments((2,), 0.9, (0.0,)), "steps must be at least 3"),
        (lambda: exponential_average_moments((5,), 1.0, (0.0,)), r"beta2 must lie in \(0, 1\)"),
        (lambda: list(simple_average_rates((3, 3), (2,), torch.Generator())), "rise"),
    ],
)
def test_bad_input_is_named(call, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        call()
