"""The variance formulas against Monte Carlo, and their closed forms against the general one."""

from __future__ import annotations

import pytest
import torch

from replications.methods.es_variance import (
    episode_es_variance,
    identical_windows_ratio,
    independent_windows_ratio,
    pes_variance,
    truncated_es_variance,
    window_variances,
)
from replications.methods.evolution import NRES, PES, TruncatedES
from replications.problems.linear_unroll import later_losses
from tests.methods.test_evolution import episode
from tests.methods.unrolls import system


@pytest.mark.parametrize("window", [1, 3])
def test_formula_equals_monte_carlo(window) -> None:
    problem, theta = system("linear")
    exact = problem.window_jacobian(theta, window)
    own = problem.window_jacobian(theta, window, noise="truncated").sum(dim=1)
    expected = {
        PES: pes_variance(later_losses(exact)),
        NRES: episode_es_variance(exact.sum(dim=(0, 1))),
        TruncatedES: truncated_es_variance(own),
    }
    for kind, formula in expected.items():
        samples = episode(kind(window, 0.1, 60_000), problem, theta, seed=11)
        measured = samples.var(dim=0).sum()
        assert measured == pytest.approx(float(formula), rel=0.05)  # about 4 standard errors


def local(gradients: torch.Tensor) -> torch.Tensor:
    """h of windows that do not influence each other: h[s, tau] = g_tau for s <= tau."""
    return later_losses(torch.diag_embed(gradients.mT).permute(1, 2, 0))


def test_closed_forms() -> None:
    generator = torch.Generator().manual_seed(0)
    one = torch.randn(5, generator=generator, dtype=torch.float64)
    h = local(one.expand(8, -1))
    ratio = pes_variance(h) / (8 * one).square().sum()
    assert float(ratio) == pytest.approx(identical_windows_ratio(8, 5), rel=1e-12)
    assert identical_windows_ratio(1, 5) == 6  # one window is full ES

    draws = torch.randn(4000, 8, 5, generator=generator, dtype=torch.float64)
    variance = torch.stack([pes_variance(local(g)) for g in draws]).mean()
    squared = draws.sum(dim=1).square().sum(dim=1).mean()
    mean_ratio = float(variance / squared)
    assert mean_ratio == pytest.approx(
        independent_windows_ratio(8, 5), rel=0.05
    )  # 4000 draws: 1.5 % s.e.


@pytest.mark.usefixtures("unchecked")
def test_bad_shape() -> None:
    with pytest.raises(ValueError, match=r"h must be \[windows, windows, P\]"):
        pes_variance(torch.zeros(2, 3, 4))


@pytest.mark.parametrize("window", [1, 3])
def test_single_windows_equal_monte_carlo(window) -> None:
    problem, theta = system("linear")
    h = later_losses(problem.window_jacobian(theta, window))
    for kind, formula in zip((PES, NRES), window_variances(h), strict=True):
        estimator = kind(window, 0.1, 60_000)
        state = estimator.init(problem, theta, seed=12)
        for expected in formula:
            _, state, info = estimator.step(state, theta)
            measured = info.per_pair.var(dim=0).sum()
            assert measured == pytest.approx(float(expected), rel=0.06)  # 4 standard errors


def test_one_update_of_reused_noise_is_never_the_noisier_one() -> None:
    h = local(torch.randn(6, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64))
    pes, nres = window_variances(h)
    t = torch.arange(1, 7)
    assert torch.allclose(
        pes / nres, (4 * t + 1).double() / 5
    )  # windows without influence: P t + 1
    aligned = local(torch.ones(6, 4, dtype=torch.float64))
    assert pes_variance(aligned) < episode_es_variance(6 * torch.ones(4))  # but their sum may be
