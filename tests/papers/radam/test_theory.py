"""The experiments on the theory: samples lie on the formulas."""

from __future__ import annotations

import numpy as np
import pytest

from replications.papers.radam.experiments import (
    divergence,
    implementations,
    proof,
    schedule,
    simulation,
    variance,
)


def test_sampled_variance_is_the_exact_one() -> None:
    config = variance.Config(small=(1, 5), large=(8, 20), small_draws=5000)
    result = variance.run(config)
    finite = result.rho > 4
    ratio = result.sampled.mean(axis=1)[finite] / result.exact[finite]
    assert ratio == pytest.approx(1.0, rel=0.06)  # three standard errors at rho = 8
    assert result.log_sampled.mean(axis=1) / result.log_exact == pytest.approx(1.0, rel=0.03)
    assert np.isinf(result.exact[0]) and np.isinf(result.first_order[0])


def test_a_sampled_tail_falls_with_its_index() -> None:
    """Hill's estimate of the tail of psi^2 = rho / chi2, and what equation (2) overflows at."""
    result = variance.run(variance.Config(small=(1, 3), large=(8,), small_draws=50, large_draws=50))
    assert result.tail_index == pytest.approx([0.5, 1.5, 4.0], rel=1e-6)
    psi2 = np.sort(3 / np.random.default_rng(0).chisquare(3, 1_000_000))[-2000:]
    hill = 1 / np.log(psi2[1:] / psi2[0]).mean()
    assert hill == pytest.approx(result.tail_index[1], rel=0.1)  # four of its standard errors
    assert result.last_printed == 514  # 2^(2 * 515 - 5) = 2^1025 is no float64


def test_truncated_moments_by_quadrature() -> None:
    result = divergence.run(divergence.QUICK)
    assert result.mean == pytest.approx(result.mean_exact, rel=1e-6)
    assert result.second == pytest.approx(result.second_exact, rel=1e-6)
    small = result.eps < 0.05
    scaled = (result.eps_variance * result.eps)[small]
    assert scaled == pytest.approx(np.sqrt(2 / np.pi), rel=0.2)
    sampled = 1 / (np.abs(np.random.default_rng(0).standard_normal(400_000)) + 2.0)
    (at_2,) = result.eps_variance[result.eps == 2.0]
    assert at_2 == pytest.approx(sampled.var(), rel=0.01)  # four standard errors


def test_the_printed_bound_fails_and_the_repaired_one_holds() -> None:
    result = proof.run(proof.QUICK)
    assert (result.left > result.printed).all() and (result.left < result.repaired).all()
    at_5 = np.interp(5.0, result.t, result.left)
    assert at_5 == pytest.approx(1.6977, abs=1e-3)  # (5 - 2) Gamma(2)^2 / Gamma(5/2)^2


def test_schedule() -> None:
    result = schedule.run(schedule.Config(steps=300, checked=(5, 300)))
    assert (result.first_paper == 5).all() and (result.first_code == 6).all()
    # The known first step is (1 - beta2) / (1 + beta2) wide in Kish's formula: one gradient.
    assert result.kish[:, 0] == pytest.approx(1.0)
    assert (result.rectification_exact[:, 5] > result.rectification[:, 5]).all()


def test_simulated_variance_is_the_exact_one() -> None:
    config = simulation.Config(steps=60, shown=(20, 60), trajectories=20_000)
    result = simulation.run(config)
    assert result.sampled / result.exact == pytest.approx(1.0, rel=0.06)


def test_implementations() -> None:
    config = implementations.Config(steps=30, coordinates=50, scale_steps=(5,))
    result = implementations.run(config)
    assert result.same_as_torch < 1e-12
    rules = dict(zip(implementations.RULES, result.apart, strict=True))
    assert rules["authors, nmt"][:4].max() == 0 and rules["authors, nmt"][4] > 0
    moved = dict(zip(implementations.METHODS, result.moved[:, 0], strict=True))
    assert moved["Adam"] == pytest.approx(moved["Adam"][0], rel=1e-9)
    assert moved["RAdam"] / result.scales == pytest.approx(moved["RAdam"][3], rel=1e-9)
    assert (moved["RAdam, skip"] == 0).all()


def test_our_optax_rule_is_optaxs() -> None:
    optax = pytest.importorskip("optax")
    jax = pytest.importorskip("jax")
    import torch

    random = torch.Generator().manual_seed(0)
    start, gradients = torch.randn(7, generator=random), torch.randn(20, 7, generator=random)
    p = start.clone().requires_grad_()
    ours = implementations.OptaxRAdam([p], lr=0.01, eps=1e-2, weight_decay=0.0)
    rule = optax.radam(0.01, eps=1e-2)
    q = jax.numpy.asarray(start.numpy())
    state = rule.init(q)
    for gradient in gradients:
        p.grad = gradient.clone()
        ours.step()
        move, state = rule.update(jax.numpy.asarray(gradient.numpy()), state)
        q = q + move
    assert np.abs(p.detach().numpy() - np.asarray(q)).max() < 1e-5  # float32 rho_t in optax
