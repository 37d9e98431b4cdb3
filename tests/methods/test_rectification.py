"""rho_t, r_t and the two variances: transcriptions, mpmath, and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from replications.methods import rectification as R

STEPS = np.arange(1, 2001)


def exact_variance(rho: float, mpmath) -> float:  # type: ignore[no-untyped-def]
    """Equation (2) as printed, with the Beta function, to 60 digits."""
    with mpmath.workdps(60):
        rho = mpmath.mpf(rho)
        beta = mpmath.beta((rho - 1) / 2, (rho - 1) / 2)
        return float(rho / (rho - 2) - rho * mpmath.mpf(2) ** (2 * rho - 5) / mpmath.pi * beta**2)


@pytest.mark.parametrize("beta2", [0.999, 0.99, 0.9])
def test_rho_is_the_centre_of_mass(beta2: float) -> None:
    """(4) solves: mean age of the exponential average's weights = that of a simple average."""
    for t in (1, 2, 5, 37, 400):
        ages = np.arange(t)
        weights = (1 - beta2) * beta2**ages / (1 - beta2**t)
        # A simple average of length f has mean age (f - 1) / 2.
        assert R.rho(t, beta2) == pytest.approx(2 * (weights * ages).sum() + 1, abs=1e-9)


def test_rho_limits() -> None:
    assert R.rho_inf(0.999) == pytest.approx(1999)
    assert R.rho(1, 0.999) == pytest.approx(1, abs=1e-9)
    assert R.rho(1e6, 0.999) == pytest.approx(1999)
    assert R.rho(3, 0.0) == 1.0
    assert (np.diff(R.rho(STEPS, 0.999)) > 0).all()


@pytest.mark.parametrize("beta2", [0.999, 0.99, 0.9, 0.7])
def test_r_is_the_printed_formula(beta2: float) -> None:
    limit = 2 / (1 - beta2) - 1
    r = R.rectification(STEPS, beta2)
    for t in STEPS[:200]:
        rho = limit - 2 * t * beta2**t / (1 - beta2**t)
        if rho <= 4:
            assert np.isnan(r[t - 1])
        else:
            printed = ((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho)) ** 0.5
            assert r[t - 1] == pytest.approx(printed, abs=1e-9)


def test_r_squared_is_a_ratio_of_variances() -> None:
    """What r_t is for: r_t^2 Var[psi_t] = Var[psi_inf], to first order."""
    ours = R.rectification(STEPS[4:], 0.999) ** 2 * R.adaptive_lr_variance_first_order(
        R.rho(STEPS[4:], 0.999)
    )
    assert ours == pytest.approx(R.adaptive_lr_variance_first_order(1999.0), rel=1e-9)


def test_r_known_values_and_threshold() -> None:
    assert R.rectification(6, 0.999) == pytest.approx(0.025822, abs=1e-5)
    assert R.rectification([5, 6], 0.9) == pytest.approx([0.15611, 0.25518], abs=1e-5)
    assert math.isnan(R.rectification(5, 0.999, threshold=5.0))
    assert math.isnan(R.rectification(10**6, 0.5))
    assert R.rectification(10**6, 0.999) == pytest.approx(1.0)


def test_variance_closed_forms() -> None:
    assert R.adaptive_lr_variance(3) == pytest.approx(3 - 6 / math.pi, rel=1e-12)
    assert R.adaptive_lr_variance(4) == pytest.approx(2 - math.pi / 2, rel=1e-12)
    assert R.adaptive_lr_variance(5) == pytest.approx(0.251956, abs=1e-6)
    assert R.adaptive_lr_variance([1, 2]).tolist() == [math.inf, math.inf]
    assert R.adaptive_lr_variance_first_order(5) == pytest.approx(5 / 6)
    assert R.adaptive_lr_variance_first_order([3, 4]).tolist() == [math.inf, math.inf]


def test_first_order_over_exact() -> None:
    rho = np.array([5.0, 100.0, 500.0])
    ratio = R.adaptive_lr_variance_first_order(rho) / R.adaptive_lr_variance(rho)
    assert ratio == pytest.approx([3.3075, 1.0235, 1.0045], abs=1e-4)


def test_variance_is_accurate_from_2_to_a_million() -> None:
    mpmath = pytest.importorskip("mpmath")
    rho = np.concatenate(
        [2 + np.logspace(-6, 0, 7), np.linspace(3.3, 140, 40), np.logspace(2.2, 6, 15)]
    )
    error = [R.adaptive_lr_variance(r) / exact_variance(r, mpmath) - 1 for r in rho]
    assert np.abs(error).max() < 1e-11


def test_variance_of_sampled_rates() -> None:
    """A million draws of psi = sqrt(rho / chi2(rho)), within three standard errors of (2)."""
    draws = np.random.default_rng(0).chisquare(6, size=(100, 10_000))
    variances = (6 / draws).__pow__(0.5).var(axis=1, ddof=1)
    error = variances.std(ddof=1) / 10
    assert abs(variances.mean() - R.adaptive_lr_variance(6)) < 3 * error


def test_numbers_and_arrays_agree() -> None:
    for beta2 in (0.999, 0.7, 0.0):
        one_by_one = [R.rho(float(t), beta2) for t in STEPS[:50]]
        assert R.rho(STEPS[:50], beta2) == pytest.approx(one_by_one, abs=1e-12)
        factors = [R.rectification(int(t), beta2) for t in STEPS[:50]]
        assert R.rectification(STEPS[:50], beta2) == pytest.approx(factors, abs=1e-9, nan_ok=True)


def test_beta2_and_step_broadcast() -> None:
    """A grid is the numbers one by one; a decay of its own for each step, too."""
    betas = np.array([0.0, 0.5, 0.6, 0.9, 0.999])
    assert R.rho_inf(betas).tolist() == [R.rho_inf(b) for b in betas]
    steps = np.array([1, 5, 6, 40])
    for function in (R.rho, R.rectification):
        grid = function(steps[:, None], betas)
        assert grid.shape == (4, 5)
        one_by_one = [[function(int(t), float(b)) for b in betas] for t in steps]
        np.testing.assert_allclose(grid, one_by_one, rtol=1e-12)
        np.testing.assert_allclose(function(6, betas), grid[2], rtol=1e-12)
        np.testing.assert_allclose(function(steps, betas[:4]), np.diag(grid), rtol=1e-12)
    assert isinstance(R.rho(6, torch.tensor(betas)), torch.Tensor)


def test_kind_of_input_is_kind_of_output() -> None:
    assert isinstance(R.rho(3, 0.9), float)
    assert isinstance(R.adaptive_lr_variance(np.array([5.0, 6.0])), np.ndarray)
    assert isinstance(R.rectification(torch.arange(1, 4), 0.9), torch.Tensor)
    assert R.adaptive_lr_variance(torch.tensor([5, 6])).dtype == torch.float64


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: R.rho_inf(1.0), r"beta2 must lie in \[0, 1\)"),
        (lambda: R.rho_inf([0.9, math.nan]), r"beta2 must lie in \[0, 1\)"),
        (lambda: R.rho(3, [0.9, 1.0]), r"beta2 must lie in \[0, 1\)"),
        (lambda: R.rho([3.0, math.nan], 0.9), "step must be at least 1"),
        (lambda: R.rho(0, 0.9), "step must be at least 1"),
        (lambda: R.rectification(3, 0.9, threshold=3.0), "threshold must be at least 4"),
        (lambda: R.adaptive_lr_variance(0.0), "rho must be positive"),
        (lambda: R.adaptive_lr_variance_first_order([5.0, math.nan]), "rho must be positive"),
    ],
)
def test_bad_input_is_named(call, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        call()
