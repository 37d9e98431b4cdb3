"""The experiments on the theory: samples lie on the formulas."""

from __future__ import annotations

import numpy as np
import pytest

from replications.methods.rectification import rho
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
    result = variance.variance(config)
    finite = result.sel(rho=result["rho"] > 4)
    ratio = finite["sampled"].mean("batch") / finite["exact"]
    assert ratio.values == pytest.approx(1.0, rel=0.06)  # three standard errors at rho = 8
    logs = result["log_sampled"].mean("batch") / result["log_exact"]
    assert logs.values == pytest.approx(1.0, rel=0.03)
    assert np.isinf(result.sel(rho=1)["exact"]) and np.isinf(result.sel(rho=1)["first_order"])


def test_equation_2_as_printed_overflows_from_515_on() -> None:
    result = variance.variance(variance.Config(small_draws=50, large_draws=50))
    assert result["last_printed"] == 514  # 2^(2 * 515 - 5) = 2^1025 is no float64


def test_the_first_order_formula_is_3_times_too_large_at_5() -> None:
    result = variance.variance(variance.Config(small_draws=50, large_draws=50))
    assert variance.over_exact(result).sel(rho=5) == pytest.approx(3.3075, abs=1e-4)


def test_truncated_moments_by_quadrature() -> None:
    result = divergence.divergence(divergence.Config())
    assert result["first"].values == pytest.approx(result["first_exact"].values, rel=1e-6)
    assert result["second"].values == pytest.approx(result["second_exact"].values, rel=1e-6)
    small = result["variance"].sel(eps=slice(None, 0.05))
    assert (small * small["eps"]).values == pytest.approx(np.sqrt(2 / np.pi), rel=0.2)
    sampled = 1 / (np.abs(np.random.default_rng(0).standard_normal(400_000)) + 2.0)
    at_2 = result["variance"].sel(eps=2.0)
    assert at_2 == pytest.approx(sampled.var(), rel=0.01)  # four standard errors
    over = divergence.overestimate(result)
    assert over.sel(eps=2.0) == pytest.approx(4, rel=0.02)
    assert over.sel(eps=1e-4) > 1000  # eps without sigma says nothing


def test_slopes_of_known_functions() -> None:
    """cut^-1 is a power of -1, -0.8 ln cut a logarithm of 0.8."""
    result = divergence.divergence(divergence.Config())
    cut = result["cut"]
    known = result.assign(second=1 / cut, first=("cut", -0.8 * np.log(cut.values)))
    assert divergence.power(known) == pytest.approx(-1)
    assert divergence.logarithm(known) == pytest.approx(0.8)


def test_the_printed_bound_fails_and_the_repaired_one_holds() -> None:
    result = proof.proof(proof.Config())
    assert (proof.excess(result, "printed") > 0).all()
    assert (proof.excess(result, "repaired") < 0).all()
    at_5 = result["left"].interp(t=5.0)
    assert at_5 == pytest.approx(1.6977, abs=1e-3)  # (5 - 2) Gamma(2)^2 / Gamma(5/2)^2


def test_schedule() -> None:
    result = schedule.schedule(schedule.Config(steps=300, checked=(5, 300)))
    assert (result["first_paper"] == 5).all() and (result["first_code"] == 6).all()
    # The known first step is (1 - beta2) / (1 + beta2) wide in Kish's formula: one gradient.
    assert result["kish"].sel(step=1).values == pytest.approx(1.0)
    at_6 = result.sel(step=6)
    assert (at_6["r_exact"] > at_6["r"]).all()
    assert schedule.factor(result).sel(step=6) == pytest.approx(0.025821, abs=1e-6)
    assert schedule.reached(result, 0.1, beta2=0.9) == 5  # r_5 is 0.16


def test_simulated_variance_is_the_exact_one() -> None:
    config = simulation.Config(steps=60, shown=(20, 60), trajectories=20_000)
    result = simulation.simulation(config)
    ratio = result["sampled"] / result["exact"]
    assert ratio.values == pytest.approx(1.0, rel=0.06)


def test_figure_9_shows_psi_and_not_its_square() -> None:
    """The figure starts at about 0.17; the variance of psi^2 would start above 1."""
    result = simulation.simulation(simulation.Config(steps=10, trajectories=10))
    start = simulation.variance(result, rectified=False).sel(mu=0)
    assert start.sel(step=5) == pytest.approx(0.252, abs=1e-3)
    assert start.sel(step=6) == pytest.approx(0.175, abs=1e-3)
    n = rho(6, 0.999)
    assert 2 * n**2 / ((n - 2) ** 2 * (n - 4)) > 1  # Var[psi^2], scaled inverse chi-square


def test_implementations() -> None:
    config = implementations.Config(steps=30, coordinates=50)
    result = implementations.implementations(config)
    assert result["same_as_torch"] < 1e-12
    nmt = result["apart"].sel(rule="authors, nmt")
    assert nmt.sel(step=slice(1, 4)).max() == 0 and nmt.sel(step=5) > 0
    assert implementations.apart(result, "torch, default", 30) > nmt.sel(step=30)
    first = result["update"].sel(rule="authors, default", step=1)
    assert first == 0  # its default takes no momentum step


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
